"""The segments of a record: within their track, of known tags, without contradiction, and those of the table beside."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfrecords_tools.check.digests import digest
from tfrecords_tools.schema import Schema
from tfrecords_tools.segments import END, START, TAGS, VALUES, Agreement, require_agreement
from tfrecords_tools.tables.formats import TAG_SEPARATOR
from tfrecords_tools.tables.rows import Segment

_ALL = (1 << 64) - 1


def record_segments(read: Mapping[str, Any], schema: Schema) -> list[Segment]:
    """The segments of one record; their lines are their places, from 0.

    Args:
        read: its fields, each well-formed, and with a sound duration.
        schema: the dataset's.

    Raises:
        ValueError: with the field, if fields do not agree, a segment ends after the track, a tag is not in its
            vocabulary, a value is infinite, or two that overlap say different things.
    """
    require_agreement(read)
    late = np.flatnonzero(read[END] > np.float32(read["duration"]))
    if len(late):
        end, duration = float(read[END][late[0]]), read["duration"]
        raise ValueError(f"{END}: segment {late[0]} ends at {end:g} s, the track at {duration:.3f} s")
    tags = {name: _names(name, read[TAGS + name], len(read[START]), schema) for name in schema.segmented_tags}
    values = {name: _numbers(name, read[VALUES + name]) for name in schema.segmented_values}
    segments = [
        Segment(
            place,
            float(start),
            float(end),
            {name: of_all[place] for name, of_all in tags.items()},
            {name: of_all[place] for name, of_all in values.items()},
        )
        for place, (start, end) in enumerate(zip(read[START], read[END]))
    ]
    _refuse_contradictions(segments, schema)
    return segments


def _names(name: str, rows: np.ndarray, count: int, schema: Schema) -> list[tuple[str, ...]]:
    vocabulary = schema.vocabularies[name]
    tags: list[list[str]] = [[] for _ in range(count)]
    for segment, tag in rows.tolist():
        if not 0 <= tag < len(vocabulary):
            raise ValueError(f"{TAGS}{name}: id {tag} is outside the vocabulary of {len(vocabulary)} tags")
        tags[segment].append(vocabulary[tag])
    return [tuple(sorted(of_segment)) for of_segment in tags]


def _numbers(name: str, values: np.ndarray) -> list[float | None]:
    if np.isinf(values).any():
        raise ValueError(f"{VALUES}{name}: segment {int(np.argmax(np.isinf(values)))} is infinite")
    return [None if np.isnan(value) else float(value) for value in values]


def _refuse_contradictions(segments: Iterable[Segment], schema: Schema) -> None:
    agreement = Agreement(len(schema.segmented))
    fields = [*(TAGS + name for name in schema.segmented_tags), *(VALUES + name for name in schema.segmented_values)]
    for segment in segments:
        labels = [*(tags or None for tags in segment.tags.values()), *segment.values.values()]
        contradicted = agreement.contradicted(segment.start, labels)
        if contradicted is not None:
            place, (_, _, other) = contradicted
            raise ValueError(f"{fields[place]}: segments {other} and {segment.line} overlap and differ")
        agreement.add(segment.end, labels, segment.line)


def segments_digest(segments: Iterable[Segment]) -> int:
    """64 bits of some segments, whatever their order and their lines; 0 of none. Those of parts add up, modulo 2^64.

    Times and values count as float32, which is what a record holds.
    """
    return sum(map(_digest, segments)) & _ALL


def _digest(segment: Segment) -> int:
    times = (str(np.float32(seconds)) for seconds in (segment.start, segment.end))
    tags = (f"{name}={TAG_SEPARATOR.join(sorted(tags))}" for name, tags in segment.tags.items())
    values = (f"{name}={np.float32(np.nan if number is None else number)}" for name, number in segment.values.items())
    return digest(*times, *tags, *values)
