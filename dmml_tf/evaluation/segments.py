"""Segments of songs on held-out triplets, as songs are scored: each is compared by the windows that lie in it."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.data.segments import Segments
from dmml_tf.embed.embedder import mean_of_windows
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.by_condition import accuracy_by_condition
from dmml_tf.evaluation.held_out import HeldOut, sample_triplets
from dmml_tf.evaluation.views import Views
from tfrecords_tools.features import LogMel

SHARE = 0.75  # of a window that lies in a segment in which none lies as a whole
_ROUNDING = 1e-3  # seconds, since records hold times as float32; a frame is 23 of them


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentScores:
    """A system on the segments of a split.

    Attributes:
        embedded: the segments in place of tracks, whose ids are their songs'; `labels["track"]` is the song of each.
        too_short: segments left out, since no window lies in them.
        held_out: the triplets, of the conditions that compare labels.
        triplet_accuracy: see `dmml_tf.evaluation.by_condition.accuracy_by_condition`; intervals resample songs.
    """

    embedded: Embedded
    too_short: int
    held_out: HeldOut
    triplet_accuracy: Mapping[str, Mapping]

    def counts(self) -> dict[str, int]:
        """Segments that are scored, their songs, and segments left out."""
        songs = len(np.unique(self.embedded.labels["track"]))
        return {"segments": len(self.embedded.ids), "songs": songs, "too_short": self.too_short}


def score_segments(
    embedded: Embedded, conditions: Conditions, views: Views, features: LogMel, count: int, seed: int
) -> SegmentScores | None:
    """Draws triplets of segments and scores them; None where the data have no segments, or no condition reads labels.

    An anchor's positive is of another song; its negative is a segment of another song, or of its own if the two have
    labels of their own that differ.

    Args:
        embedded: the split, with its segments.
        conditions: the system's.
        views: how its vectors are compared.
        features: the signal chain.
        count: triplets a condition.
        seed: of the triplets and the bootstrap.
    """
    # A share is of what is trained with; here each counts, whatever that was.
    asked = [dataclasses.replace(condition, share=1.0) for condition in conditions if condition.by_label]
    if embedded.segments is None or not asked:
        return None
    scored = embedded_segments(embedded, embedded.segments, features)
    labels, triplets = scored.labels, {c.name: sample_triplets(c, scored.labels, count, seed) for c in asked}
    held_out = HeldOut(
        Conditions(asked), triplets, scored.window_track, len(embedded.ids), seed, item_track=labels["track"]
    )
    accuracy = accuracy_by_condition(scored, held_out, views)
    return SegmentScores(scored, len(embedded.segments) - len(scored.ids), held_out, accuracy)


def embedded_segments(embedded: Embedded, segments: Segments, features: LogMel) -> Embedded:
    """Those segments in which a window lies, in place of tracks: without windows of their own."""
    of_segment = [_windows_of(embedded, segments, place, features) for place in range(len(segments))]
    kept = [place for place, windows in enumerate(of_segment) if len(windows)]
    songs = segments.track[kept]
    ids, artists, titles = (
        [column[song] for song in songs] for column in (embedded.ids, embedded.artists, embedded.titles)
    )
    size = embedded.vectors.shape[1]
    vectors = [mean_of_windows(embedded.windows[of_segment[place]]) for place in kept]
    labels = {name: column[kept] for name, column in segments.labels.items()}
    none = np.zeros(0, np.int32)
    return Embedded(
        ids,
        artists,
        titles,
        labels,
        np.stack(vectors) if vectors else np.zeros((0, size), np.float32),
        np.zeros((0, size), np.float32),
        none,
        none,
    )


def _windows_of(embedded: Embedded, segments: Segments, place: int, features: LogMel) -> np.ndarray:
    """int [n]: the windows that lie in a segment wholly; by three quarters where none does."""
    first, last = np.searchsorted(embedded.window_track, [segments.track[place], segments.track[place] + 1])
    seconds = features.window_frames / features.frames_per_second
    begin = embedded.window_start[first:last] / features.frames_per_second
    held = np.minimum(segments.end[place], begin + seconds) - np.maximum(segments.begin[place], begin)
    for share in (1.0, SHARE):
        inside = np.flatnonzero(held >= share * seconds - _ROUNDING)
        if len(inside):
            break
    return first + inside
