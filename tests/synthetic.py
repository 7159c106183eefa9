"""Small datasets with labels that are visible in the log-mel, for tests that need no audio.

Each genre lights a band of the low mels, each instrument one of the middle, each mood one of the
high mels, and the tempo is a pulse over time: enough for a network to learn in seconds.
"""

import csv
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import ml_collections
import numpy as np
import tensorflow as tf
from dmml_tf.configs import demo

from tests.made_tag_table import write_tracks
from tfrecords_tools.dataset import Dataset, Shard
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import Schema

SCHEMA = Schema(
    {"genre": ("folk", "jazz", "rock"), "instrument": ("flute", "organ", "piano", "violin"), "mood": ("calm", "happy")},
    ("tempo",),
)
# What `write_dataset(..., segments=True)` writes: segments label these two dimensions.
SEGMENTED_SCHEMA = dataclasses.replace(SCHEMA, segmented=("genre", "tempo"))


def synthetic_track(number: int, rng: np.random.Generator, frames: int = 430, unlabelled: bool = False) -> dict:
    """One track's fields (see `Schema.encode`); `unlabelled` leaves out its mood and its tempo."""
    genre, mood = int(rng.integers(3)), int(rng.integers(2))
    instruments = sorted(rng.choice(4, size=2, replace=False).tolist())
    tempo = float(np.float32(rng.uniform(60, 180)))
    mel = _log_mel(rng, frames, genre, instruments, mood, tempo)
    mel[:, rng.integers(128)] += 0.4  # what only this track has
    return {
        "track_id": f"t{number:03d}",
        "artist": f"artist {number % 7}",
        "title": f"Song {number}",
        "duration": frames / LogMel().frames_per_second,
        "log_mel": mel.astype(np.float16),
        "tags/genre": [genre],
        "tags/instrument": instruments,
        "tags/mood": [] if unlabelled else [mood],
        "values/tempo": None if unlabelled else tempo,
    }


def _log_mel(rng: np.random.Generator, frames: int, genre: int, instruments: list[int], mood: int, tempo: float):
    mel = rng.uniform(0.0, 0.1, (frames, 128))
    mel[:, 10 * genre + 4 : 10 * genre + 10] += 0.6
    for instrument in instruments:
        mel[:, 40 + 10 * instrument : 46 + 10 * instrument] += 0.5
    mel[:, 90 + 15 * mood : 100 + 15 * mood] += 0.5
    phase = (np.arange(frames) / LogMel().frames_per_second * tempo / 60.0 + rng.uniform()) % 1.0
    return mel * (0.4 + 0.6 * (phase < 0.3))[:, None]


def halved_track(number: int, rng: np.random.Generator, frames: int = 430, unlabelled: bool = False) -> dict:
    """A track whose second half has another genre and another tempo, of `SEGMENTED_SCHEMA`.

    Two segments name the genre of each half, and the second its tempo, so that the first half has the track's; the
    track itself has both genres. An `unlabelled` track changes as well, but has no segment.
    """
    track = synthetic_track(number, rng, frames, unlabelled)
    (genre,), half = track["tags/genre"], frames // 2
    other, tempo = (genre + int(rng.integers(1, 3))) % 3, float(np.float32(rng.uniform(60, 180)))
    track["tags/genre"] = sorted([genre, other])
    track["log_mel"][half:] = _log_mel(rng, frames - half, other, track["tags/instrument"], int(rng.integers(2)), tempo)
    if not unlabelled:
        middle = half / LogMel().frames_per_second
        track |= {
            "segments/start": [0.0, middle],
            "segments/end": [middle, track["duration"]],
            "segments/tags/genre": [(0, genre), (1, other)],
            "segments/values/tempo": [np.nan, tempo],
        }
    return track


def traced_track(number: int, rng: np.random.Generator, frames: int = 430, unlabelled: bool = False) -> dict:
    """A `synthetic_track` whose log-mel tells where it comes from: band 0 the track's number, band 1 the frame's."""
    track = synthetic_track(number, rng, frames, unlabelled)
    track["log_mel"][:, 0] = number
    track["log_mel"][:, 1] = np.arange(frames)  # float16 counts exactly to 2,048
    return track


