"""The table of free songs in Debian packages that comes with the package, and what one network hears in each."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet

from tfrecords_tools.sources.msd import DIVISION

TABLE = Path(__file__).with_name("debian_music.parquet")
INSTRUMENTS = (
    "guitar",
    "strings",
    "drums",
    "piano",
    "violin",
    "vocal",
    "synth",
    "harpsichord",
    "flute",
    "sitar",
    "cello",
    "harp",
)
# Dimension -> (network, its tags that belong to the dimension, how many times its mean a tag must be heard).
# The probabilities of rare tags are small everywhere: only a comparison between songs says something.
HEARD = {
    "genre": ("msd", DIVISION["genre"], 2.5),
    "mood": ("msd", DIVISION["mood"], 2.0),
    "instrument": ("mtt", INSTRUMENTS, 2.5),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Song:
    """One song of the table.

    Attributes:
        track_id: PACKAGE/FILE, unique in the table.
        sha256, bytes: of the file in the package.
        package, version, path: where it lies; the path is from the package's root, or, where `in_archive`, from
            the root of a zip file inside the package.
        artist, title: as the file's own tags say; without an artist, the package's name.
        licence: as the package's copyright file or the file's tag says.
        bpm: known tempo, or None; of tracker modules by their header, so right up to a factor of 2 or 3.
        split: train or valid, the same for a whole package.
        tags: dimension -> tags that a network heard (`heard_tags`).
    """

    track_id: str
    sha256: str
    bytes: int
    package: str
    version: str
    path: str
    in_archive: bool
    artist: str
    title: str
    licence: str
    bpm: float | None
    split: str
    tags: Mapping[str, Sequence[str]]


def load_songs(table: Path = TABLE) -> list[Song]:
    """The songs of a table, in its order: by package, then by path."""
    content = pyarrow.parquet.read_table(table)
    heard = {}
    for dimension, (network, among, times) in HEARD.items():
        names = json.loads(content.schema.metadata[f"{network}_tags".encode()])
        means = content[network].combine_chunks().flatten().to_numpy().reshape(-1, len(names))
        heard[dimension] = heard_tags(means.astype(np.float64), names, among, times)
    rows = content.drop_columns(["msd", "mtt"]).to_pylist()
    return [
        Song(
            **{field: row[field] for field in ("track_id", "sha256", "bytes", "package", "version", "path")},
            in_archive=row["in_archive"],
            artist=row["artist"] or row["package"],
            title=row["title"],
            licence=row["licence"],
            bpm=row["true_bpm"],
            split=row["split"],
            tags={dimension: tags[place] for dimension, tags in heard.items()},
        )
        for place, row in enumerate(rows)
    ]


def heard_tags(means: np.ndarray, names: Sequence[str], among: Sequence[str], times: float) -> list[list[str]]:
    """The tags that stand out in each song, compared with the other songs.

    Args:
        means: [songs, tags] mean probability of each tag over a song.
        names: the tags of the columns.
        among: the tags that are asked for.
        times: how many times its mean over songs a tag must reach.

    Returns:
        For each song the tags that reach it, and always the one that comes highest by that measure; in the order
        of `among`.
    """
    share = means[:, [names.index(tag) for tag in among]]
    share = share / share.mean(axis=0)
    chosen = share >= times
    chosen[np.arange(len(share)), share.argmax(axis=1)] = True
    return [[among[k] for k in np.flatnonzero(row)] for row in chosen]
