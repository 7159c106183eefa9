"""Keras callbacks for `model.fit` that show the sub-spaces in TensorBoard.

The embedding's spread and the share of active triplets are scalars already, where `EmbeddingSpread` and
`triplet_metrics` put them into the logs before `keras.callbacks.TensorBoard` writes those.
"""

import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.cross_table import cross_table
from dmml_tf.evaluation.held_out import hold_out
from dmml_tf.evaluation.views import Views
from dmml_tf.pictures.plots import plot_cross_table
from tfrecords_tools.dataset import Dataset


def training_pictures(
    embedding: keras.Model, dataset: Dataset, conditions: Conditions, log_dir: Path
) -> list[keras.callbacks.Callback]:
    """What `dmml_tf.training.train.train` draws each epoch: the cross table."""
    return [CrossTableImage(embedding, dataset, conditions, log_dir)]


class CrossTableImage(keras.callbacks.Callback):
    """Shows the cross table of the validation tracks as an image after each epoch.

    The triplets are drawn once, so that two epochs differ by the network alone. A set of conditions none of
    which owns a slice has no such table, and no image.

    Args:
        embedding: the network that trains.
        dataset: its split `valid` is embedded each epoch, the first 30 s of its first thousand tracks.
        conditions: of the model.
        log_dir: TensorBoard's folder of the run.
        count: triplets a condition.
        seed: of the triplets.
    """

    TRACKS, FRAMES = 1000, 1292  # at most: an image each epoch must not cost as much as the epoch

    def __init__(
        self,
        embedding: keras.Model,
        dataset: Dataset,
        conditions: Conditions,
        log_dir: str | Path,
        count: int = 2000,
        seed: int = 0,
    ):
        super().__init__()
        self.embedder, self.dataset, self.conditions = Embedder(embedding, dataset.features), dataset, conditions
        self.log_dir, self.count, self.seed = Path(log_dir), count, seed
        self._held_out = None

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.log_dir / "validation"), filename_suffix=".images")

    def on_epoch_end(self, epoch, logs=None):
        if not self.conditions.subspaces:
            return
        found = embed_split(
            self.embedder, self.dataset, "valid", track_progress=False, limit=self.TRACKS, frames=self.FRAMES
        )
        if self._held_out is None:
            self._held_out = hold_out(
                self.conditions,
                found.labels,
                found.window_track,
                found.window_start,
                self.count,
                self.seed,
                self.dataset.features,
            )
        views = Views.of_conditions(self.conditions, found.vectors.shape[1])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cross_table.png"
            plot_cross_table(cross_table(found, self._held_out, views), path)
            image = tf.io.decode_png(path.read_bytes(), channels=3)
        with self._writer.as_default():
            tf.summary.image("cross_table", image[None], step=epoch)
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()
