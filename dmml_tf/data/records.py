"""Records -> tracks: reading shards as parsed tensors or NumPy rows, and labels as arrays."""

import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from dmml_tf.conditions import Labels
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema


SHUFFLED = 64  # tracks that wait in the shuffle; more would hold more memory


def track_stream(
    dataset: Dataset, split: str, seed: int | None = None, cycle: int = 4, optional: Sequence[str] = ()
) -> tf.data.Dataset:
    """Parsed records of one split, once.

    Args:
        dataset: where the shards are.
        split: `train`, `valid` or `test`.
        seed: reads shards in a seeded order, `cycle` at a time; None keeps the written order.
        cycle: shards that are read in turn when shuffling. Order within a shard is a seeded hash
            already, so a few open shards and a short shuffle are a fair sample of the whole.
        optional: which of the records' optional fields to decode too, such as `audio`.

    Returns:
        tf.data of dictionaries as `Schema.parse` gives them. Deterministic for a seed.

    Raises:
        UserError: if the split is empty or a shard is missing.
    """
    files = dataset.files(split)
    if seed is None:
        records = tf.data.TFRecordDataset(files)
    else:
        files = list(np.random.default_rng(seed).permutation(files))
        records = tf.data.Dataset.from_tensor_slices(files).interleave(
            tf.data.TFRecordDataset, cycle_length=min(cycle, len(files))
        )
        # Before parsing, while a track is still one string: another pass brings other company.
        records = records.shuffle(SHUFFLED, seed=seed)
    parse = functools.partial(dataset.schema.parse, optional=optional)
    return records.map(parse, num_parallel_calls=2, deterministic=True).prefetch(2)


def read_tracks(
    dataset: Dataset, split: str, seed: int | None = None, optional: Sequence[str] = ()
) -> Iterator[dict]:
    """NumPy rows of one split: strings as `str`, arrays as NumPy, by the record's field names.

    Arguments as of `track_stream`.

    Raises:
        UserError: as `track_stream`, and when a shard is truncated or damaged.
    """
    stream = track_stream(dataset, split, seed, optional=optional).as_numpy_iterator()
    done, expected = 0, dataset.tracks(split)
    while True:
        try:
            row = next(stream, None)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
            raise UserError(
                f"{dataset.folder}: a record of split '{split}' cannot be read ({str(error).splitlines()[0]}); the "
                "shard is damaged or cut short: build the dataset again with --overwrite"
            ) from error
        if row is None:
            break
        done += 1
        yield {name: value.decode("utf-8") if isinstance(value, bytes) else value for name, value in row.items()}
    # A shard that ends between two records reads without an error.
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
