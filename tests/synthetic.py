"""Small datasets with labels that are visible in the log-mel, for tests that need no audio.

Each genre lights a band of the low mels, each instrument one of the middle, each mood one of the
high mels, and the tempo is a pulse over time: enough for a network to learn in seconds.
"""

import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfrecords_tools.dataset import Dataset, Shard
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import Schema

SCHEMA = Schema(
    {"genre": ("folk", "jazz", "rock"), "instrument": ("flute", "organ", "piano", "violin"), "mood": ("calm", "happy")},
    ("tempo",),
)


def synthetic_track(number: int, rng: np.random.Generator, frames: int = 430, unlabelled: bool = False) -> dict:
    """One track's fields (see `Schema.encode`); `unlabelled` leaves out its mood and its tempo."""
    genre, mood = int(rng.integers(3)), int(rng.integers(2))
    instruments = sorted(rng.choice(4, size=2, replace=False).tolist())
    tempo = float(np.float32(rng.uniform(60, 180)))
    mel = rng.uniform(0.0, 0.1, (frames, 128))
    mel[:, 10 * genre + 4 : 10 * genre + 10] += 0.6
    for instrument in instruments:
        mel[:, 40 + 10 * instrument : 46 + 10 * instrument] += 0.5
    mel[:, 90 + 15 * mood : 100 + 15 * mood] += 0.5
    phase = (np.arange(frames) / LogMel().frames_per_second * tempo / 60.0 + rng.uniform()) % 1.0
    mel *= (0.4 + 0.6 * (phase < 0.3))[:, None]
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


def write_dataset(folder: Path, splits: dict[str, int], shards: int = 2, seed: int = 0, frames: int = 430) -> Dataset:
    """A dataset of `splits[name]` tracks each; every fifth track lacks its mood and its tempo."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, number, table = np.random.default_rng(seed), 0, {}
    for split, count in splits.items():
        rows = [
            SCHEMA.encode(synthetic_track(number + i, rng, frames, unlabelled=i % 5 == 4)) for i in range(count)
        ]
        number += count
        table[split] = tuple(_write_shard(folder, split, i, shards, rows[i::shards]) for i in range(shards))
    dataset = Dataset(folder, "synthetic", SCHEMA, LogMel(), table, "made for tests")
    dataset.save()
    return dataset


def _write_shard(folder: Path, split: str, index: int, shards: int, rows: list[bytes]) -> Shard:
    path = folder / f"synthetic-{split}-{index:05d}-of-{shards:05d}.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            writer.write(row)
    return Shard(path.name, len(rows), hashlib.sha256(path.read_bytes()).hexdigest())
