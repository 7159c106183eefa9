"""Trains the last layers of a network with the frontend `musicnn`, on features that were heard once.

Everything up to musicnn's 400 features stays as it is, so that no song need be heard at a step: hearing a window costs
50 ms of a core, a step on the features of 128 windows 100. The layers behind the features are those of
`build_embedding`, trained in their place by the paper's triplets and hinge.
"""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, Labels, SameTrack, SharedTag, Within
from dmml_tf.data.records import label_arrays, repeat_labels
from dmml_tf.data.triplets import draw_batch
from dmml_tf.embed.split import label_rows
from dmml_tf.heads.songs import Heard
from dmml_tf.models.embedding import build_embedding
from dmml_tf.pretrained.unpack import CONFIG_FILE
from dmml_tf.run import Run
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.objectives.triplets import build_triplet_model
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.files import write_json
from tfrecords_tools.program import progress

NAME = "pretrained_musicnn"
CONDITIONS = Conditions(
    [
        SharedTag("genre", width=64),
        SharedTag("mood", width=64),
        SharedTag("instrument", width=64),
        Within("tempo", 5.0, width=64, octave=True),  # the tracker modules' tempos are right up to a factor of two
        SameTrack("track", weight=0.5, width=0),
    ]
)
NETWORK: dict[str, Any] = {"frontend": "musicnn", "size": CONDITIONS.size, "offset": False}


@dataclasses.dataclass(frozen=True)
class HeadsPlan:
    """How heads are trained.

    Attributes:
        steps: of the training.
        tracks: songs in a batch.
        windows: of each song in a batch, 2 or more.
        triplets: drawn from a batch, over all conditions.
        learning_rate: to begin with; it falls to zero along a cosine.
        margin: of the hinge.
        dropout: share of the features that a step does not see.
        seed: of every choice.
    """

    steps: int = 1000
    tracks: int = 64
    windows: int = 2
    triplets: int = 4096
    learning_rate: float = 1e-3
    margin: float = 0.1
    dropout: float = 0.5
    seed: int = 0


PLAN = HeadsPlan()


def train_heads(dataset: Dataset, heard: Heard, folder: str | os.PathLike, plan: HeadsPlan = PLAN) -> Run:
    """Trains heads on the songs of the train split that were heard, and writes a run folder.

    The run has the dataset's signal chain, of which its frontend takes the samples. Where that brings songs to one
    loudness, musicnn hears them softer or louder there than in `heard`: see docs/pretrained.md for what that costs.

    Args:
        dataset: holds the labels; its records are read for no sound.
        heard: what musicnn heard in its songs, as loud as they are.
        folder: the run's folder.
        plan: the training.

    Raises:
        UserError: if `musicnn` is not installed, the data lack a condition's column, or too few songs were heard.
    """
    _require_columns(dataset)
    rows = [row for row in label_rows(dataset, "train") if heard.count(row["track_id"]) >= plan.windows]
    if len(rows) < plan.tracks:
        raise UserError(
            f"{dataset.folder}: musicnn heard {len(rows)} songs of its train split for {3 * plan.windows} s or more; "
            f"{plan.tracks} are needed"
        )
    keras.utils.set_random_seed(plan.seed)
    network = build_embedding(**NETWORK, features=dataset.features)
    model = build_triplet_model(_trained_part(network, plan.dropout), CONDITIONS)
    rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, plan.steps)
    model.compile(keras.optimizers.Adam(rate), TripletHinge(plan.margin), jit_compile=False)
    places = [heard.rows(row["track_id"]) for row in rows]
    labels = label_arrays(dataset.schema, rows)
    model.fit(_stream(heard.features, places, labels, plan), verbose=0)
    run = Run(Path(folder), CONDITIONS, NETWORK, dataset.features, dataset.schema, str(dataset.folder), name=NAME)
    run.save(network)
    config = {"songs": len(rows), "conditions": CONDITIONS.to_json(), **dataclasses.asdict(plan)}
    write_json(run.folder / CONFIG_FILE, config)
    return run


def _trained_part(network: keras.Model, dropout: float) -> keras.Model:
    """Features float32 [batch, 400] -> embedding, by the network's own layers behind them."""
    features = keras.Input(network.get_layer("musicnn_scale").input.shape[1:])
    x = network.get_layer("musicnn_scale")(features)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(features, network.get_layer("embedding")(network.get_layer("dense")(x)))


def _stream(
    features: np.ndarray, places: Sequence[tuple[int, int]], labels: Labels, plan: HeadsPlan
) -> tf.data.Dataset:
    size = features.shape[1]
    inputs = {
        "windows": tf.TensorSpec((None, size), tf.float32),
        "triplets": tf.TensorSpec((None, 3), tf.int32),
        "condition": tf.TensorSpec((None,), tf.int32),
    }
    tensors = (inputs, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32))
    return tf.data.Dataset.from_generator(
        lambda: progress(draw_batches(features, places, labels, plan), plan.steps, "steps"), output_signature=tensors
    ).prefetch(2)


def draw_batches(
    features: np.ndarray, places: Sequence[tuple[int, int]], labels: Labels, plan: HeadsPlan
) -> Iterator[tuple[Any, ...]]:
    """The batches of a training: songs drawn without favour, and different windows of each.

    Args:
        features: float32 [rows, F].
        places: of each of N songs its first row and the one behind its last.
        labels: columns of the N songs.
        plan: sizes, and the seed.

    Yields:
        `plan.steps` batches of the contract of `dmml_tf.data.pipeline`, a window being features float32 [F].
    """
    rng = np.random.default_rng(plan.seed)
    weights = np.array([condition.weight for condition in CONDITIONS], np.float32)
    for _ in range(plan.steps):
        songs = np.repeat(rng.choice(len(places), plan.tracks, replace=False), plan.windows)
        rows = np.concatenate(
            [rng.choice(np.arange(*places[song]), plan.windows, replace=False) for song in songs[:: plan.windows]]
        )
        # Side by side, so that no two windows of a song overlap.
        start = (rows - np.array([places[song][0] for song in songs])) * PAPER_CHAIN.window_frames
        triplets, condition = draw_batch(CONDITIONS, repeat_labels(labels, songs, start), plan.triplets, rng)
        yield {"windows": features[rows], "triplets": triplets, "condition": condition}, condition, weights[condition]


def _require_columns(dataset: Dataset) -> None:
    known = {*dataset.schema.vocabularies, *dataset.schema.values}
    for condition in CONDITIONS:
        if condition.by_label and condition.column not in known:
            raise UserError(f"{dataset.folder}: has no column '{condition.column}', which the heads learn from")
