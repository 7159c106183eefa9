"""One record against its schema: what a reader would take on trust."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import OPTIONAL_FIELDS, Field, Schema

_LISTS = {"string": "bytes_list", "int64": "int64_list", "float32": "float_list"}
# Frames that a rounded duration may make or take.
_FRAMES_APART = 1


@dataclasses.dataclass(frozen=True)
class CheckedRecord:
    """What of a sound record is compared with `tracks.csv`.

    Attributes:
        track_id, artist, title: as in the record.
        duration: seconds.
        tags: tag dimension -> its tags' names, sorted.
        values: value dimension -> number, NaN where unlabelled.
    """

    track_id: str
    artist: str
    title: str
    duration: float
    tags: dict[str, tuple[str, ...]]
    values: dict[str, float]


def check_record(data: bytes, schema: Schema, chain: LogMel) -> CheckedRecord:
    """Reads one serialised `tf.train.Example`; fields that the schema does not name are passed over.

    Stricter than `Schema.parse`, which takes what is well-formed: here numbers must be finite, tag ids
    must be in their vocabulary, and the log-mel must be as long as the duration says.

    Args:
        data: of the record.
        schema: the dataset's.
        chain: the dataset's signal chain.

    Raises:
        ValueError: with the field and what is wrong with it.
    """
    try:
        features = tf.train.Example.FromString(data).features.feature
    except DecodeError as error:
        raise ValueError(f"is no tf.train.Example ({error})") from error
    fields = {**schema.fields, **{name: OPTIONAL_FIELDS[name] for name in schema.optional}}
    read = {name: _read(name, field, features[name]) if name in features else _absent(name)
            for name, field in fields.items()}
    _check_length(read, chain)
    if not read["track_id"]:
        raise ValueError("track_id: is empty")
    return CheckedRecord(
        read["track_id"], read["artist"], read["title"], read["duration"],
        {name: _names(name, read[f"tags/{name}"], tags) for name, tags in schema.vocabularies.items()},
        {name: read[f"values/{name}"] for name in schema.values})


def _absent(name: str):
    raise ValueError(f"{name}: the record has no such field")


def _read(name: str, field: Field, feature: tf.train.Feature):
    """The field's value: array of a raw field or of ids, text, or a number (NaN for none where that may be)."""
    kind = _LISTS["string" if field.raw else field.dtype]
    if feature.WhichOneof("kind") not in (kind, None):
        raise ValueError(f"{name}: holds a {feature.WhichOneof('kind')}, not a {kind}")
    values = getattr(feature, kind).value
    if field.dtype == "int64" and not field.raw:
        return np.fromiter(values, np.int64, len(values))
    if len(values) != 1 and not (name.startswith("values/") and not values):
        raise ValueError(f"{name}: holds {len(values)} values, not one")
    if field.raw:
        return _array(name, field, values[0])
    if field.dtype == "string":
        return _text(name, values[0])
    if values and not np.isfinite(values[0]):
        raise ValueError(f"{name}: is {values[0]}")
    return values[0] if values else np.nan


def _array(name: str, field: Field, raw: bytes) -> np.ndarray:
    dtype = np.dtype(field.dtype).newbyteorder("<")
    row = dtype.itemsize * int(np.prod(field.shape[1:], dtype=int))
    if len(raw) % row:
        raise ValueError(f"{name}: has {len(raw)} bytes, which are not whole rows of {row}")
    array = np.frombuffer(raw, dtype).reshape(-1, *field.shape[1:])
    if dtype.kind == "f" and not _all_finite(array):
        row, *_ = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"{name}: not finite in row {row}")
    return array


def _all_finite(array: np.ndarray) -> bool:
    if array.dtype != np.float16:
        return bool(np.isfinite(array).all())
    # An exponent of all ones is infinity or NaN; eight times as fast as numpy's isfinite of float16.
    return not ((array.view(np.uint16) & 0x7C00) == 0x7C00).any()


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: is not UTF-8 ({error.reason})") from error


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
        raise ValueError(f"audio: has {len(read['audio'])} samples where a duration of {duration:.3f} s gives "
                         f"{samples}")


def _names(name: str, ids: np.ndarray, tags: tuple[str, ...]) -> tuple[str, ...]:
    outside = ids[(ids < 0) | (ids >= len(tags))]
    if len(outside):
        raise ValueError(f"tags/{name}: id {outside[0]} is outside the vocabulary of {len(tags)} tags")
    return tuple(sorted(tags[tag] for tag in ids))
