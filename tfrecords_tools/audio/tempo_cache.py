"""Tempo estimates kept between builds, by what was estimated: the file's bytes, the seconds taken, by whom.

In a folder they are one SQLite file, at an address of an object store one small object each: there, none could be
changed in place.
"""

import contextlib
import functools
import hashlib
import json
import os
import sqlite3
from pathlib import Path

from tfrecords_tools.audio.tempo import MADMOM, estimate_tempo_of_file, estimator_version
from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.address import is_address, joined
from tfrecords_tools.stores.store import StoreError, read_bytes, write_bytes

_FILE = "tempo.sqlite"
_MARK = "tempo.txt"  # shows before the first file whether an address can be written to
# Seconds that a process waits while another writes.
_PATIENCE = 60.0
_TABLE = """CREATE TABLE IF NOT EXISTS tempo(
    audio BLOB, seconds REAL, madmom TEXT, bpm REAL, PRIMARY KEY(audio, seconds, madmom)) WITHOUT ROWID"""


def require_cache(folder: str | os.PathLike) -> None:
    """Makes the cache where it is missing.

    Args:
        folder: of this machine, or an address.

    Raises:
        UserError: if the folder or the file in it cannot be used.
    """
    if is_address(folder):
        write_bytes(joined(folder, _MARK), b"tempo estimates\n")
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _connection(os.fspath(folder)).execute("SELECT COUNT(*) FROM (SELECT 1 FROM tempo LIMIT 1)")
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"{Path(folder) / _FILE}: no cache of tempo estimates can be kept there ({error}); remove the "
            "file, or give --tempo_cache another folder"
        ) from error
    finally:
        # A process that starts workers keeps no database open that they write.
        _connection.cache_clear()


def cached_tempo(path: str | os.PathLike, seconds: float, folder: str | os.PathLike, by: str = MADMOM) -> float | None:
    """`estimate_tempo_of_file`, at most once for the same bytes, seconds, estimator and version of madmom.

    "None to be had" is remembered too. Where the cache fails meanwhile, the tempo is estimated.

    Args:
        path: the audio file.
        seconds: at most that much of its middle is listened to.
        folder: where the cache lies, or its address; several processes may share it, at an address several machines.
        by: one of `tempo.ESTIMATORS`.

    Raises:
        AudioError: if the file cannot be decoded.
        UserError: if madmom is not installed.
        OSError: if the file cannot be read.
    """
    with open(path, "rb") as file:
        key = (hashlib.file_digest(file, "sha256").digest(), seconds, estimator_version(by))
    cached = _look_up(key, folder)
    if cached is not None:
        return cached[0]
    bpm = estimate_tempo_of_file(path, seconds, by)
    if is_address(folder):
        with contextlib.suppress(StoreError):
            write_bytes(_address(key, folder), json.dumps(bpm).encode())
        return bpm
    try:
        with _connection(os.fspath(folder)) as database:
            database.execute("INSERT OR REPLACE INTO tempo VALUES (?, ?, ?, ?)", (*key, bpm))
    except sqlite3.Error:
        _connection.cache_clear()
    return bpm


def _look_up(key: tuple[bytes, float, str], folder: str | os.PathLike) -> tuple[float | None] | None:
    if is_address(folder):
        with contextlib.suppress(StoreError, ValueError):
            return (json.loads(read_bytes(_address(key, folder))),)
        return None
    try:
        return (
            _connection(os.fspath(folder))
            .execute("SELECT bpm FROM tempo WHERE audio = ? AND seconds = ? AND madmom = ?", key)
            .fetchone()
        )
    except sqlite3.Error:
        _connection.cache_clear()
        return None


def _address(key: tuple[bytes, float, str], folder: str) -> str:
    name = hashlib.sha256(repr(key).encode()).hexdigest()
    return joined(folder, name[:2], f"{name}.json")


@functools.lru_cache(maxsize=1)
def _connection(folder: str) -> sqlite3.Connection:
    connection = sqlite3.connect(Path(folder) / _FILE, timeout=_PATIENCE)
    connection.execute(_TABLE)
    return connection
