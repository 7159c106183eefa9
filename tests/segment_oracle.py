"""What segments say of a window, by looking at each of its samples: the oracle of labels of parts of a song.

It shares no line with `dmml_tf.data.segment_labels`.
"""

import math
from collections.abc import Mapping

import numpy as np

from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.schema import Schema

SAMPLES = PAPER_CHAIN.window_frames * PAPER_CHAIN.hop


def says(schema: Schema, row: Mapping, name: str, segment: int | None):
    """What a segment says of a dimension, or the song itself (None): a set of tags or a value; None: nothing."""
    if name in schema.vocabularies:
        if segment is None:
            tags = {int(tag) for tag in row[f"tags/{name}"]}
        else:
            tags = {int(tag) for number, tag in row[f"segments/tags/{name}"] if number == segment}
        return frozenset(tags) or None
    value = row[f"values/{name}"] if segment is None else row[f"segments/values/{name}"][segment]
    return None if math.isnan(value) else float(value)


def window_share(schema: Schema, row: Mapping, name: str, start: int, speed: float = 1.0):
    """(label, share of the window) of the label that holds at most of a window's samples; None is unlabelled."""
    seconds = (start * PAPER_CHAIN.hop + speed * (np.arange(SAMPLES) + 0.5)) / PAPER_CHAIN.sample_rate
    holds = np.zeros(SAMPLES, int)
    labels = [says(schema, row, name, None)]
    for segment, (begin, end) in enumerate(zip(row["segments/start"], row["segments/end"])):
        label = says(schema, row, name, segment)
        if label is not None:
            if label not in labels:
                labels.append(label)
            holds[(seconds >= begin) & (seconds < end)] = labels.index(label)
    counts = np.bincount(holds, minlength=len(labels))
    return labels[counts.argmax()], counts.max() / SAMPLES


def random_segments(rng: np.random.Generator, seconds: float) -> dict[str, np.ndarray]:
    """Segment fields of one song in `SEGMENTED_SCHEMA`: gaps, blanks, neighbours and overlaps of equal labels."""
    start, end, tags, tempo, at = [], [], [], [], 0.0
    while at < seconds:
        begin = at + (rng.uniform(0, 2) if rng.random() < 0.3 else 0)
        at = begin + rng.uniform(0.3, 6)
        start.append(begin)
        end.append(at)
        genre = rng.choice(3, size=rng.integers(0, 3), replace=False)
        tags += [(len(start) - 1, int(tag)) for tag in rng.permutation(genre)]
        tempo.append(float(rng.choice([np.nan, 90.0, 120.0])))
        if rng.random() < 0.2:  # another that overlaps it and says the same
            begin = rng.uniform(begin, at)
            start.append(begin)
            end.append(begin + rng.uniform(0.3, 4))
            at = max(at, end[-1])
            tags += [(len(start) - 1, int(tag)) for tag in rng.permutation(genre)]
            tempo.append(tempo[-1])
    return {
        "segments/start": np.array(start, np.float32),
        "segments/end": np.array(end, np.float32),
        "segments/tags/genre": np.array(tags, np.int64).reshape(-1, 2),
        "segments/values/tempo": np.array(tempo, np.float32),
    }
