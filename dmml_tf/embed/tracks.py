"""Any number of tracks -> the Parquet file of their embeddings; streaming, and it goes on where it was interrupted.

Source of the mean over windows: Lee et al., ICASSP 2020, section 3.3. While at work there is a folder
`OUT.parts`: `state.json` says what is being embedded, and each 256 items are one part, renamed into place.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.data.signal import Signal, signal_for
from dmml_tf.embed.parquet import embeddings_schema, join_parts, table_of, write_table
from dmml_tf.embed.sounds import Sound, Source
from dmml_tf.embed.split import inference, windows_of
from tfrecords_tools.files import write_json
from tfrecords_tools.program import progress
from tfrecords_tools.tables.manifest import Reject

PART = 256  # items that an interruption may cost


@dataclasses.dataclass(frozen=True)
class EmbedOptions:
    """What is stored, and how it is computed.

    Attributes:
        windows: keeps each 3 s window beside the mean.
        dtype: `float32` or `float16`.
        batch: windows a call.
    """

    windows: bool = False
    dtype: str = "float32"
    batch: int = 64


def embed_tracks(
    embedding: keras.Model, model: str, window_frames: int, source: Source, key: str, out: Path, options: EmbedOptions
) -> tuple[int, list[Reject]]:
    """Writes `out`; in memory are one batch, one track and the vectors of one part.

    Args:
        embedding: log-mel float32 [batch, window_frames, 128], or samples float32 [batch, 66150] -> float32 [batch, E].
        model: SHA-256 of its weights.
        window_frames: frames of 3 s.
        source: the tracks, with the sound that the network takes.
        key: says what the source is; parts of another key, model or options are done again.
        out: a .parquet file.
        options: see there.

    Returns:
        Tracks written, and the rows that could not be used.
    """
    schema = embeddings_schema(source.columns, embedding.output_shape[-1], options.dtype, options.windows, model)
    parts = _begin(out, [key, model, dataclasses.asdict(options), PART])
    count = source.count()
    missing = [not _note(parts, number).exists() for number in range(-(-count // PART))]
    wanted = np.repeat(missing, PART)[:count] if missing else []
    items = progress(source.items(wanted), int(np.sum(wanted)), "embed")
    call, signal = inference(embedding), signal_for(embedding)
    for number in np.flatnonzero(missing):
        sounds = _Part(items, min(PART, count - number * PART))
        vectors = _embed(call, signal, sounds, window_frames, options.batch)
        write_table(_file(parts, number), table_of(schema, sounds.tracks, vectors))
        # Last: a part is there when its note is.
        write_json(_note(parts, number), [dataclasses.asdict(reject) for reject in sounds.rejects])
    for _ in items:  # lets the progress say that it is done
        pass
    files = [_file(parts, number) for number in range(len(missing))]
    rejects = [Reject(**row) for number in range(len(missing)) for row in json.loads(_note(parts, number).read_text())]
    rows = join_parts(files, out, schema)
    shutil.rmtree(parts)
    return rows, rejects


class _Part:
    """The next `count` items: yields their sounds; keeps their metadata, and the rejects."""

    def __init__(self, items: Iterator[Sound | Reject], count: int):
        self._items, self._count = items, count
        self.tracks, self.rejects = [], []

    def __iter__(self) -> Iterator[Mapping[str, np.ndarray]]:
        for _ in range(self._count):
            item = next(self._items)
            if isinstance(item, Reject):
                self.rejects.append(item)
            else:
                self.tracks.append(item.track)
                yield item.sound


def key_of(file: Path) -> str:
    """SHA-256 of a table, or of a dataset's `dataset.json`, which holds its shards' checksums."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _embed(
    call: Callable, signal: Signal, sounds: Iterable[Mapping[str, np.ndarray]], frames: int, batch: int
) -> list[np.ndarray]:
    """float32 [W, E] of each track; batches run on across tracks, so that the network sees one shape."""
    counts, vectors, waiting = [], [], []

    def run() -> None:
        filled = np.zeros((batch, *waiting[0].shape), np.float32)
        filled[: len(waiting)] = waiting
        vectors.append(call(tf.constant(filled)).numpy()[: len(waiting)])
        waiting.clear()

    for sound in sounds:
        starts = windows_of(range(signal.frames(sound)), frames, frames)
        counts.append(len(starts))
        for start in starts:
            waiting.append(signal.cut(sound, start))
            if len(waiting) == batch:
                run()
    if waiting:
        run()
    return np.split(np.concatenate(vectors), np.cumsum(counts)[:-1]) if counts else []


def _begin(out: Path, state: list) -> Path:
    parts = out.with_name(f"{out.name}.parts")
    file = parts / "state.json"
    if not file.exists() or json.loads(file.read_text(encoding="utf-8")) != state:
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True)
        write_json(file, state)
    return parts


def _file(parts: Path, number: int) -> Path:
    return parts / f"{number:06d}.parquet"


def _note(parts: Path, number: int) -> Path:
    return parts / f"{number:06d}.json"
