"""Systems beside each other on the songs of one study: means over their seeds, with intervals over the songs."""

from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.benchmarks.changes import EXACTLY, WITHIN
from dmml_tf.benchmarks.trace_study import RATIOS, Study, SubspaceFigures
from dmml_tf.conditions.labels import Array
from dmml_tf.evaluation.accuracy import bootstrap, interval
from dmml_tf.evaluation.tables import markdown
from dmml_tf.trace.novelty import KERNEL, THRESHOLD
from tfrecords_tools.errors import UserError

ROUNDS = 1000  # of the bootstrap
# Measure -> what it is called, in the order of the columns.
MEASURES = {
    "windows": "triplets of windows",
    "within": "negative from the same song",
    "named": "windows named",
    "hits": f"joins found within {WITHIN:g} s",
    "false_own": "false a minute",
    "false_others": "false a minute, other songs",
    "f_measure": f"F, {WITHIN:g} s",
    "f_exactly": f"F, {EXACTLY:g} s",
    "hits_default": f"joins found, novelty {THRESHOLD:g}",
    "false_default": f"false a minute, novelty {THRESHOLD:g}",
}


def summarise(systems: Mapping[str, Sequence[Study]], seed: int = 0) -> dict:
    """Figures of every system in every sub-space.

    Args:
        systems: name -> its studies, of one seed each, all of the same songs.
        seed: of the bootstrap, which resamples songs.

    Returns:
        {sub-space: {"changes": songs in which its label changes, "systems": {name: {measure: {"value", "low",
        "high"}, and "thresholds": one a seed}}, "differences": {name: {measure: ...}}}}; a difference is that from the
        first system, on the same resampled songs.

    Raises:
        UserError: if the studies are not of the same songs, sub-spaces and triplets.
    """
    reference = next(iter(systems))
    first = systems[reference][0]
    _require_the_same([study for seeds in systems.values() for study in seeds])
    summary = {}
    for name in first.subspaces:
        figures = {
            system: _system(
                [study.subspaces[name] for study in seeds], first.heard.labels["track"], len(first.songs), seed
            )
            for system, seeds in systems.items()
        }
        less = figures[reference]
        summary[name] = {
            "changes": len(first.changes(name)),
            "systems": {
                system: {
                    "thresholds": [study.subspaces[name].threshold for study in systems[system]],
                    **{m: _with_interval(*measured) for m, measured in by_measure.items()},
                }
                for system, by_measure in figures.items()
            },
            "differences": {
                system: {
                    m: _with_interval(value - less[m][0], rounds - less[m][1])
                    for m, (value, rounds) in by_measure.items()
                }
                for system, by_measure in figures.items()
                if system != reference
            },
        }
    return summary


def to_markdown(content: Mapping) -> str:
    """The page: a table a sub-space, a row a system; then the differences from the first system."""
    parts = [
        "# Where songs change",
        f"{content['songs']} songs of the test split of {content['data']}; windows of 3 s every {content['hop']:.2f} "
        f"s; Foote's novelty with a kernel of {KERNEL} windows; boundaries are its peaks of at least the novelty that "
        "was best on the valid split. Mean over the seeds, 95 % intervals by a bootstrap over the songs.",
    ]
    for name, subspace in content["summary"].items():
        parts.append(f"## {name}, which changes in {subspace['changes']} songs")
        parts.append(_table("system", subspace["systems"]))
        if subspace["differences"]:
            parts.append(f"Difference from {next(iter(subspace['systems']))}:")
            parts.append(_table("system", subspace["differences"]))
    return "\n\n".join(parts) + "\n"


def _require_the_same(studies: Sequence[Study]) -> None:
    first = studies[0]
    for study in studies:
        same = study.songs == first.songs and study.subspaces.keys() == first.subspaces.keys()
        if not same or any(
            not np.array_equal(triplets, first.subspaces[name].triplets[kind])
            for name, subspace in study.subspaces.items()
            for kind, triplets in subspace.triplets.items()
        ):
            raise UserError("the runs of the systems do not have the same conditions; only such runs can be compared")


def _system(figures: Sequence[SubspaceFigures], song: Array, songs: int, seed: int) -> dict[str, tuple[float, Array]]:
    """Of one system in one sub-space: measure -> value and bootstrap rounds, float64 [ROUNDS].

    Args:
        figures: one a seed of the training.
        song: int [W], of each window.
        songs: their number.
        seed: of the bootstrap.
    """
    counts = np.random.default_rng([seed, 0x736F6E67]).multinomial(songs, np.full(songs, 1 / songs), ROUNDS)
    measured = {}
    for measure in RATIOS:
        top, bottom = np.mean([one.ratios[measure] for one in figures], axis=0)
        measured[measure] = float(_ratio(top.sum(), bottom.sum())), _ratio(counts @ top, counts @ bottom)
    for measure, triplets in figures[0].triplets.items():
        correct = np.mean([one.correct[measure] for one in figures], axis=0)
        value = float(correct.mean()) if len(correct) else float("nan")
        measured[measure] = value, bootstrap(correct, song[triplets], songs, seed, ROUNDS)
    return measured


def _ratio(top: Array, bottom: Array) -> Array:
    """NaN where nothing was asked."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=np.asarray(bottom) > 0)


def _with_interval(value: float, rounds: Array) -> dict[str, float]:
    low, high = interval(rounds)
    return {"value": float(value), "low": low, "high": high}


def _table(corner: str, rows: Mapping[str, Mapping]) -> str:
    return markdown(
        [corner, *MEASURES.values()],
        [
            [name, *(f"{row[m]['value']:.2f} ({row[m]['low']:.2f} to {row[m]['high']:.2f})" for m in MEASURES)]
            for name, row in rows.items()
        ],
    )
