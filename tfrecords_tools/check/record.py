"""One record, field by field: what a reader takes, and more, because nobody reads what is wrong twice."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf

from tfrecords_tools.audio.same_sound import sound_digest
from tfrecords_tools.check.segments import record_segments, segments_digest
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import OPTIONAL_FIELDS, Field, Schema, example_features, read_field

# Frames that a rounded duration may make or take.
_FRAMES_APART = 1


@dataclasses.dataclass(frozen=True)
class CheckedRecord:
    """What of a sound record is compared with `tracks.csv`.

    Attributes:
        track_id, artist, title: the record's.
        duration: seconds.
        tags: tag dimension -> its tags' names, sorted.
        values: value dimension -> number, NaN where unlabelled.
        digest: of its sound, see `same_sound.sound_digest`.
        segments: how many it has, and their `segments_digest`.
    """

    track_id: str
    artist: str
    title: str
    duration: float
    tags: dict[str, tuple[str, ...]]
    values: dict[str, float]
    digest: bytes
    segments: tuple[int, int] = (0, 0)


def check_record(data: bytes, schema: Schema, chain: LogMel) -> CheckedRecord:
    """Reads one serialised `tf.train.Example`; fields that the schema does not name are passed over.

    Stricter than `Schema.decode`, which takes what is well-formed: here numbers must be finite, tag ids
    must be in their vocabulary, the log-mel must be as long as the duration says, and segments lie within it and
    contradict none.

    Args:
        data: the record's bytes.
        schema: the dataset's.
        chain: the dataset's signal chain.

    Raises:
        ValueError: with the field and what is wrong with it.
    """
    features = example_features(data)
    fields = {**schema.fields, **{name: OPTIONAL_FIELDS[name] for name in schema.optional}}
    read: dict[str, Any] = {
        name: _read(name, field, features[name]) if name in features else _absent(name)
        for name, field in fields.items()
    }
    _check_length(read, chain)
    if not read["track_id"]:
        raise ValueError("track_id: is empty")
    segments = record_segments(read, schema) if schema.segmented else []
    return CheckedRecord(
        read["track_id"],
        read["artist"],
        read["title"],
        read["duration"],
        {name: _names(name, read[f"tags/{name}"], tags) for name, tags in schema.vocabularies.items()},
        {name: read[f"values/{name}"] for name in schema.values},
        sound_digest(read["log_mel"]),
        (len(segments), segments_digest(segments)),
    )


def _absent(name: str) -> NoReturn:
    raise ValueError(f"{name}: the record has no such field")


def _read(name: str, field: Field, feature: tf.train.Feature) -> str | float | np.ndarray:
    value: Any = read_field(name, field, feature)
    if field.raw:
        if np.issubdtype(field.dtype, np.floating) and not _all_finite(value):
            row, *_ = np.argwhere(~np.isfinite(value))[0]
            raise ValueError(f"{name}: not finite in row {row}")
    elif field.dtype == "float32" and not field.shape:
        # Read as NaN, an empty list says "unlabelled", which only a label may be; a NaN that was written is no number.
        empty = not feature.float_list.value
        if empty and not name.startswith("values/"):
            raise ValueError(f"{name}: holds 0 values, not one")
        if not empty and not np.isfinite(value):
            raise ValueError(f"{name}: is {value}")
        return float(value)
    return value


def _all_finite(array: np.ndarray) -> bool:
    if array.dtype != np.float16:
        return bool(np.isfinite(array).all())
    # An exponent of all ones is infinity or NaN; eight times as fast as numpy's isfinite of float16.
    return not ((array.view(np.uint16) & 0x7C00) == 0x7C00).any()


def _check_length(read: Mapping, chain: LogMel) -> None:
    duration, frames = read["duration"], len(read["log_mel"])
    if duration <= 0:
        raise ValueError(f"duration: is {duration:g} s")
    samples = round(duration * chain.sample_rate)
    # A track of 3 s may lack the last frame of an excerpt and is padded to a whole one.
    expected = max(chain.window_frames, chain.frames(samples))
    if abs(frames - expected) > _FRAMES_APART:
        raise ValueError(f"log_mel: has {frames} frames where a duration of {duration:.3f} s gives {expected}")
    if "audio" in read and abs(len(read["audio"]) - samples) > _FRAMES_APART * chain.hop:
        raise ValueError(
            f"audio: has {len(read['audio'])} samples where a duration of {duration:.3f} s gives {samples}"
        )


def _names(name: str, ids: np.ndarray, tags: tuple[str, ...]) -> tuple[str, ...]:
    outside = ids[(ids < 0) | (ids >= len(tags))]
    if len(outside):
        raise ValueError(f"tags/{name}: id {outside[0]} is outside the vocabulary of {len(tags)} tags")
    return tuple(sorted(tags[tag] for tag in ids))
