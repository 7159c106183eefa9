"""The segments of tracks: where they are, and which labels hold there."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.segment_labels import label_windows, timelines
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.schema import Schema
from tfrecords_tools.segments import END, START


@dataclasses.dataclass(frozen=True, eq=False)
class Segments:
    """S segments of N tracks, track by track and sorted by time; segments from when to when another is are one.

    Attributes:
        track: int32 [S], the track of each.
        begin, end: float64 [S], seconds from the track's begin.
        labels: label columns of the S, as `dmml_tf.conditions.Labels` describes them; its "track" is `track`.
    """

    track: Array
    begin: Array
    end: Array
    labels: Labels

    @classmethod
    def of(
        cls, schema: Schema, rows: Sequence[Mapping[str, Any]], labels: Labels, features: LogMel = PAPER_CHAIN
    ) -> "Segments":
        """Those of some tracks.

        What a segment says nothing of, it has from the song or from segments that overlap it, by the rule of windows:
        the label that covers three quarters of it (`dmml_tf.data.segment_labels`).

        Args:
            schema: of the dataset, with `segmented` dimensions.
            rows: the tracks, as `read_tracks` gives them; their sound is not read.
            labels: columns of the tracks.
            features: the signal chain.
        """
        places = sorted(
            {(track, *place) for track, row in enumerate(rows) for place in zip(row[START].tolist(), row[END].tolist())}
        )
        items, begin, end = (np.array([place[n] for place in places], dtype) for n, dtype in enumerate("iff"))
        track, begin, end = items.astype(np.int32), begin.astype(np.float64), end.astype(np.float64)
        frames = features.frames_per_second
        known = [{"timelines": timelines(schema, row)} for row in rows]
        times_a_window = (end - begin) * frames / features.window_frames
        own = label_windows(labels, known, schema.segmented, track, begin * frames, features, times_a_window)
        return cls(track, begin, end, {name: column for name, column in own.items() if name != "start"})

    def __len__(self) -> int:
        return len(self.track)
