"""Where a dataset's table says that each track's audio is; read without TensorFlow."""

import csv
import os

from tfrecords_tools.errors import UserError

TRACKS_FILE = "tracks.csv"


def audio_paths(table: str | os.PathLike[str]) -> dict[str, str]:
    """Track id -> audio file of a dataset's `tracks.csv`.

    >>> dmml.audio_paths("data/mine/tracks.csv")["t001"].endswith("t001.wav")
    True

    Raises:
        UserError: if the table cannot be read.
    """
    try:
        # Paths are bytes to the file system; one that is not UTF-8 is written and read as the bytes it is.
        with open(table, encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            return {row["track_id"]: row["path"] for row in rows if row.get("path")}
    except (OSError, KeyError, csv.Error) as error:
        raise UserError(f"{table}: cannot be read ({error}); name the folder of the records with --data") from error
