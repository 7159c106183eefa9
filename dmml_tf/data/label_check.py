"""Whether a split's labels can give triplets at all, said before training begins: from `tracks.csv`, not the sound."""

import collections
from collections.abc import Iterator, Mapping

import numpy as np
from absl import logging

from dmml_tf.conditions import Condition, Conditions, value_distance
from dmml_tf.data.track_table import track_table
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.tracks import TagColumn, load_tracks


def check_conditions(dataset: Dataset, split: str, conditions: Conditions, triplets: bool = True) -> None:
    """Refuses to train on labels that give some condition no triplet; of another split than `train` only warns.

    A triplet needs a pair of similar tracks and a pair of dissimilar ones among the labelled tracks, no more: one
    of the four is then an anchor with both. Conditions that are asked for no triplets, and `judged` ones, whose
    file says whom it concerns, are not looked at. What learns tags themselves needs no more than a tagged track.

    Args:
        dataset, split: whose labels.
        conditions: what is to be learned.
        triplets: whether it is learned from triplets; False asks for labels alone.

    Raises:
        UserError: for `train`, naming the condition, the reason and the mend.
    """
    faults = list(_faults(dataset, split, conditions, triplets))
    if not faults:
        return
    if split == "train":
        more = f" (and so for: {', '.join(name for name, _ in faults[1:])})" if faults[1:] else ""
        raise UserError(f"{faults[0][1]}{more}")
    for _, fault in faults:
        logging.warning("%s; it is not validated", fault)


def _faults(dataset: Dataset, split: str, conditions: Conditions, triplets: bool) -> Iterator[tuple[str, str]]:
    """Yields (name, line) of each condition that has nothing to learn from."""
    artists, unit = collections.Counter(), "triplet" if triplets else "label"

    def rows():
        for row in track_table(dataset, (split,)):
            artists[row.artist] += 1
            yield row

    tracks = load_tracks(rows(), dataset.schema)
    tags = {"artist": _artist_column(artists), **tracks.tags}
    for condition in conditions:
        reason = None
        if condition.kind == "same_track" and len(tracks.splits) < 2:
            reason = f"it holds {len(tracks.splits)} track, so that no other can be a negative: add tracks"
        elif condition.kind == "shared_tag" and condition.column in tags:
            reason = _tag_fault(tags[condition.column], triplets)
        elif condition.kind == "within" and condition.column in tracks.values:
            reason = _value_fault(tracks.values[condition.column], condition)
        if reason and condition.share:
            yield (
                condition.name,
                (
                    f"{dataset.folder}: condition '{condition.name}' has no {unit} in split '{split}': "
                    f"{reason}, or leave it out of config.order"
                ),
            )


def _artist_column(artists: Mapping[str, int]) -> TagColumn:
    """The artists as a column of tags, in any order of the tracks."""
    counts = [count for artist, count in sorted(artists.items()) if artist]
    ids = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return TagColumn(ids, np.arange(len(ids) + 1))


def _tag_fault(column: TagColumn, triplets: bool) -> str | None:
    tagged = np.flatnonzero(column.counts)
    total = len(column.counts)
    if not len(tagged):
        return f"none of its {total} tracks is tagged: fill that column of your table"
    if not triplets:
        return None
    sets = np.sort(column.padded(tagged), axis=1)
    fresh = np.diff(sets, axis=1, prepend=-1) != 0  # a tag written twice counts once
    tracks_of = np.unique(sets[fresh & (sets >= 0)], return_counts=True)[1]
    if tracks_of.max() < 2:
        return "no two tracks share a tag, so that there is no positive: use broader tags"
    if tracks_of.max() == len(tagged) or _all_meet(np.unique(sets, axis=0)):
        return (
            f"its {len(tagged)} tagged tracks are all similar to one another, so that there is no negative: use "
            "finer tags"
        )
    return None


def _all_meet(sets: np.ndarray) -> bool:
    """Whether every two rows of int [n, M], padded with -1, share a tag. The first row that says no is enough."""
    return all(np.isin(sets, row[row >= 0]).any(axis=1).all() for row in sets)


def _value_fault(values: np.ndarray, condition: Condition) -> str | None:
    known, tolerance = np.sort(values[~np.isnan(values)]), condition.tolerance
    if not len(known):
        return f"none of its {len(values)} tracks has a value: fill that column of your table"
    near, far = find_pairs(known, condition)
    if not near:
        return (
            f"no two tracks lie within {tolerance:g} of each other, so that there is no positive: raise its tolerance"
        )
    if not far:
        return (
            f"its {len(known)} tracks with a value all lie within {tolerance:g} of one another, so that there is "
            "no negative: lower its tolerance"
        )
    return None


def find_pairs(known: np.ndarray, condition: Condition) -> tuple[bool, bool]:
    """Whether two of the sorted values [N], without NaN, are similar, and whether two are not.

    With `octave` it takes N log N steps an octave that they span. After each number of doublings a smaller value is the
    nearer to a larger one the closer it lies to its half, quarter, ...; and the farther the closer to two thirds of
    that, where one doubling more would bring it as near. So only values beside those need be compared.
    """
    if not condition.octave:
        return bool((np.diff(known) <= condition.tolerance).any()), bool(known[-1] - known[0] > condition.tolerance)
    above = known[known > 0].astype(np.float64)
    octaves = int(np.ceil(np.log2(above[-1] / above[0]))) if len(above) else 0
    own, last = np.arange(len(known)), len(known) - 1
    # Values that are not above 0 are compared as they are, so that the least is the farthest.
    others = [np.zeros_like(own)]
    for goal in (part * known * 0.5**doublings for doublings in range(octaves + 1) for part in (1.0, 2 / 3)):
        at = np.searchsorted(known, goal)
        others += [np.clip(at + step, 0, last) for step in (-2, -1, 0, 1)]  # one more each side, for what is rounded
    near = far = False
    for other in others:
        distance = value_distance(known, known[other], octave=True)
        near |= bool((distance[other != own] <= condition.tolerance).any())
        far |= bool((distance > condition.tolerance).any())
    return near, far
