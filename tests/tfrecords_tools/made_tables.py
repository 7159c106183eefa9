"""Made datasets with the `tracks.csv` that a build writes beside the shards."""

import csv
from pathlib import Path

import numpy as np

from tests.synthetic import SCHEMA, synthetic_track, write_dataset
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.tables.tracks import TRACKS_FILE

HEADER = ("track_id", "title", "artist", "split", "duration", "path", *SCHEMA.vocabularies, *SCHEMA.values)


def write_tracks(path: Path, rows) -> None:
    """A tracks.csv of rows as in HEADER."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)


def tracks_row(track: dict, split: str) -> list:
    """The row that a build writes for a track."""
    tags = ("|".join(names[i] for i in track[f"tags/{name}"]) for name, names in SCHEMA.vocabularies.items())
    values = ("" if (value := track[f"values/{name}"]) is None else value for name in SCHEMA.values)
    return [
        track["track_id"],
        track["title"],
        track["artist"],
        split,
        f"{track['duration']:.3f}",
        f"/music/{track['track_id']}.flac",
        *tags,
        *values,
    ]


def made_dataset(folder: Path, splits: dict[str, int], frames: int = 135) -> Dataset:
    """`synthetic.write_dataset` and its tracks.csv, whose rows come in the order of the tracks' numbers."""
    rows, ends = [], np.cumsum(list(splits.values()))

    def make(number: int, rng: np.random.Generator, frames: int, unlabelled: bool) -> dict:
        track = synthetic_track(number, rng, frames, unlabelled)
        rows.append(tracks_row(track, list(splits)[int(np.searchsorted(ends, number, side="right"))]))
        return track

    dataset = write_dataset(folder, splits, frames=frames, make_track=make)
    write_tracks(folder / TRACKS_FILE, rows)
    return dataset
