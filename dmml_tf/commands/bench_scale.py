"""`dmml bench scale`: bytes, hours of a core and money of any number of songs, by rates and prices of your own."""

import dataclasses

from absl import flags

from dmml_tf.benchmarks.scale import Prices, Rates, report


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command: a number each rate and price."""
    flags.DEFINE_multi_integer(
        "songs", [1_000_000, 100_000_000], "Songs of 30 s, one number after another.", lower_bound=1, flag_values=fv
    )
    for values in (Rates(), Prices()):
        for field in dataclasses.fields(values):
            default, text = getattr(values, field.name), f"{field.metadata['text']}."
            flags.DEFINE_float(field.name, default, text, lower_bound=0.0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the tables."""
    rates = Rates(**{field.name: getattr(fv, field.name) for field in dataclasses.fields(Rates)})
    prices = Prices(**{field.name: getattr(fv, field.name) for field in dataclasses.fields(Prices)})
    print(report(fv.songs, rates, prices))
