"""`dmml bench sampler`: the sampler's figures on a dataset, on made labels, and against the paper's explicit form."""

import os
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.forms import measure_forms
from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.sampler import MSD, measure_dataset, measure_made, rare_tag, time_vocabularies
from dmml_tf.commands.configuration import define_config_flag, read_config
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.training.config import from_fields, load_data
from dmml_tf.training.train import conditions_from_config
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

MADE_TRACKS = 2_000


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_config_flag(fv, "demo")
    flags.DEFINE_string("data", None, "Folder of a built dataset.", required=True, flag_values=fv)
    flags.DEFINE_integer(
        "triplets", 20_000, "Triplets a condition, at least, that are checked.", lower_bound=1, flag_values=fv
    )
    flags.DEFINE_integer(
        "epoch",
        0,
        "Batches of the epoch whose anchors are counted; 0: one pass of the split, in which each track is new once.",
        lower_bound=0,
        flag_values=fv,
    )
    flags.DEFINE_integer("steps", 10, "Training steps timed in each form.", lower_bound=1, flag_values=fv)
    flags.DEFINE_string("out", "bench_sampler.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the figures and writes them.

    Raises:
        UserError: on a configuration of other than triplets, or with votes, whose triplets are not drawn by a rule.
    """
    print(machine_line())
    config = read_config(fv)
    dataset = load_data(config, fv.data)
    conditions = conditions_from_config(config, dataset)
    if config.objective.name != "triplets" or any(condition.triplets_given for condition in conditions):
        raise UserError(
            "bench sampler checks triplets that a rule gives: name a configuration with objective "
            '"triplets" and no judged condition, such as demo'
        )
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)  # minutes of measuring are not to end in a missing folder
    plan = from_fields(BatchPlan, "config.batch", config.batch)
    figures = {
        "dataset": measure_dataset(dataset, "train", conditions, plan, config.seed, fv.triplets, fv.epoch or None),
        "million_song_labels": measure_made(MSD, MADE_TRACKS, BatchPlan()),
        "tag_of_1_percent": measure_made(rare_tag(), MADE_TRACKS, BatchPlan())["genre"],
        "milliseconds_by_vocabulary": time_vocabularies(BatchPlan()),
        "forms": measure_forms(config, dataset, conditions, fv.steps),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }
    write_json(Path(fv.out), figures)
    print("\n".join(_lines(figures)))
    print(f"written: {fv.out}")


def _lines(figures: Mapping) -> list[str]:
    measured, rare, forms = figures["dataset"], figures["tag_of_1_percent"], figures["forms"]
    times = figures["milliseconds_by_vocabulary"]
    return [
        f"This dataset, one epoch of {measured['steps_an_epoch']} batches:",
        *(
            f"  {name}: {one['triplets']:,} triplets, {one['invalid']} invalid; " + _covered(one)
            for name, one in measured["conditions"].items()
        ),
        f"{MADE_TRACKS:,} made tracks, tags as sparse as the Million Song Dataset's, one epoch:",
        *(
            f"  {name}: {one['triplets']:,} triplets; " + _covered(one)
            for name, one in figures["million_song_labels"].items()
        ),
        f"A genre of {rare['rare_tracks']} in {rare['tagged']:,} made tracks: {rare['rare_triplets']} triplets an "
        f"epoch share it, {rare['rare_expected']:.0f} were to be expected; {rare['rare_anchors']} of its tracks were "
        "anchors",
        "Milliseconds a batch by tags in the vocabulary: "
        + ", ".join(f"{size:,}: {value:.1f}" for size, value in times.items())
        + f" (largest to smallest {max(times.values()) / min(times.values()):.2f})",
        f"A training step of {forms['windows']} windows: shared {forms['shared']['triplets']:,.0f} triplets in "
        f"{forms['shared']['seconds']:.3f} s, explicit {forms['explicit']['triplets']:,.0f} in "
        f"{forms['explicit']['seconds']:.3f} s: {forms['ratio']:.0f} times the triplets a second",
        f"Loss of both on the same triplets: {forms['loss']['shared']:.6f}, {forms['loss']['explicit']:.6f} "
        f"(difference {forms['difference']:.1e})",
        f"On {figures['cores']} cores, load {figures['load']:.1f}",
    ]


def _covered(one: Mapping) -> str:
    covered, between = one["anchors"] / max(1, one["tagged"]), one.get("between_labels", 0)
    return (
        f"share {one['share']:.4f} of {one['asked']:.4f} asked; {one['anchors']:,} of {one['tagged']:,} labelled "
        f"tracks were anchors ({covered:.1%}; {one['alone']} share a tag with no other)"
        + (f"; {between:.1%} of windows lie between two labels of their song and have none" if between else "")
    )
