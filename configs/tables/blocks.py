"""Which block is best: all five, for the same steps and for the same minutes of training, otherwise alike.

    dmml table --data data/demo --config tables/blocks

Lee et al. (ICASSP 2020, section 3.2) compare them, say that Inception was best and give no figures. Nine trainings at
the small width for each of three seeds; options as in `tables/icassp2020`. "The same minutes" are those that Inception
takes for its steps: the others' steps follow from `SECONDS`, so that the table is the same on any machine.
"""

from collections.abc import Mapping

import ml_collections
from dmml_tf.configs.tables import icassp2020

# CPU seconds of a step of 48 windows at the small width on one core, all in turn in one run of
#     dmml bench step --small --config disentangled_track --config block_conv ... --config frontend_sample_cnn
SECONDS = {
    "inception": 0.211,
    "conv": 0.240,
    "conv_se": 0.237,
    "resnet": 0.194,
    "resnet_se": 0.213,
}
LABELS = {
    "inception": "Inception",
    "conv": "convolution",
    "conv_se": "convolution + SE",
    "resnet": "ResNet",
    "resnet_se": "ResNet + SE",
}
MINUTES = "_minutes"  # ends the name of a row that is trained for the first row's minutes


def get_config() -> ml_collections.ConfigDict:
    """The blocks, each with the paper's frontend."""
    config = same_steps_and_minutes(
        {name: "disentangled_track" if name == "inception" else f"block_{name}" for name in SECONDS}, LABELS, SECONDS
    )
    config.title = "Which block"
    return config


def same_steps_and_minutes(
    systems: Mapping[str, str], labels: Mapping[str, str], seconds: Mapping[str, float]
) -> ml_collections.ConfigDict:
    """A table of systems that are trained for equally many steps, and again for the first one's minutes.

    Args:
        systems: row -> name of its file in `configs/`; the first has the minutes that all get.
        labels: row -> what the table calls it.
        seconds: row -> seconds of a step.
    """
    config = icassp2020.get_config()
    config.paper = "paper"
    config.seeds = (0, 1, 2)
    first, *others = systems
    config.rows = {
        name: {"label": labels[name], "kind": "train", "config": system, "step_seconds": seconds[name]}
        for name, system in systems.items()
    }
    for name in others:
        config.rows[name + MINUTES] = {
            **config.rows[name].to_dict(),
            "label": f"{labels[name]}, {labels[first]}'s minutes",
            "steps_share": seconds[first] / seconds[name],
        }
    minutes = tuple(name + MINUTES for name in others)
    config.order = (first, *others, *minutes)
    config.tables = (
        {"title": "The same steps, sub-spaces", "rows": (first, *others), **_SUBSPACES},
        {"title": "The same minutes, sub-spaces", "rows": (first, *minutes), **_SUBSPACES},
        {"title": "Whole space", "columns": (("whole.*", ""), ("whole.track", "track")), "interval": "whole.overall"},
    )
    config.shown = (("subspace.overall", "sub-spaces, overall"), ("whole.overall", "whole space, overall"))
    config.pairs = tuple((name, first, "subspace", "overall") for name in (*others, *minutes))
    config.notes = (
        f"Steps of the rows with {labels[first]}'s minutes: its steps times its CPU seconds a step, over the row's "
        "own; the rate falls along a cosine over whatever steps a row has.",
    )
    return config


_SUBSPACES = {"columns": (("subspace.*", ""),), "interval": "subspace.overall"}
