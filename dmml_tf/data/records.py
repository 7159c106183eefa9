"""Records -> tracks: reading shards once or without end, and labels as arrays."""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.data.parts import WHOLE_SPLIT, Part
from dmml_tf.data.shards import ChosenRecords, Shard
from tfrecords_tools.check.framing import DamagedRecord
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.formats import artists_of

SHUFFLE_BUFFER = 64  # places of tracks that wait in the shuffle: reads of a shard stay near each other
OPEN_SHARDS = 4  # that are read in turn when shuffling
READ_BATCH = 64  # places that come out of tf.data at once
READ_AHEAD = 8  # tracks that are read while others are used
READER = "records"  # what the thread's name begins with


def read_tracks(
    dataset: Dataset, split: str, optional: Sequence[str] = (), part: Part = WHOLE_SPLIT
) -> Iterator[dict[str, Any]]:
    """Rows of one split, once, in the written order, as `Schema.decode` gives them.

    Args:
        dataset: where the shards are.
        split: `train`, `valid` or `test`.
        optional: which of the records' optional fields to decode too, such as `audio`.
        part: of the split, which alone is read.

    Raises:
        UserError: if the split is empty, or a shard is missing, truncated or damaged.
        ValueError: if the dataset has no such optional field.
    """
    dataset.schema.require(optional)
    shards = _shards(dataset, split, part)
    places = ((shard, number) for shard in range(len(shards)) for number in range(shards[shard].records))
    yield from _read(places, shards, dataset, split, optional)


def endless_tracks(
    dataset: Dataset, split: str, seed: int, optional: Sequence[str] = (), part: Part = WHOLE_SPLIT
) -> Iterator[dict[str, Any]]:
    """Rows as of `read_tracks`, pass after pass over the split, each in an order of its own; the same for a seed.

    Some shards are read in turn and some tracks wait in a shuffle: since order within a shard is a seeded hash
    already, that is a fair sample of the whole, and memory does not depend on the split's size.

    Raises:
        UserError, ValueError: as `read_tracks`.
    """
    dataset.schema.require(optional)
    shards = _shards(dataset, split, part)
    counts = tf.constant([shard.records for shard in shards], tf.int64)

    def of_shard(shard: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.range(counts[shard]).map(lambda number: (shard, number))

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        # Of this function's graph alone. Orders are to hang on `seed`, not on what the program's global one is;
        # and beside a global 0 `shuffle` could not take a tensor.
        tf.random.set_seed(1)
        drawn_from = tf.stack([seed, number])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(shards)), seed=drawn_from)
        places = tf.data.Dataset.from_tensor_slices(order).interleave(
            of_shard, cycle_length=min(OPEN_SHARDS, len(shards))
        )
        # Another pass brings other company. Places, not records: what waits in the shuffle costs nothing.
        shuffle_seed = tf.random.stateless_uniform([], drawn_from, maxval=tf.int64.max, dtype=tf.int64)
        return places.shuffle(SHUFFLE_BUFFER, seed=shuffle_seed)

    # All passes are one graph: one made for each pass would stay in memory, and ten thousand of them add up.
    passes = tf.data.Dataset.counter().flat_map(one_pass)
    # Some together, since on TensorFlow 2.15 each tensor that Python sees leaves some bytes behind.
    batches = without_autotune(passes.batch(READ_BATCH).prefetch(1)).as_numpy_iterator()
    places = (place for batch in batches for place in zip(*(column.tolist() for column in batch)))
    yield from _read(places, shards, dataset, split, optional)


def without_autotune(stream: tf.data.Dataset) -> tf.data.Dataset:
    """The same stream without tf.data's tuning of its own parallelism, where that is fixed anyway.

    The tuner's thread sleeps for longer and longer, up to a minute, and now and then an iterator that is dropped,
    as one is after each epoch, waits for it to wake: trainings stood still for 17 to 33 s at a time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return stream.with_options(options)


def count_tracks(dataset: Dataset, split: str, part: Part) -> int:
    """Tracks of a split, or of one part of it."""
    return dataset.tracks(split) if part.of == 1 else sum(s.records for s in _shards(dataset, split, part))


def _shards(dataset: Dataset, split: str, part: Part) -> Sequence[Shard | ChosenRecords]:
    counts = [shard.records for shard in dataset.splits.get(split, ()) if shard.records]
    return part.choose([Shard(path, count) for path, count in zip(dataset.files(split), counts)])


def _read(
    places: Iterable[tuple[int, int]],
    shards: Sequence[Shard | ChosenRecords],
    dataset: Dataset,
    split: str,
    optional: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """The rows at these places (shard, number), in their order; a thread reads some ahead.

    Raises:
        UserError: at the first one that is damaged.
    """

    def read(shard: int, number: int) -> dict[str, Any]:
        try:
            return dataset.schema.decode(shards[shard].read(number), optional)
        except (DamagedRecord, ValueError, OSError) as error:
            why = error.reason if isinstance(error, DamagedRecord) else error
            raise UserError(
                f"{dataset.folder}: a record of split '{split}' cannot be read ({why}); the shard is damaged or "
                "cut short: build the dataset again with --overwrite"
            ) from error

    thread = ThreadPoolExecutor(1, READER)
    ahead: collections.deque[Future[dict[str, Any]]] = collections.deque()
    try:
        for place in places:
            ahead.append(thread.submit(read, *place))
            if len(ahead) > READ_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def label_arrays(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """Label columns of N rows, in the form that `dmml_tf.conditions.Labels` describes.

    Args:
        schema: names the dimensions.
        rows: as `read_tracks` gives them (only the `tags/` and `values/` fields and `artist` are read).

    Returns:
        `Labels`: int32 [N, M] padded with -1 for each tag dimension (`artist` among them, numbered by
        sorted name), float32 [N] with NaN for each value dimension, and `track` int32 [N] = 0..N-1.
    """
    columns = {name: pad_ids([row[f"tags/{name}"] for row in rows]) for name in schema.vocabularies}
    for name in schema.values:
        columns[name] = np.array([row[f"values/{name}"] for row in rows], np.float32)
    if "artist" not in columns:
        artists = [artists_of(row["artist"]) for row in rows]
        number = {name: place for place, name in enumerate(sorted({name for names in artists for name in names}))}
        columns["artist"] = pad_ids([[number[name] for name in names] for names in artists])
    columns["track"] = np.arange(len(rows), dtype=np.int32)
    return columns


def pad_ids(lists: Sequence[Sequence[int] | Array]) -> Array:
    """int32 [N, M] from N lists of ids, padded with -1; M is at least 1."""
    width = max([1, *(len(ids) for ids in lists)])
    padded = np.full((len(lists), width), -1, np.int32)
    for row, ids in zip(padded, lists):
        row[: len(ids)] = ids
    return padded


def repeat_labels(labels: Labels, items: Array, start: Array) -> dict[str, Array]:
    """Labels of windows: row `items[w]` of every track column, and `start` int32 [W] frames."""
    return {**{name: column[items] for name, column in labels.items()}, "start": np.asarray(start, np.int32)}
