"""Trains the last layers of a network, on features that were heard once: musicnn's, or those of a trained body.

Everything up to the features stays as it is, so that no song need be heard at a step: musicnn hears a window in 50 ms
of a core, a step on the features of 128 windows takes 100. The layers behind the features are those of
`build_embedding`, trained in their place by the paper's triplets and hinge.
"""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, Labels, SameTrack, SharedTag, Within
from dmml_tf.data.label_check import check_conditions
from dmml_tf.data.records import label_arrays, repeat_labels
from dmml_tf.data.triplets import draw_batch
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split, label_rows
from dmml_tf.heads.join import join_tower, require_beside
from dmml_tf.heads.parts import body_part, head_part
from dmml_tf.heads.songs import Heard
from dmml_tf.models.embedding import build_embedding
from dmml_tf.pretrained.unpack import CONFIG_FILE
from dmml_tf.run import WEIGHTS_FILE, Run
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
# Fewer features than musicnn's 400, which begin where the body's own training left their layers.
BODY_PLAN = HeadsPlan(learning_rate=5e-3)


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
    places = [heard.rows(row["track_id"]) for row in rows]
    labels = label_arrays(dataset.schema, rows)
    _fit(_trained_part(network, plan.dropout), CONDITIONS, heard.features, places, labels, plan)
    run = Run(Path(folder), CONDITIONS, NETWORK, dataset.features, dataset.schema, dataset.place, name=NAME)
    run.save(network)
    config = {"songs": len(rows), "conditions": CONDITIONS.to_json(), **dataclasses.asdict(plan)}
    write_json(run.folder / CONFIG_FILE, config)
    return run


def train_heads_on_body(
    body: Run, dataset: Dataset, folder: str | os.PathLike, plan: HeadsPlan = BODY_PLAN, tower: Run | None = None
) -> Run:
    """Trains the last layers of a trained run anew, by triplets alone, and writes another run folder.

    What a body learned by other objectives, such as a teacher's copies, is put in order by the labels of whole songs.

    Args:
        body: the trained run, which stays as it is; its conditions are those of the heads.
        dataset: holds the labels, and the sound in its records, of the body's signal chain.
        folder: the new run's.
        plan: the training.
        tower: a trained run that is put beside it afterwards, as it is, and whose conditions are added: see
            `dmml_tf.heads.join`.

    Raises:
        UserError: if the folder is the body's or the tower's, their masks were learned, a file of theirs cannot be
            read, they do not fit each other, some condition has no triplet, or too few songs are long enough.
    """
    parts = {"body": body, **({"tower": tower} if tower else {})}
    for name, part in parts.items():
        part.require_slices()
        if Path(folder).resolve() == part.folder.resolve():
            raise UserError(
                f"{folder}: is the folder of the {name} itself, which stays as it is; name another with --run"
            )
    trained = {name: _config_of(part) for name, part in parts.items()}
    digests = {f"{name}_sha256": part.weights_sha256() for name, part in parts.items()}
    if tower:
        require_beside(body, tower)
    network = body.embedding()
    check_conditions(dataset, "train", body.conditions, triplets=True)
    keras.utils.set_random_seed(plan.seed)
    heard = embed_split(Embedder(body_part(network), body.features), dataset, "train")
    ends = np.cumsum(np.bincount(heard.window_track, minlength=len(heard.ids)))
    places = list(zip(np.concatenate([[0], ends[:-1]]), ends))
    long = np.array([end - begin >= plan.windows for begin, end in places])
    if long.sum() < plan.tracks:
        raise UserError(
            f"{dataset.folder}: {long.sum()} songs of its train split last {3 * plan.windows} s or more; {plan.tracks} "
            "are needed"
        )
    labels = {name: column[long] for name, column in heard.labels.items()}
    places = [place for place, kept in zip(places, long) if kept]
    _fit(head_part(network, plan.dropout), body.conditions, heard.windows, places, labels, plan, body.norm_order)
    run = dataclasses.replace(body, folder=Path(folder), dataset=dataset.place, weights=WEIGHTS_FILE)
    run, network = join_tower(run, network, tower) if tower else (run, network)
    run.save(network)
    heads = {"songs": len(places), **digests, **dataclasses.asdict(plan)}
    towers = {"tower": trained["tower"]} if tower else {}
    write_json(run.folder / CONFIG_FILE, {**trained["body"], **towers, "heads": heads})
    return run


