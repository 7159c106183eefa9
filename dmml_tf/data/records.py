"""Records -> tracks: reading shards once or without end, and labels as arrays."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.formats import artists_of

SHUFFLE_BUFFER = 64  # tracks that wait in the shuffle; more would hold more memory
OPEN_SHARDS = 4  # that are read in turn when shuffling
READ_BATCH = 4  # tracks that come out of tf.data at once


def read_tracks(dataset: Dataset, split: str, optional: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Rows of one split, once, in the written order, as `Schema.decode` gives them.

    Args:
        dataset: where the shards are.
        split: `train`, `valid` or `test`.
        optional: which of the records' optional fields to decode too, such as `audio`.

    Raises:
        UserError: if the split is empty, or a shard is missing, truncated or damaged.
        ValueError: if the dataset has no such optional field.
    """
    dataset.schema.require(optional)
    done = 0
    for record in _elements(tf.data.TFRecordDataset(dataset.files(split)), dataset, split):
        done += 1
        yield _decode(record, dataset, split, optional)
    _require_whole(dataset, split, done)


def endless_tracks(dataset: Dataset, split: str, seed: int, optional: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Rows as of `read_tracks`, pass after pass over the split, each in an order of its own; the same for a seed.

    Some shards are read in turn and some tracks wait in a shuffle: since order within a shard is a seeded hash
    already, that is a fair sample of the whole, and memory does not depend on the split's size.

    Raises:
        UserError, ValueError: as `read_tracks`.
    """
    dataset.schema.require(optional)
    files = dataset.files(split)

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        # Of this function's graph alone. Orders are to hang on `seed`, not on what the program's global one is;
        # and beside a global 0 `shuffle` could not take a tensor.
        tf.random.set_seed(1)
        drawn_from = tf.stack([seed, number])
        order = tf.random.experimental.stateless_shuffle(files, seed=drawn_from)
        records = tf.data.Dataset.from_tensor_slices(order).interleave(
            tf.data.TFRecordDataset, cycle_length=min(OPEN_SHARDS, len(files))
        )
        # Records, not rows: another pass brings other company, and a track is still one string.
        shuffle_seed = tf.random.stateless_uniform([], drawn_from, maxval=tf.int64.max, dtype=tf.int64)
        return records.shuffle(SHUFFLE_BUFFER, seed=shuffle_seed).map(lambda record: (number, record))

    # All passes are one graph: one made for each pass would stay in memory, and ten thousand of them add up.
    passes = tf.data.Dataset.counter().flat_map(one_pass)
    current = done = 0
    for number, record in _elements(passes, dataset, split):
        if number != current:
            _require_whole(dataset, split, done)
            current, done = number, 0
        done += 1
        yield _decode(record, dataset, split, optional)


def without_autotune(stream: tf.data.Dataset) -> tf.data.Dataset:
    """The same stream without tf.data's tuning of its own parallelism, where that is fixed anyway.

    The tuner's thread sleeps for longer and longer, up to a minute, and now and then an iterator that is dropped,
    as one is after each epoch, waits for it to wake: trainings stood still for 17 to 33 s at a time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return stream.with_options(options)


def _elements(stream: tf.data.Dataset, dataset: Dataset, split: str) -> Iterator[Any]:
    # Some together, since on TensorFlow 2.15 each tensor that Python sees leaves some bytes behind.
    batches = without_autotune(stream.batch(READ_BATCH).prefetch(1)).as_numpy_iterator()
    while True:
        try:
            batch = next(batches, None)
        except tf.errors.DataLossError as error:
            raise _damaged(dataset, split, str(error).splitlines()[0]) from error
        if batch is None:
            return
        yield from zip(*batch) if isinstance(batch, tuple) else batch


def _decode(record: bytes, dataset: Dataset, split: str, optional: Sequence[str]) -> dict[str, Any]:
    try:
        return dataset.schema.decode(record, optional)
    except ValueError as error:
        raise _damaged(dataset, split, error) from error


def _damaged(dataset: Dataset, split: str, why: object) -> UserError:
    return UserError(
        f"{dataset.folder}: a record of split '{split}' cannot be read ({why}); the shard is damaged or "
        "cut short: build the dataset again with --overwrite"
    )


def _require_whole(dataset: Dataset, split: str, done: int) -> None:
    # A shard that ends between two records reads without an error.
    expected = dataset.tracks(split)
    if done != expected:
        raise UserError(
            f"{dataset.folder}: split '{split}' has {done} records where dataset.json lists {expected}; a "
            "shard is cut short: build the dataset again with --overwrite"
        )


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
