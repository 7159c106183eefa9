"""A trained run and its records -> the index of every track."""

import os

import numpy as np

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.metadata import embedded_text
from dmml_tf.embed.parquet import read_embeddings
from dmml_tf.embed.split import embed_split
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError


def index_run(run: Run, dataset: Dataset) -> Index:
    """Embeds every split of `dataset` with the run's network and indexes the tracks.

    Raises:
        UserError: if the run or the dataset cannot be read, or holds no track, or if masks were learned.
    """
    run.require_slices()
    embedder, splits = Embedder.of_run(run), [split for split in dataset.splits if dataset.tracks(split)]
    embedded = {split: embed_split(embedder, dataset, split) for split in splits}
    rows = [row for split in splits for row in embedded_text(embedded[split], split, dataset.schema)]
    vectors = np.concatenate([embedded[split].vectors for split in splits]) if splits else np.zeros((0, 0), np.float32)
    return Index.build(vectors, run.conditions, rows, run.weights_sha256())


def index_embeddings(run: Run, path: str | os.PathLike) -> Index:
    """Index of a file that `dmml embed` wrote with this run's weights.

    Raises:
        UserError: if it is no such file, or was made by other weights.
    """
    run.require_slices()
    vectors, rows, model = read_embeddings(path)
    if model != run.weights_sha256():
        raise UserError(
            f"{os.fspath(path)}: made by other weights than {run.folder} has; make it again with: "
            f"dmml embed --run {run.folder}"
        )
    return Index.build(vectors, run.conditions, rows, model)
