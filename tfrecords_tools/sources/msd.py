"""The Million Song Dataset's tagging split (50 Last.fm tags, K. Choi) and a folder of 7digital previews -> manifest.

The division of the tags is that of Lee et al., ICASSP 2020 (genre 28, mood 12, instrument 5) and of its
sequel at ISMIR 2020 (era 5).
"""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.audio.decode import file_problem, seconds_of
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import clean, is_unprintable
from tfrecords_tools.program import progress
from tfrecords_tools.sources.manifest_out import Dropped, Track, check_tag

LEAST_SECONDS = 29.1
DIVISION = {
    "genre": (
        "rock",
        "pop",
        "alternative",
        "indie",
        "electronic",
        "dance",
        "alternative rock",
        "jazz",
        "metal",
        "classic rock",
        "soul",
        "indie rock",
        "electronica",
        "folk",
        "punk",
        "blues",
        "hard rock",
        "ambient",
        "experimental",
        "Hip-Hop",
        "country",
        "funk",
        "electro",
        "heavy metal",
        "Progressive rock",
        "rnb",
        "indie pop",
        "House",
    ),
    "mood": (
        "beautiful",
        "chillout",
        "Mellow",
        "chill",
        "oldies",
        "acoustic",
        "party",
        "easy listening",
        "sexy",
        "catchy",
        "sad",
        "happy",
    ),
    "instrument": ("female vocalists", "male vocalists", "instrumental", "female vocalist", "guitar"),
    "era": ("60s", "70s", "80s", "90s", "00s"),
}
_DIMENSION_OF = {tag: dimension for dimension, tags in DIVISION.items() for tag in tags}
_SUFFIXES = (".clip.mp3", ".mp3", ".wav", ".ogg", ".flac")
_BLOCK_ROWS = 1024
_SEPARATOR = "<SEP>"


def read_msd(
    labels: str | os.PathLike,
    audio: str | os.PathLike,
    least_seconds: float = LEAST_SECONDS,
    skip_audio_check: bool = False,
    artists: str | None = None,
    keep: str | None = None,
) -> Iterator[Track | Dropped]:
    """Yields the tracks of those parts of the split (train, valid, test) that `labels` holds.

    Args:
        labels: folder of PART_x_msd_id.txt, PART_x_filename.txt, PART_y.npy [tracks, tags] of 0 and 1,
            PART_x_7d_id.txt (only counted), and tags.json: the tags in the order of the columns, as a list
            or under "order50".
        audio: folder of previews; `3/9/3974574.npy` stands for 3974574 with an audio suffix in that place.
        least_seconds: shorter previews, by their headers, are dropped.
        skip_audio_check: looks at no preview and takes all to end in .clip.mp3.
        artists: the dataset's unique_tracks.txt, for artist and title; None leaves them empty.
        keep: text file of the tracks to keep, one id a line; None keeps all.

    Raises:
        UserError: on files of unequal length, an unknown tag, a duplicate id, or what cannot be read.
    """
    labels, audio = Path(labels), os.path.abspath(audio)
    parts = [part for part in SPLITS if (labels / f"{part}_x_msd_id.txt").exists()]
    if not parts:
        raise UserError(f"--labels {labels}: holds no {'/'.join(SPLITS)}_x_msd_id.txt")
    tags = _tags(labels / "tags.json")
    # Without a name SQLite keeps what memory should not hold in a file of its own, which goes with the process.
    with contextlib.closing(sqlite3.connect("")) as database:
        database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
        database.execute("CREATE TABLE artists (id TEXT PRIMARY KEY, artist TEXT, title TEXT) WITHOUT ROWID")
        if artists is not None:
            yield from _load_artists(database, Path(artists))
        if keep is not None:
            database.execute("CREATE TABLE kept (id TEXT PRIMARY KEY) WITHOUT ROWID")
            database.executemany(
                "INSERT OR IGNORE INTO kept VALUES (?)", ((track_id,) for track_id in _kept_ids(Path(keep)))
            )
        total = sum(len(_matrix(labels / f"{part}_y.npy", len(tags))) for part in parts)
        rows = ((part, *row) for part in parts for row in _rows(labels, part, tags))
        for part, number, track_id, name, row in progress(rows, total, "tracks"):
            place = f"{labels / part}_x_msd_id.txt line {number}"
            _refuse_duplicate(database, track_id, place)
            if keep is not None and not _row_of(database, "SELECT 1 FROM kept WHERE id = ?", track_id):
                yield Dropped(track_id, place, "not in --keep", "is not in the list of kept tracks")
                continue
            path = _preview(audio, name, least_seconds, skip_audio_check)
            if isinstance(path, tuple):
                yield Dropped(track_id, place, *path)
                continue
            known = _row_of(database, "SELECT artist, title FROM artists WHERE id = ?", track_id)
            artist, title = known or ("", "")
            yield Track(track_id, path, artist, title, part, _by_dimension(tags, row))


def _row_of(database: sqlite3.Connection, query: str, track_id: str) -> tuple | None:
    return database.execute(query, (track_id,)).fetchone()


