"""Records -> tracks: reading shards once or without end, and labels as arrays."""

import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Labels
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema


SHUFFLED = 64  # tracks that wait in the shuffle; more would hold more memory
OPEN_SHARDS = 4  # that are read in turn when shuffling
_PASS = "pass"  # which pass a row of the endless stream is of


def track_stream(dataset: Dataset, split: str, optional: Sequence[str] = ()) -> tf.data.Dataset:
    """Parsed records of one split, once, in the written order.

    Args:
        dataset: where the shards are.
        split: `train`, `valid` or `test`.
        optional: which of the records' optional fields to decode too, such as `audio`.

    Returns:
        tf.data of dictionaries as `Schema.parse` gives them.

    Raises:
        UserError: if the split is empty or a shard is missing.
    """
    parse = functools.partial(dataset.schema.parse, optional=optional)
    records = tf.data.TFRecordDataset(dataset.files(split))
    return records.map(parse, num_parallel_calls=2, deterministic=True).prefetch(2)


def read_tracks(dataset: Dataset, split: str, optional: Sequence[str] = ()) -> Iterator[dict]:
    """NumPy rows of one split: strings as `str`, arrays as NumPy, by the record's field names.

    Arguments as of `track_stream`.

    Raises:
        UserError: as `track_stream`, and when a shard is truncated or damaged.
    """
    done = 0
    for row in _rows(track_stream(dataset, split, optional), dataset, split):
        done += 1
        yield row
    _require_whole(dataset, split, done)


def endless_tracks(dataset: Dataset, split: str, seed: int, optional: Sequence[str] = ()) -> Iterator[dict]:
    """Rows as of `read_tracks`, pass after pass over the split, each in an order of its own; the same for a seed.

    Some shards are read in turn and some tracks wait in a shuffle: since order within a shard is a seeded hash
    already, that is a fair sample of the whole, and memory does not depend on the split's size.

    Raises:
        UserError: as `read_tracks`.
    """
    files = dataset.files(split)
    parse = functools.partial(dataset.schema.parse, optional=optional)

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        # Of this function's graph alone. Orders are to hang on `seed`, not on what the program's global one is;
        # and beside a global 0 `shuffle` could not take a tensor.
        tf.random.set_seed(1)
        drawn_from = tf.stack([seed, number])
        order = tf.random.experimental.stateless_shuffle(files, seed=drawn_from)
        records = tf.data.Dataset.from_tensor_slices(order).interleave(
            tf.data.TFRecordDataset, cycle_length=min(OPEN_SHARDS, len(files))
        )
        # Before parsing, while a track is still one string: another pass brings other company.
        shuffle_seed = tf.random.stateless_uniform([], drawn_from, maxval=tf.int64.max, dtype=tf.int64)
        return records.shuffle(SHUFFLED, seed=shuffle_seed).map(lambda record: (number, record))

    # All passes are one graph: one made for each pass would stay in memory, and ten thousand of them add up.
    passes = tf.data.Dataset.counter().flat_map(one_pass)
    numbered = passes.map(lambda number, record: {**parse(record), _PASS: number}, num_parallel_calls=2,
                          deterministic=True).prefetch(2)
    number = done = 0
    for row in _rows(numbered, dataset, split):
        if row[_PASS] != number:
            _require_whole(dataset, split, done)
            number, done = row[_PASS], 0
        done += 1
        del row[_PASS]
        yield row


def without_autotune(stream: tf.data.Dataset) -> tf.data.Dataset:
    """The same stream without tf.data's tuning of its own parallelism, where that is fixed anyway.

    The tuner's thread sleeps for longer and longer, up to a minute, and now and then an iterator that is dropped,
    as one is after each epoch, waits for it to wake: trainings stood still for 17 to 33 s at a time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return stream.with_options(options)


def _rows(stream: tf.data.Dataset, dataset: Dataset, split: str) -> Iterator[dict]:
    rows = without_autotune(stream).as_numpy_iterator()
    while True:
        try:
            row = next(rows, None)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
            raise UserError(
                f"{dataset.folder}: a record of split '{split}' cannot be read ({str(error).splitlines()[0]}); the "
                "shard is damaged or cut short: build the dataset again with --overwrite"
            ) from error
        if row is None:
            return
        yield {name: value.decode("utf-8") if isinstance(value, bytes) else value for name, value in row.items()}


def _require_whole(dataset: Dataset, split: str, done: int) -> None:
    # A shard that ends between two records reads without an error.
    expected = dataset.tracks(split)
    if done != expected:
        raise UserError(f"{dataset.folder}: split '{split}' has {done} records where dataset.json lists {expected}; a "
                        "shard is cut short: build the dataset again with --overwrite")


def label_arrays(schema: Schema, rows: Sequence[Mapping]) -> dict[str, np.ndarray]:
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
        artists = {name: number for number, name in enumerate(sorted({row["artist"] for row in rows} - {""}))}
        columns["artist"] = np.array([[artists.get(row["artist"], -1)] for row in rows], np.int32).reshape(-1, 1)
    columns["track"] = np.arange(len(rows), dtype=np.int32)
    return columns


def pad_ids(lists: Sequence[np.ndarray]) -> np.ndarray:
    """int32 [N, M] from N lists of ids, padded with -1; M is at least 1."""
    width = max([1, *(len(ids) for ids in lists)])
    padded = np.full((len(lists), width), -1, np.int32)
    for row, ids in zip(padded, lists):
        row[: len(ids)] = ids
    return padded


def repeat_labels(labels: Labels, items: np.ndarray, start: np.ndarray) -> dict[str, np.ndarray]:
    """Labels of windows: row `items[w]` of every track column, and `start` int32 [W] frames."""
    return {**{name: column[items] for name, column in labels.items()}, "start": np.asarray(start, np.int32)}
