"""What an index, a table of embeddings and the projector say of a track, as text."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfrecords_tools.tables.formats import TAG_SEPARATOR

if TYPE_CHECKING:  # a search by id, which prints such text, must not wait for TensorFlow
    from dmml_tf.embed.split import Embedded
    from tfrecords_tools.schema import Schema

FIRST_COLUMNS = ("id", "title", "artist", "split")
# Of a track of a library: nothing here is a label.
LIBRARY_COLUMNS = (*FIRST_COLUMNS, "album", "year", "seconds")


def track_columns(dimensions: Iterable[str]) -> tuple[str, ...]:
    """The columns of a track's text: the first ones, then every dimension of tags or values."""
    # A dimension may be called as one of the first columns are (artist); the track's own then stands.
    return (*FIRST_COLUMNS, *(name for name in dimensions if name not in FIRST_COLUMNS))


def track_text(
    first: Sequence[str], tags: Mapping[str, Iterable[str]], values: Mapping[str, float | None]
) -> dict[str, str]:
    """One track by `track_columns`: tags are joined by `|`, unlabelled is empty.

    Args:
        first: id, title, artist and split.
        tags: of each tag dimension.
        values: of each value dimension; None or NaN where it is unlabelled.
    """
    text = {name: TAG_SEPARATOR.join(names) for name, names in tags.items()}
    text |= {name: "" if value is None or math.isnan(value) else f"{value:.6g}" for name, value in values.items()}
    text |= dict(zip(FIRST_COLUMNS, first))
    return {name: text[name] for name in track_columns(text)}


def record_text(row: Mapping, split: str, schema: "Schema") -> dict[str, str]:
    """`track_text` of a row as `read_tracks` gives it."""
    return track_text(
        (row["track_id"], row["title"], row["artist"], split),
        _tag_names({name: row[f"tags/{name}"] for name in schema.vocabularies}, schema),
        {name: row[f"values/{name}"] for name in schema.values},
    )


def embedded_text(embedded: "Embedded", split: str, schema: "Schema") -> list[dict[str, str]]:
    """`track_text` of each embedded track of a split."""
    return [
        track_text(
            (track_id, embedded.titles[place], embedded.artists[place], split),
            _tag_names({name: embedded.labels[name][place] for name in schema.vocabularies}, schema),
            {name: embedded.labels[name][place] for name in schema.values},
        )
        for place, track_id in enumerate(embedded.ids)
    ]


def _tag_names(ids: Mapping[str, np.ndarray], schema: "Schema") -> dict[str, list[str]]:
    """The tags of each dimension by their vocabulary ids, int [M], those below 0 being padding."""
    return {name: [schema.vocabularies[name][tag] for tag in row if tag >= 0] for name, row in ids.items()}
