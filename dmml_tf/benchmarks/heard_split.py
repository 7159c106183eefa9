"""Songs whose labels change, as a run hears them: their traces, where their labels change, labels of their windows."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dmml_tf.benchmarks.changes import joins_of
from dmml_tf.conditions import Condition, Conditions, Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.records import label_arrays, read_tracks
from dmml_tf.data.segment_labels import label_windows, timelines
from dmml_tf.data.signal import SOUND
from dmml_tf.embed.embedder import Embedder
from dmml_tf.trace.trace import Trace, hop_frames, trace_windows
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress
from tfrecords_tools.tables.formats import TAG_SEPARATOR


@dataclasses.dataclass(frozen=True, eq=False)
class HeardSplit:
    """S songs of a split and all of their W windows, those of song 0 first.

    Attributes:
        traces: of the songs, in the records' order.
        joins: of each, dimension -> seconds at which its label changes.
        labels: columns of the W windows, see `dmml_tf.data.segment_labels.label_windows`.
        vocabularies: tag dimension -> its tags.
    """

    traces: Sequence[Trace]
    joins: Sequence[Mapping[str, list[float]]]
    labels: Labels
    vocabularies: Mapping[str, Sequence[str]]

    def space(self, name: str) -> Array:
        """float32 [W, d]: a sub-space at unit length."""
        return np.concatenate([trace.subspaces[name] for trace in self.traces])

    def cells(self, condition: Condition) -> list[str]:
        """W labels in a condition's column as text, in the syntax of a manifest; empty where there is none."""
        column = self.labels[condition.column]
        if column.ndim == 1:
            return ["" if np.isnan(value) else f"{value:g}" for value in column.tolist()]
        tags = self.vocabularies[condition.column]
        return [TAG_SEPARATOR.join(tags[tag] for tag in row if tag >= 0) for row in column.tolist()]


def changing(conditions: Conditions, dataset: Dataset) -> list[Condition]:
    """The conditions that own a sub-space and whose column has segments.

    Raises:
        UserError: if there is none.
    """
    names = conditions.subspaces
    chosen = [c for c in conditions if c.name in names and c.by_label and c.column in dataset.schema.segmented]
    if not chosen:
        raise UserError(
            f"{dataset.folder}: segments label none of the run's sub-spaces ({', '.join(names)}); build the "
            "dataset with --segments"
        )
    return chosen


def hear_split(embedder: Embedder, conditions: Conditions, dataset: Dataset, split: str, hop: float) -> HeardSplit:
    """Embeds the windows of all songs of a split.

    Args:
        embedder: of the run.
        conditions: of the run.
        dataset: has segments.
        split: train, valid or test.
        hop: seconds from window to window, rounded to whole frames.

    Raises:
        UserError: as `dmml_tf.data.records.read_tracks`, and if the records do not hold what the network takes.
    """
    embedder.signal.require(dataset)
    schema, features, step = dataset.schema, embedder.signal.features, hop_frames(hop, embedder)
    rows: list[dict[str, Any]] = []
    starts: list[Array] = []

    def sounds() -> Iterator[Mapping[str, Any]]:
        stream = read_tracks(dataset, split, embedder.signal.optional)
        for row in progress(stream, dataset.tracks(split), f"hear {split}"):
            starts.append(embedder.signal.starts(row, step))
            kept = {name: value for name, value in row.items() if name not in SOUND}
            rows.append({**kept, "timelines": timelines(schema, row)})
            yield row

    windows = list(embedder.each(sounds(), step))
    traces = [
        trace_windows(row["track_id"], float(row["duration"]), vectors, embedder, conditions, hop)
        for row, vectors in zip(rows, windows)
    ]
    items = np.repeat(np.arange(len(rows)), [len(firsts) for firsts in starts])
    first = np.concatenate(starts)
    labels = label_windows(label_arrays(schema, rows), rows, schema.segmented, items, first, features)
    joins = [{name: joins_of(line, float(row["duration"])) for name, line in row["timelines"].items()} for row in rows]
    return HeardSplit(traces, joins, labels, schema.vocabularies)