def _config_of(run: Run) -> dict[str, Any]:
    path = run.folder / CONFIG_FILE
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); train the run again") from error
    return config


def _fit(
    part: keras.Model,
    conditions: Conditions,
    features: np.ndarray,
    places: Sequence[tuple[int, int]],
    labels: Labels,
    plan: HeadsPlan,
    norm_order: str = "mask_then_norm",
) -> None:
    model = build_triplet_model(part, conditions, norm_order=norm_order)
    rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, plan.steps)
    model.compile(keras.optimizers.Adam(rate), TripletHinge(plan.margin), jit_compile=False)
    model.fit(_stream(features, places, labels, plan, conditions), verbose=0)


def _trained_part(network: keras.Model, dropout: float) -> keras.Model:
    """Features float32 [batch, 400] -> embedding, by the network's own layers behind them."""
    features = keras.Input(network.get_layer("musicnn_scale").input.shape[1:])
    x = network.get_layer("musicnn_scale")(features)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(features, network.get_layer("embedding")(network.get_layer("dense")(x)))


def _stream(
    features: np.ndarray, places: Sequence[tuple[int, int]], labels: Labels, plan: HeadsPlan, conditions: Conditions
) -> tf.data.Dataset:
    size = features.shape[1]
    inputs = {
        "windows": tf.TensorSpec((None, size), tf.float32),
        "triplets": tf.TensorSpec((None, 3), tf.int32),
        "condition": tf.TensorSpec((None,), tf.int32),
    }
    tensors = (inputs, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32))
    return tf.data.Dataset.from_generator(
        lambda: progress(draw_batches(features, places, labels, plan, conditions), plan.steps, "steps"),
        output_signature=tensors,
    ).prefetch(2)


def draw_batches(
    features: np.ndarray, places: Sequence[tuple[int, int]], labels: Labels, plan: HeadsPlan, conditions: Conditions
) -> Iterator[tuple[Any, ...]]:
    """The batches of a training: songs drawn without favour, and different windows of each.

    Args:
        features: float32 [rows, F].
        places: of each of N songs its first row and the one behind its last.
        labels: columns of the N songs.
        plan: sizes, and the seed.
        conditions: of the triplets.

    Yields:
        `plan.steps` batches of the contract of `dmml_tf.data.pipeline`, a window being features float32 [F].
    """
    rng = np.random.default_rng(plan.seed)
    weights = np.array([condition.weight for condition in conditions], np.float32)
    for _ in range(plan.steps):
        songs = np.repeat(rng.choice(len(places), plan.tracks, replace=False), plan.windows)
        rows = np.concatenate(
            [rng.choice(np.arange(*places[song]), plan.windows, replace=False) for song in songs[:: plan.windows]]
        )
        # Side by side, so that no two windows of a song overlap.
        start = (rows - np.array([places[song][0] for song in songs])) * PAPER_CHAIN.window_frames
        triplets, condition = draw_batch(conditions, repeat_labels(labels, songs, start), plan.triplets, rng)
        yield {"windows": features[rows], "triplets": triplets, "condition": condition}, condition, weights[condition]


def _require_columns(dataset: Dataset) -> None:
    known = {*dataset.schema.vocabularies, *dataset.schema.values}
    for condition in CONDITIONS:
        if condition.by_label and condition.column not in known:
            raise UserError(f"{dataset.folder}: has no column '{condition.column}', which the heads learn from")
