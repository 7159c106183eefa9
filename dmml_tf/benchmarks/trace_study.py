"""Does a sub-space hear where its label changes within a song, and leave the rest alone?

One run on the songs of a dataset with segments. What is chosen (the least novelty of a boundary, in each sub-space) is
chosen on the songs of the valid split.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from dmml_tf.benchmarks.changes import EXACTLY, WITHIN, Song, detection, f_of_all, false_boundaries
from dmml_tf.benchmarks.heard_split import HeardSplit, changing, hear_split
from dmml_tf.conditions import Condition
from dmml_tf.conditions.labels import Array
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.accuracy import is_correct
from dmml_tf.evaluation.held_out import sample_triplets
from dmml_tf.run import Run
from dmml_tf.trace.novelty import THRESHOLD
from dmml_tf.trace.trace import NEIGHBOURS
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

THRESHOLDS = np.round(np.arange(1, 21) * 0.05, 2)  # that are tried on the valid split
TRIPLETS = 10_000  # a condition
# Measures of a sub-space that are a share, or a rate, of all songs together.
RATIOS = ("hits", "false_own", "false_others", "f_measure", "f_exactly", "named", "hits_default", "false_default")


@dataclasses.dataclass(frozen=True, eq=False)
class SubspaceFigures:
    """What was measured of one sub-space on the S songs of a split.

    Attributes:
        column: of its label.
        threshold: least novelty of a boundary, chosen on the valid split.
        ratios: a key of `RATIOS` -> float64 [2, S]: numerator and denominator of each song.
        triplets: "windows" | "within" -> int [n, 3] of windows; the negatives of the latter are of the anchor's song.
        correct: the same keys -> float64 [n], whether the sub-space orders them rightly.
    """

    column: str
    threshold: float
    ratios: Mapping[str, Array]
    triplets: Mapping[str, Array]
    correct: Mapping[str, Array]


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """One run's figures.

    Attributes:
        subspaces: by name.
        heard: the test songs.
    """

    subspaces: Mapping[str, SubspaceFigures]
    heard: HeardSplit

    @property
    def songs(self) -> list[str]:
        """S track ids."""
        return [trace.name for trace in self.heard.traces]

    def changes(self, name: str) -> list[int]:
        """Places of the songs in which the label of a sub-space changes."""
        return [k for k, joins in enumerate(self.heard.joins) if joins.get(self.subspaces[name].column)]


def study_run(run: Run, dataset: Dataset, hop: float, seed: int = 0) -> Study:
    """Measures a run on the test split of a dataset, in the sub-spaces whose label changes within a song of it.

    Args:
        run: its network hears the songs.
        dataset: has segments in all three splits, of which train names windows.
        hop: seconds from window to window.
        seed: of the triplets.

    Raises:
        UserError: if no label changes within a test song, and as `changing` and `hear_split`.
    """
    embedder, conditions = Embedder.of_run(run), changing(run.conditions, dataset)
    valid, test = (hear_split(embedder, run.conditions, dataset, split, hop) for split in ("valid", "test"))
    conditions = [c for c in conditions if any(joins.get(c.column) for joins in test.joins)]
    if not conditions:
        raise UserError(f"{dataset.folder}: no label changes within a song of the test split; there is nothing to find")
    # Side by side, as whole songs are heard.
    known = hear_split(embedder, run.conditions, dataset, "train", test.traces[0].window_seconds)
    return Study({condition.name: _figures(condition, valid, test, known, seed) for condition in conditions}, test)


def choose_threshold(heard: HeardSplit, condition: Condition) -> float:
    """Of `THRESHOLDS` the one with the highest F of all songs together, the lowest of equal ones."""
    scores = [f_of_all([*_found(heard, condition, threshold)]) for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(scores))])


def boundary_ratios(heard: HeardSplit, condition: Condition, threshold: float) -> dict[str, Array]:
    """Of each song what it adds to the measures of boundaries: {measure: float64 [2, S]}, see `RATIOS`.

    Shares are means over the songs in which the label changes; false boundaries are a minute of these songs, away from
    their joins, and of the others.
    """
    rows: dict[str, list[tuple[float, float]]] = {}
    for joins, found, seconds in _found(heard, condition, threshold):
        changes, false = bool(joins), false_boundaries(joins, found)
        _, hits, f_measure = detection(joins, found, seconds, WITHIN) if changes else (0.0, 0.0, 0.0)
        f_exactly = detection(joins, found, seconds, EXACTLY)[2] if changes else 0.0
        of_song = {
            "hits": (hits, changes),
            "false_own": (false * changes, seconds / 60 * changes),
            "false_others": (false * (not changes), seconds / 60 * (not changes)),
            "f_measure": (f_measure, changes),
            "f_exactly": (f_exactly, changes),
        }
        for measure, pair in of_song.items():
            rows.setdefault(measure, []).append(pair)
    return {measure: np.array(pairs, np.float64).T for measure, pairs in rows.items()}


def named_rightly(heard: HeardSplit, known: HeardSplit, condition: Condition) -> Array:
    """float64 [2, S]: windows of songs in which the label changes that are named rightly, and those that have a label.

    A window's name is the vote of the five windows of `known` that are nearest in the condition's sub-space.
    """
    known_cells, cells = known.cells(condition), heard.cells(condition)
    rows = np.array([place for place, cell in enumerate(known_cells) if cell], int)
    space = known.space(condition.name)[rows].T
    right, asked = np.zeros(len(heard.traces)), np.zeros(len(heard.traces))
    song = heard.labels["track"]
    for place, vector in enumerate(heard.space(condition.name)):
        if not len(rows) or not cells[place] or not heard.joins[song[place]].get(condition.column):
            continue
        nearest = rows[np.argsort(-(vector @ space), kind="stable")[:NEIGHBOURS]]
        asked[song[place]] += 1
        right[song[place]] += condition.agree(cells[place], condition.vote([known_cells[k] for k in nearest]))
    return np.stack([right, asked])


def _figures(
    condition: Condition, valid: HeardSplit, test: HeardSplit, known: HeardSplit, seed: int
) -> SubspaceFigures:
    threshold = choose_threshold(valid, condition)
    default = boundary_ratios(test, condition, THRESHOLD)
    drawn = {
        name: sample_triplets(condition, test.labels, TRIPLETS, seed, negatives_within=name == "within")
        for name in ("windows", "within")
    }
    space = test.space(condition.name)
    return SubspaceFigures(
        condition.column,
        threshold,
        {
            **boundary_ratios(test, condition, threshold),
            "named": named_rightly(test, known, condition),
            "hits_default": default["hits"],
            "false_default": default["false_own"] + default["false_others"],
        },
        drawn,
        {name: is_correct(space, triplets).astype(np.float64) for name, triplets in drawn.items()},
    )


def _found(heard: HeardSplit, condition: Condition, threshold: float) -> Iterator[Song]:
    """Joins, boundaries found and seconds of each song."""
    for trace, joins in zip(heard.traces, heard.joins):
        yield joins.get(condition.column, []), trace.boundaries(condition.name, threshold).tolist(), trace.seconds
