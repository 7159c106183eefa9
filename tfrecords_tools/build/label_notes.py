"""Labels of a table that look wrong when all rows are known: listed, and taken as they are."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tfrecords_tools.build.plan_store import PlanStore
from tfrecords_tools.notes import Note, RowNote, of_row
from tfrecords_tools.tables.columns import BEATS
from tfrecords_tools.tables.formats import TAG_SEPARATOR

_HEADER = 1  # line that notes on a whole column are listed under
_OTHER_SEPARATORS = (";", ",", "/", "\\")
_SHOWN = 5  # tags in a note
_LEAST_TRACKS = 10  # so many tracks that share no tag are no chance
# A value so many times the distance of the quartiles from the median, of so few rows, is no tail but a slip or a code.
_FAR, _FEW = 20, 0.01


def label_notes(
    store: PlanStore, tag_counts: Mapping[str, Mapping[str, int]], values: Sequence[str]
) -> Iterator[RowNote]:
    """What is odd in the labels of all rows.

    Args:
        store: the rows, placed.
        tag_counts: tag dimension -> tag -> rows.
        values: the value dimensions.
    """
    for name, counts in tag_counts.items():
        yield from of_row(_HEADER, "", tag_notes(name, counts))
    for name in values:
        if name not in BEATS:  # looked at row by row
            yield from _far_values(store, name)


def tag_notes(name: str, counts: Mapping[str, int]) -> Iterator[Note]:
    """Near-equal tags, other separators, and a column that is no label.

    Args:
        name: the dimension.
        counts: tag -> rows.
    """
    if len(counts) > _LEAST_TRACKS and max(counts.values()) == 1:
        what = f"{name}: no two rows share one of its {len(counts)} tags"
        yield Note("labels", what, f"taken; leave the column out, or call it {name}:value if it holds numbers")
        return
    alike = defaultdict(list)
    for tag in sorted(counts):
        alike[_folded(tag)].append(tag)
    for tags in alike.values():
        if len(tags) > 1:
            what = f"{name}: {_listed(tags, counts)} differ in case, blanks or signs alone"
            yield Note("labels", what, f"taken as {len(tags)} tags; write them alike to make them one")
    for separator in _OTHER_SEPARATORS:
        tags = [tag for tag in sorted(counts) if _holds(tag, separator, alike)]
        if tags:
            what = f"{name}: {_listed(tags, counts)} hold '{separator}', and '{TAG_SEPARATOR}' separates tags"
            yield Note("labels", what, f"each taken as one tag; write '{TAG_SEPARATOR}' where it is several")


def _folded(tag: str) -> str:
    """Letters and digits alone, in lower case; of a tag without any, the tag."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", tag).casefold())) or tag


def _holds(tag: str, separator: str, known: Mapping[str, Sequence[str]]) -> bool:
    """Whether `separator` seems to separate tags in it: a semicolon does, another if a part is a tag of its own."""
    parts = [part.strip() for part in tag.split(separator)]
    return len(parts) > 1 and all(parts) and (separator == ";" or any(_folded(part) in known for part in parts))


def _listed(tags: Sequence[str], counts: Mapping[str, int]) -> str:
    named = ", ".join(f"'{tag}' ({counts[tag]} rows)" for tag in tags[:_SHOWN])
    return f"{named} and {len(tags) - _SHOWN} more" if len(tags) > _SHOWN else named


def _far_values(store: PlanStore, name: str) -> Iterable[RowNote]:
    numbers = np.fromiter((number for *_, number in store.values(name)), np.float64)
    if not len(numbers):
        return
    low, median, high = np.percentile(numbers, (25, 50, 75))
    # Where most rows have one value, no distance is a measure of the others.
    far = np.abs(numbers - median) > _FAR * (high - low) if high > low else np.zeros(len(numbers), bool)
    if not far.any() or far.mean() > _FEW:
        return
    for (line, track_id, number), is_far in zip(store.values(name), far):
        if is_far:
            what = f"{name}: {number:g}, where half of all rows lie between {low:g} and {high:g}"
            yield RowNote(line, track_id, "labels", what, "taken as it is; leave the cell empty if it is unknown")