def write_dataset(
    folder: Path,
    splits: dict[str, int],
    shards: int = 2,
    seed: int = 0,
    frames: int = 430,
    make_track: Callable[..., dict] | None = None,
    audio: bool = False,
    segments: bool = False,
) -> Dataset:
    """A dataset of `splits[name]` tracks each; every fifth track lacks its mood and its tempo.

    Tracks are those of `make_track`, by default `synthetic_track`. With `audio` the records hold samples too: a tone
    that the track's number decides, in noise. With `segments` they are of `SEGMENTED_SCHEMA`, by default those of
    `halved_track`.
    """
    schema = dataclasses.replace(SEGMENTED_SCHEMA if segments else SCHEMA, optional=("audio",) if audio else ())
    make_track = make_track or (halved_track if segments else synthetic_track)
    folder.mkdir(parents=True, exist_ok=True)
    rng, number, table, labels = np.random.default_rng(seed), 0, {}, []
    names, every = [], []
    for split, count in splits.items():
        tracks = [make_track(number + i, rng, frames, unlabelled=i % 5 == 4) for i in range(count)]
        if audio:
            tracks = [{**track, "audio": tone(number + i, frames, rng)} for i, track in enumerate(tracks)]
        rows = [schema.encode(track) for track in tracks]
        labels += [
            (split, *(track[f"tags/{name}"] for name in SCHEMA.vocabularies), track["values/tempo"]) for track in tracks
        ]
        names += [(track["track_id"], track["title"], track["artist"], track["duration"]) for track in tracks]
        number += count
        every += tracks if segments else []
        table[split] = tuple(_write_shard(folder, split, i, shards, rows[i::shards]) for i in range(shards))
    dataset = Dataset(folder, "synthetic", schema, LogMel(), table, "made for tests")
    dataset.save()
    write_tracks(folder, SCHEMA, labels, names)
    if segments:
        _write_segments(folder / "track_segments.csv", every)
    return dataset


def _write_segments(path: Path, tracks: list[dict]) -> None:
    """The table of segments that a build writes, of tracks that have any."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["track_id", "start", "end", "genre", "tempo"])
        for track in tracks:
            genres = {place: SCHEMA.vocabularies["genre"][tag] for place, tag in track.get("segments/tags/genre", ())}
            times = zip(track.get("segments/start", ()), track.get("segments/end", ()))
            for place, (start, end) in enumerate(times):
                tempo = track["segments/values/tempo"][place]
                cells = (genres.get(place, ""), "" if np.isnan(tempo) else tempo)
                writer.writerow([track["track_id"], np.float32(start), np.float32(end), *cells])


def tone(number: int, frames: int, rng: np.random.Generator) -> np.ndarray:
    """int16 samples of `frames` frames: 220 Hz and a semitone more a track, in a little noise."""
    chain = LogMel()
    time = np.arange(frames * chain.hop) / chain.sample_rate
    samples = 0.5 * np.sin(2 * np.pi * 220 * 2 ** (number / 12) * time) + rng.normal(0, 0.01, len(time))
    return (samples * 2**15).astype(np.int16)


def _write_shard(folder: Path, split: str, index: int, shards: int, rows: list[bytes]) -> Shard:
    path = folder / f"synthetic-{split}-{index:05d}-of-{shards:05d}.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            writer.write(row)
    return Shard(path.name, len(rows), hashlib.sha256(path.read_bytes()).hexdigest())


def tiny_config(steps: int = 30, steps_per_epoch: int = 10, **network) -> ml_collections.ConfigDict:
    """The demo's configuration, as small as it trains: convolution blocks of a few maps, batches of 24 windows."""
    config = demo.get_config()
    config.network.update({"block": "conv", "width": (4, 1, 1, 1, 2, 4, 8), **network})
    config.batch.update({"tracks": 12, "windows": 2, "triplets": 96, "pool": 40})
    config.train.update({"steps": steps, "steps_per_epoch": steps_per_epoch, "validation_steps": 2})
    return config
