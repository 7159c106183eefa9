"""MTG-Jamendo's autotagging TSVs and its folder of MP3s -> manifest: genre, mood and instrument joined by track."""

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import is_unprintable
from tfrecords_tools.program import progress
from tfrecords_tools.sources.manifest_out import Dropped, Track, check_tag
from tfrecords_tools.tables.formats import TAG_SEPARATOR, table_lines

CATEGORIES = {"genre": "genre", "mood/theme": "mood", "instrument": "instrument"}
DIMENSIONS = tuple(CATEGORIES.values())
_FILES = ("genre", "moodtheme", "instrument")
_SPLITS = {"train": "train", "validation": "valid", "test": "test"}
_HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION"]


def read_mtg_jamendo(
    labels: str | os.PathLike, audio: str | os.PathLike, split: int = 0, skip_audio_check: bool = False
) -> Iterator[Track | Dropped]:
    """Yields the tracks of those files autotagging_{genre,moodtheme,instrument}-{train,validation,test}.tsv there are.

    A track that one file names and another does not is unlabelled in the other's dimension. The artist is
    ARTIST_ID, the split the file's.

    Args:
        labels: folder of the files, or of folders split-0 to split-4 of them.
        audio: folder of MP3s; PATH `73/773.mp3` may also lie there as 73/773.low.mp3.
        split: which of the five, where `labels` holds such folders.
        skip_audio_check: looks at no file.

    Raises:
        UserError: on a tag of an unknown category, a track in two splits, or a file that cannot be read.
    """
    folder, audio = _folder(Path(labels), split), os.path.abspath(audio)
    files = [(folder / f"autotagging_{name}-{part}.tsv", _SPLITS[part]) for part in _SPLITS for name in _FILES]
    files = [(path, part) for path, part in files if path.exists()]
    if not files:
        raise UserError(f"--labels {folder}: holds no autotagging_{{{','.join(_FILES)}}}-{{{','.join(_SPLITS)}}}.tsv")
    # Without a name SQLite keeps the tracks in a file of its own, which goes with the process.
    with contextlib.closing(sqlite3.connect("")) as database:
        database.execute(
            "CREATE TABLE tracks (id TEXT PRIMARY KEY, artist TEXT, path TEXT, split TEXT, place TEXT, "
            + ", ".join(f"{name} TEXT DEFAULT ''" for name in DIMENSIONS)
            + ")"
        )
        for path, part in files:
            for line, cells in _rows(path):
                problem = _bad_row(cells) or _add(database, f"{path} line {line}", part, cells)
                if problem:
                    yield Dropped(cells[0] if isinstance(cells, list) else "", f"{path} line {line}", *problem)
        (total,) = database.execute("SELECT COUNT(*) FROM tracks").fetchone()
        rows = database.execute(
            f"SELECT id, artist, path, split, place, {', '.join(DIMENSIONS)} FROM tracks ORDER BY rowid"
        )
        for track_id, artist, name, part, place, *cells in progress(rows, total, "tracks"):
            file = _audio_file(audio, name, skip_audio_check)
            if isinstance(file, tuple):
                yield Dropped(track_id, place, *file)
                continue
            tags = {name: cell.split(TAG_SEPARATOR) for name, cell in zip(DIMENSIONS, cells) if cell}
            yield Track(track_id, file, artist, "", part, tags)


def _folder(labels: Path, split: int) -> Path:
    folders = sorted(path.name for path in labels.glob("split-*") if path.is_dir())
    if not folders:
        if split:
            raise UserError(f"--split {split}: {labels} holds no folders split-0 to split-4; leave --split out")
        return labels
    if f"split-{split}" not in folders:
        raise UserError(f"--split {split}: {labels} holds {', '.join(folders)} only")
    return labels / f"split-{split}"


def _rows(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    lines = table_lines(path)
    _, header = next(lines, (1, []))
    if not isinstance(header, list) or header[:5] != _HEADER:
        raise UserError(f"{path}: must begin with the columns {' '.join(_HEADER)} TAGS, separated by tabs")
    yield from ((line, cells) for line, cells in lines if cells)


def _bad_row(cells: Sequence[str] | str) -> tuple[str, str] | None:
    if isinstance(cells, str):
        return "bad row", cells
    if len(cells) < len(_HEADER) + 1:
        return "bad row", f"has {len(cells)} cells; needs {', '.join(_HEADER)} and a tag"
    if not re.fullmatch(r"track_\d+", cells[0]) or not re.fullmatch(r"artist_\d+", cells[1]):
        return "bad row", f"begins with '{cells[0]}', '{cells[1]}'; needs track_NUMBER, artist_NUMBER"
    return None


def _add(database: sqlite3.Connection, place: str, split: str, cells: Sequence[str]) -> tuple[str, str] | None:
    """Joins one row to what is known of its track; returns (kind, reason) if it must not be."""
    track_id, artist, _, path, _, *tags = cells
    row_tags = _by_dimension(tags, place)
    known = database.execute("SELECT * FROM tracks WHERE id = ?", (track_id,)).fetchone()
    if known is None:
        database.execute(
            "INSERT INTO tracks (id, artist, path, split, place) VALUES (?, ?, ?, ?, ?)",
            (track_id, artist, path, split, place),
        )
    elif known[3] != split:
        raise UserError(
            f"{place}: {track_id} is in split {split} here and in {known[3]} in {known[4]}; give --labels "
            "the files of one split"
        )
    elif known[1:3] != (artist, path):
        return "bad row", f"says {artist}, {path}; {known[4]} says {known[1]}, {known[2]}"
    elif any(known[5 + DIMENSIONS.index(name)] for name in row_tags):
        return "duplicate row", f"its tags of {', '.join(row_tags)} were given before; the first row counts"
    for name, labels in row_tags.items():
        # The column's name is one of our own three.
        database.execute(
            f"UPDATE tracks SET {name} = ? WHERE id = ?", (TAG_SEPARATOR.join(dict.fromkeys(labels)), track_id)
        )
    return None


def _by_dimension(tags: Sequence[str], place: str) -> dict[str, list[str]]:
    by_dimension: dict[str, list[str]] = {}
    for cell in filter(None, tags):
        category, dashes, tag = cell.partition("---")
        if not dashes or category not in CATEGORIES:
            raise UserError(
                f"{place}: the tag {cell!r} is of no known category; known are "
                f"{', '.join(name + '---TAG' for name in CATEGORIES)}"
            )
        by_dimension.setdefault(CATEGORIES[category], []).append(check_tag(tag, place))
    return by_dimension


def _audio_file(audio: str, name: str, skip_check: bool) -> str | tuple[str, str]:
    """The track's path, or (kind, reason) of having none."""
    path = os.path.normpath(os.path.join(audio, name))
    if not name or is_unprintable(name) or not path.startswith(audio.rstrip("/") + "/"):
        return "bad file name", f"{name!r} is no path inside the audio folder"
    if skip_check:
        return path
    low = path.removesuffix(".mp3") + ".low.mp3"
    path = low if not os.path.lexists(path) and os.path.lexists(low) else path
    problem = file_problem(path)
    return ("missing" if problem == "file not found" else "unreadable", f"{path}: {problem}") if problem else path
