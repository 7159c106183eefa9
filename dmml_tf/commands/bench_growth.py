"""`dmml bench growth`: time and memory of each step over 1, 10 and 100 thousand made tracks."""

from absl import flags

from dmml_tf.benchmarks.growth import Grown, bench_growth, plot_growth, table
from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.commands.run_flag import chosen_run, define_run_flag


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_multi_integer(
        "tracks",
        [1000, 10_000, 100_000],
        "Made tracks of 3 s, one number after another; 100,000 take 10 GB on disk for the time.",
        lower_bound=300,
        flag_values=fv,
    )
    flags.DEFINE_integer("seed", 0, "Of the tracks.", lower_bound=0, flag_values=fv)
    flags.DEFINE_string("plot", None, "PNG to draw the figures in.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints each figure as it is there, then all of them."""
    print(machine_line())
    grown: list[Grown] = []
    for row in bench_growth(chosen_run(fv), fv.tracks, fv.seed):
        grown.append(row)
        print(f"{row.tracks:,} tracks, {row.step}: {row.seconds:.2f} s, {row.mebibytes:,.0f} MiB", flush=True)
    if len({*fv.tracks}) > 1:
        print(table(grown))
        if fv.plot:
            plot_growth(grown, fv.plot)