def _tags(path: Path) -> list[str]:
    try:
        tags = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); write the tags as a JSON list in the order of the label "
            "matrix's columns"
        ) from error
    tags = tags.get("order50") if isinstance(tags, dict) else tags
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags) or len(set(tags)) < len(tags):
        raise UserError(f"{path}: must be a JSON list of different tags, in the order of the label matrix's columns")
    for tag in tags:
        if check_tag(tag, str(path)) not in _DIMENSION_OF:
            raise UserError(f"{path}: unknown tag '{tag}'; known are the split's 50, see sources/msd.py")
    return tags


def _lines(path: Path) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8") as file:
            yield from (line.strip() for line in file)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _kept_ids(path: Path) -> Iterator[str]:
    """Yields the ids of `--keep`. Another kind of file would leave out every track without a word: it is refused."""
    try:
        for number, line in enumerate(_lines(path), 1):
            track_id = line.removeprefix("\ufeff")
            if track_id and not re.fullmatch(r"[\w-]+", track_id):
                raise UserError(f"{path}: line {number}: {track_id[:80]!r} is no track id")
            if track_id:
                yield track_id
    except UserError as error:
        raise UserError(f"--keep {error}; give a text file, one id a line") from error


def _matrix(path: Path, width: int) -> np.ndarray:
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: cannot be read as a label matrix ({error})") from error
    shape = getattr(matrix, "shape", "several arrays")
    if not isinstance(matrix, np.ndarray) or shape[1:] != (width,) or matrix.dtype.kind not in "biuf":
        raise UserError(
            f"{path}: must be a matrix of numbers with {width} columns, one a tag of tags.json; has {shape}"
        )
    return matrix


def _rows(labels: Path, part: str, tags: Sequence[str]) -> Iterator[tuple[int, str, str, np.ndarray]]:
    """Yields (line, track id, name of the file, places of its tags) of one part, after comparing all lengths."""
    ids, names, seven = (labels / f"{part}_x_{name}.txt" for name in ("msd_id", "filename", "7d_id"))
    matrix = _matrix(labels / f"{part}_y.npy", len(tags))
    for path in (ids, names, *([seven] if seven.exists() else [])):
        count = sum(1 for _ in _lines(path))
        if count != len(matrix):
            raise UserError(
                f"{path}: has {count} lines, {labels / part}_y.npy {len(matrix)} rows; they must be of one "
                "copy of the split"
            )
    lines = enumerate(zip(_lines(ids), _lines(names)), 1)
    for first in range(0, len(matrix), _BLOCK_ROWS):
        block = np.asarray(matrix[first : first + _BLOCK_ROWS])
        if not ((block == 0) | (block == 1)).all():
            raise UserError(f"{labels / part}_y.npy: rows from {first} hold other numbers than 0 and 1")
        for row, (number, (track_id, name)) in zip(block, lines):
            if not track_id or is_unprintable(track_id):
                raise UserError(f"{ids}: line {number}: {track_id!r} is no track id")
            yield number, track_id, name, np.flatnonzero(row)


def _refuse_duplicate(database: sqlite3.Connection, track_id: str, place: str) -> None:
    try:
        database.execute("INSERT INTO seen VALUES (?, ?)", (track_id, place))
    except sqlite3.IntegrityError:
        first = _row_of(database, "SELECT place FROM seen WHERE id = ?", track_id)
        assert first is not None
        raise UserError(f"{place}: track {track_id} is also in {first[0]}; a track belongs to one split") from None


def _preview(audio: str, name: str, least_seconds: float, skip_check: bool) -> str | tuple[str, str]:
    """The preview's path, or (kind, reason) of having none."""
    stem = os.path.normpath(os.path.join(audio, os.path.splitext(name)[0]))
    if not name or is_unprintable(name) or not stem.startswith(audio.rstrip("/") + "/"):
        return "bad file name", f"{name!r} is no path inside the audio folder"
    if skip_check:
        return stem + _SUFFIXES[0]
    path = next((stem + suffix for suffix in _SUFFIXES if os.path.lexists(stem + suffix)), None)
    if path is None:
        return "missing", f"there is no {stem} with one of {', '.join(_SUFFIXES)}"
    problem = file_problem(path)
    seconds = None if problem else seconds_of(path)
    if seconds is None:
        return "unreadable", f"{path}: {problem or 'its header cannot be read as audio'}"
    if seconds < least_seconds:
        return "too short", f"{path}: {seconds:.2f} s, at least {least_seconds:g} s are asked for"
    return path


def _by_dimension(tags: Sequence[str], places: np.ndarray) -> dict[str, list[str]]:
    by_dimension: dict[str, list[str]] = {}
    for place in places:
        by_dimension.setdefault(_DIMENSION_OF[tags[place]], []).append(tags[place])
    return by_dimension


def _load_artists(database: sqlite3.Connection, path: Path) -> Iterator[Dropped]:
    for number, line in enumerate(progress(_lines(path), label="artists"), 1):
        cells = line.split(_SEPARATOR)
        if len(cells) != 4 or not cells[0]:
            yield Dropped(
                cells[0][:80],
                f"{path} line {number}",
                "bad line of --artists",
                f"has {len(cells)} parts "
                f"between {_SEPARATOR}, needs TRACKID, SONGID, ARTIST, TITLE; the track stays without artist",
            )
        else:
            database.execute(
                "INSERT OR IGNORE INTO artists VALUES (?, ?, ?)", (cells[0], clean(cells[2]), clean(cells[3]))
            )
