"""Whether a split's labels can give triplets at all, said before training begins: from `tracks.csv`, not the sound."""

import collections
import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from absl import logging

from dmml_tf.conditions import Conditions
from dmml_tf.data.track_table import track_table
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of
from tfrecords_tools.tables.tracks import TagColumn, TrackRow, load_tracks


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
    found, unit = list(faults(dataset, split, conditions, triplets)), "triplet" if triplets else "label"
    lines = [
        f"{dataset.folder}: condition '{name}' has no {unit} in split '{split}': {reason}, or leave it out of "
        "config.order"
        for name, reason in found
    ]
    if lines and split == "train":
        more = f" (and so for: {', '.join(name for name, _ in found[1:])})" if found[1:] else ""
        raise UserError(f"{lines[0]}{more}")
    for line in lines:
        logging.warning("%s; it is not validated", line)


def faults(dataset: Dataset, split: str, conditions: Conditions, triplets: bool = True) -> Iterator[tuple[str, str]]:
    """Yields (name, reason with a mend) of each condition that has nothing to learn from; as `check_conditions`."""
    artists: collections.Counter[str] = collections.Counter()

    def rows() -> Iterator[TrackRow]:
        for row in track_table(dataset, (split,)):
            artists[row.artist] += 1
            yield row

    tracks = load_tracks(rows(), dataset.schema)
    tracks = dataclasses.replace(tracks, tags={"artist": _artist_column(artists), **tracks.tags})
    for condition in conditions:
        reason = condition.fault(tracks, triplets)
        if reason and condition.share:
            yield condition.name, reason


def _artist_column(artists: Mapping[str, int]) -> TagColumn:
    """The artists as a column of tags, in any order of the tracks."""
    number: dict[str, int] = {}
    ids, starts = [], [0]
    for cell, tracks in artists.items():
        names = [number.setdefault(name, len(number)) for name in artists_of(cell)]
        for _ in range(tracks if names else 0):
            ids.extend(names)
            starts.append(len(ids))
    return TagColumn(np.array(ids, np.int32), np.array(starts, np.int64))
