"""Results for people (a table) and for programs (JSON)."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmml_tf.embed.metadata import FIRST_COLUMNS, LIBRARY_COLUMNS
from dmml_tf.heard.said import Heard, heard_json, heard_text
from dmml_tf.search.index import Hit

_SAME = 1e-6  # what rounding takes from the cosine of a sound with itself
_WIDEST = 28  # cells of a column, so that a row fits a screen; ids are never cut, people copy them
_HEARD_WIDEST = 60  # of what is heard, which has no other columns beside it
HEARD_AS = "heard as"  # never without these words: a label that is heard is a guess


def labels_of(track: Mapping[str, str]) -> dict[str, str]:
    """The label columns of a row of metadata."""
    first = LIBRARY_COLUMNS if track.keys() >= set(LIBRARY_COLUMNS) else FIRST_COLUMNS
    return {name: value for name, value in track.items() if name not in first}


def table(hits: Sequence[Hit]) -> str:
    """One line a result: rank, id, title, artist, labels, score, cosine in each sub-space; and which are copies.

    Where something is heard in a result, a column says so; columns of labels that no result has are then left out.
    """
    if not hits:
        return "no other track to find"
    labels, conditions = list(labels_of(hits[0].track)), list(hits[0].cosines)
    heard = [HEARD_AS] if any(hit.heard for hit in hits) else []
    if heard:
        labels = [name for name in labels if any(hit.track[name] for hit in hits)]
    section = ["section"] if any(hit.section for hit in hits) else []
    texts = ["title", "artist", *labels, *heard, *section]
    header = ["#", "id", *texts, "score", *(f"cos({name})" for name in conditions)]
    rows = []
    for rank, hit in enumerate(hits, 1):
        texts = [fit(hit.track[name]) for name in ("title", "artist", *labels)]
        texts += [fit(heard_text(hit.heard), _HEARD_WIDEST)] if heard else []
        texts += [str(hit.section or "whole")] if section else []
        numbers = [f"{value:.3f}" for value in (hit.score, *hit.cosines.values())]
        rows.append([str(rank), printable(hit.track["id"]), *texts, *numbers])
    first_number = 4 + len(labels) + len(heard) + len(section)
    copies = ", ".join(f"#{rank}" for rank, hit in enumerate(hits, 1) if seems_copy(hit))
    said = [f"{copies}: as what was asked by in every sub-space; a copy?"] if copies else []
    return "\n".join([text_table(header, rows, first_number), *said])


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], first_number: int) -> str:
    """Aligned columns: text to the left, the first one and those from `first_number` on to the right."""
    widths = [max(map(_cells, column)) for column in zip(header, *rows)]
    return "\n".join(_line(row, widths, first_number) for row in (header, *rows))


def seems_copy(hit: Hit) -> bool:
    """Whether a result seems to be what was asked by under another id: every cosine is 1, as far as float32 tells."""
    return min(hit.cosines.values(), default=0.0) > 1 - _SAME


def describe(track: Mapping[str, str], heard: Heard | None = None) -> str:
    """One line: `id: title, artist (genre rock, tempo 120)`; of `heard`: `(heard as rock .6, tempo 120 .4)`.

    >>> dmml.describe({"id": "t001", "title": "Song", "artist": "Somebody", "split": "test", "genre": "rock"})
    't001: Song, Somebody (genre rock)'
    """
    labels = ", ".join(f"{name} {value}" for name, value in labels_of(track).items() if value)
    if said := heard_text(heard or {}):
        labels = "; ".join(filter(None, [labels, f"{HEARD_AS} {said}"]))
    return printable(f"{track['id']}: {track['title']}, {track['artist']} ({labels or 'no labels'})")


def as_json(hits: Sequence[Hit], sound: Callable[[str], Path | None] | None = None) -> list[dict[str, Any]]:
    """Plain dictionaries: rank, what `track_json` says, heard_as, section, score, cosines, seems_copy.

    `heard_as` is condition -> [{"label", "share"}], and is there where something was heard; `section` is
    {"begin", "end"} in seconds, where score and cosines are of a part of the song.
    """
    return [
        {
            "rank": rank,
            **track_json(hit.track, sound),
            **({"heard_as": heard_json(hit.heard)} if hit.heard else {}),
            **({"section": hit.section.seconds()} if hit.section else {}),
            "score": hit.score,
            "cosines": dict(hit.cosines),
            "seems_copy": seems_copy(hit),
        }
        for rank, hit in enumerate(hits, 1)
    ]


def track_json(track: Mapping[str, str], sound: Callable[[str], Path | None] | None = None) -> dict[str, Any]:
    """A row of metadata: id, title, artist, split, labels; of a library also album, year and seconds, a number or None.

    With `sound`, which gives a track's audio file, also its `path`, None where it is not known.
    """
    labels = labels_of(track)
    content: dict[str, Any] = {name: value for name, value in track.items() if name not in labels}
    if "seconds" in content:
        content["seconds"] = float(content["seconds"]) if content["seconds"] else None
    if sound is not None:
        path = sound(track["id"])
        content["path"] = None if path is None else str(path)
    return {**content, "labels": labels}


def _line(row: Sequence[str], widths: Sequence[int], first_number: int) -> str:
    cells = []
    for i, (text, width) in enumerate(zip(row, widths)):
        blanks = " " * (width - _cells(text))
        cells.append(blanks + text if i >= first_number or i == 0 else text + blanks)
    return "  ".join(cells).rstrip()


def printable(text: str) -> str:
    """The text with `?` for what does not print: a title is someone else's, control characters rewrite a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def fit(text: str, widest: int = _WIDEST) -> str:
    """The printable text, cut to `widest` cells of a screen."""
    text = printable(text)
    if _cells(text) <= widest:
        return text
    while _cells(text) > widest - 1:
        text = text[:-1]
    return text + "…"


def _cells(text: str) -> int:
    """Columns a terminal needs: two for East Asian wide characters, none for combining marks."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
