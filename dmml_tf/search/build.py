"""A trained run and its records -> the index of every track."""

import hashlib
import os

import numpy as np

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parquet import read_embeddings
from dmml_tf.embed.split import Embedded, embed_split
from dmml_tf.run import WEIGHTS_FILE, Run
from dmml_tf.search.index import Index
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema

TAG_SEPARATOR = "|"


def index_run(run: Run, dataset: Dataset) -> Index:
    """Embeds every split of `dataset` with the run's network and indexes the tracks.

    Raises:
        UserError: if the run or the dataset cannot be read, or holds no track, or if masks were learned.
    """
    run.require_slices()
    embedder, splits = Embedder.of_run(run), [split for split in dataset.splits if dataset.tracks(split)]
    embedded = {split: embed_split(embedder, dataset, split) for split in splits}
    rows = [row for split in splits for row in track_rows(embedded[split], split, dataset.schema)]
    vectors = np.concatenate([embedded[split].vectors for split in splits]) if splits else np.zeros((0, 0), np.float32)
    return Index.build(vectors, run.conditions, rows, weights_sha256(run))


def index_embeddings(run: Run, path: str | os.PathLike) -> Index:
    """Index of a file that `dmml embed` wrote with this run's weights.

    Raises:
        UserError: if it is no such file, or was made by other weights.
    """
    run.require_slices()
    vectors, rows, model = read_embeddings(path)
    if model != weights_sha256(run):
        raise UserError(
            f"{os.fspath(path)}: made by other weights than {run.folder} has; make it again with: "
            f"dmml embed --run {run.folder}"
        )
    return Index.build(vectors, run.conditions, rows, model)


def track_rows(embedded: Embedded, split: str, schema: Schema) -> list[dict[str, str]]:
    """Metadata as text: id, title, artist, split, then every dimension; tags are joined by `|`, unlabelled is empty."""
    rows = []
    for i, track_id in enumerate(embedded.ids):
        row = {"id": track_id, "title": embedded.titles[i], "artist": embedded.artists[i], "split": split}
        for name, vocabulary in schema.vocabularies.items():
            tags = (vocabulary[tag] for tag in embedded.labels[name][i] if tag >= 0)
            row.setdefault(name, TAG_SEPARATOR.join(tags))
        for name in schema.values:
            value = embedded.labels[name][i]
            row.setdefault(name, "" if np.isnan(value) else f"{value:.6g}")
        rows.append(row)
    return rows


def weights_sha256(run: Run) -> str:
    """SHA-256 of the run's weights file: tells an index of these weights from one of earlier ones."""
    return hashlib.sha256((run.folder / WEIGHTS_FILE).read_bytes()).hexdigest()
