"""The callbacks in a real `fit`: what TensorBoard's event files and the projector's folder hold after it."""

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.pipeline import BatchPlan, triplet_dataset
from dmml_tf.pictures.callbacks import CrossTableImage
from dmml_tf.training.callbacks import EmbeddingSpread
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.metrics import triplet_metrics
from dmml_tf.training.objectives.triplets import build_triplet_model
from tests.dmml_tf.search.made import tiny_embedding
from tests.synthetic import write_dataset

CONDITIONS = Conditions([SharedTag("genre", width=4), Within("tempo", 30.0, width=3)])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """(log folder, embedding, dataset) after two epochs of one step."""
    folder = tmp_path_factory.mktemp("fitted")
    dataset = write_dataset(folder / "data", {"train": 12, "valid": 8}, frames=300)
    embedding = tiny_embedding(CONDITIONS.size)
    model = build_triplet_model(embedding, CONDITIONS)
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=TripletHinge(),
        metrics=triplet_metrics(CONDITIONS, 0.1),
        weighted_metrics=[],
    )
    batches = triplet_dataset(dataset, "train", CONDITIONS, BatchPlan(tracks=8, triplets=32, pool=12), 1, seed=0)
    logs = folder / "tensorboard"
    model.fit(
        batches,
        epochs=2,
        verbose=0,
        callbacks=[
            EmbeddingSpread(embedding, np.random.default_rng(0).uniform(size=(4, 129, 128)).astype(np.float32)),
            CrossTableImage(embedding, dataset, CONDITIONS, logs, count=40),
            keras.callbacks.TensorBoard(str(logs), profile_batch=0, write_graph=False),
        ],
    )
    return logs, embedding, dataset


def events(folder) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


@pytest.mark.slow
def test_spread_active_share_and_accuracies_are_scalars_of_every_epoch(fitted):
    found = events(fitted[0] / "train")
    for name in ("epoch_loss", "epoch_spread", "epoch_active", "epoch_accuracy_genre", "epoch_d_ap"):
        values = [tf.make_ndarray(event.tensor_proto) for event in found.Tensors(name)]
        assert len(values) == 2 and np.isfinite(values).all(), name


def test_the_cross_table_is_an_image_of_every_epoch(fitted):
    images = events(fitted[0] / "validation").Tensors("cross_table")
    assert [image.step for image in images] == [0, 1]
    width, height, png = tf.make_ndarray(images[1].tensor_proto)
    pixels = tf.io.decode_png(png).numpy()
    assert pixels.shape == (int(height), int(width), 3) and np.ptp(pixels) > 200


def test_no_table_where_no_condition_owns_a_slice(fitted, tmp_path):
    _, embedding, dataset = fitted
    callback = CrossTableImage(embedding, dataset, Conditions([SharedTag("genre", width=0)]), tmp_path)
    callback.on_train_begin()
    callback.on_epoch_end(0)
    callback.on_train_end()
    assert "cross_table" not in events(tmp_path / "validation").Tags()["tensors"]
