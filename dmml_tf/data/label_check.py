"""Whether a split's labels can give triplets at all, said before training begins: from `tracks.csv`, not the sound.

Where labels change within songs and the songs' own are not enough, records are read until those of segments are.
"""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from dmml_tf.conditions import Condition, Conditions
from dmml_tf.data.records import read_tracks
from dmml_tf.data.segment_labels import timelines
from dmml_tf.data.track_table import track_table
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of
from tfrecords_tools.tables.tracks import TagColumn, TrackRow, Tracks, load_tracks


def check_conditions(dataset: Dataset, split: str, conditions: Conditions, triplets: bool = True) -> None:
    """Refuses to train on labels that give some condition no triplet; of another split than `train` only warns.

    A triplet needs a pair of similar tracks and a pair of dissimilar ones among the labelled tracks, no more: one
    of the four is then an anchor with both. A song whose labels change counts as a track for each. Conditions that
    are asked for no triplets, and `judged` ones, whose file says whom it concerns, are not looked at. What learns tags
    themselves needs no more than a tagged track.

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
    reasons = {condition: condition.fault(tracks, triplets) for condition in conditions if condition.share}
    segmented = [c for c, reason in reasons.items() if reason and c.column in dataset.schema.segmented]
    reasons.update(_faults_of_segments(dataset, split, segmented, tracks, triplets) if segmented else {})
    yield from ((condition.name, reason) for condition, reason in reasons.items() if reason)


def _faults_of_segments(
    dataset: Dataset, split: str, conditions: Sequence[Condition], tracks: Tracks, triplets: bool
) -> dict[Condition, str | None]:
    """As `Condition.fault`, of columns with the labels of segments beside those of songs."""
    schema, labels = dataset.schema, {condition.column: list[Any]() for condition in conditions}
    reasons: dict[Condition, str | None] = dict.fromkeys(conditions)
    for number, row in enumerate(read_tracks(dataset, split), 1):
        songs = timelines(schema, row)
        for name, found in labels.items():
            own = row[f"tags/{name}" if name in schema.vocabularies else f"values/{name}"]
            found += songs[name].labels if name in songs else [own]
        # After 64 tracks, 128, ...: most datasets show soon that nothing is wrong.
        if number == dataset.tracks(split) or (number >= 64 and not number & (number - 1)):
            reasons = {c: c.fault(_with_column(tracks, c, labels[c.column]), triplets) for c in conditions}
            if not any(reasons.values()):
                break
    return reasons


def _with_column(tracks: Tracks, condition: Condition, labels: Sequence[Any]) -> Tracks:
    """The tracks with these labels in the condition's column."""
    name = condition.column
    if condition.reads_values:
        return dataclasses.replace(tracks, values={**tracks.values, name: np.array(labels, np.float32)})
    starts = np.cumsum([0, *map(len, labels)])
    column = TagColumn(np.concatenate([np.array(ids, np.int32) for ids in labels]), starts)
    return dataclasses.replace(tracks, tags={**tracks.tags, name: column})


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
