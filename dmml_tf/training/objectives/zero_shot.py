"""Tags by what is known of them: windows are drawn to the vectors of their tags, and unseen tags can be asked for."""

from pathlib import Path

import ml_collections
import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import Form
from dmml_tf.data.signal import LOG_MEL, Signal
from dmml_tf.data.windows import Windows
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import learned_conditions
from dmml_tf.training.objectives.zero_shot_graph import TOWER, CosineHinge, build_zero_shot_model, zero_shot_metrics
from dmml_tf.zero_shot.pairs import draw_tag_pairs
from dmml_tf.zero_shot.tower import TagTower
from dmml_tf.zero_shot.vectors import TagVectors, build_tag_vectors, held_out_tags
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError


def zero_shot_objective(
    config: ml_collections.ConfigDict, conditions: Conditions, embedding: keras.Model, signal: Signal, dataset: Dataset
) -> Objective:
    """`config.batch.triplets` pairs of a window and two tags a batch, hinge of `config.train.margin`.

    `config.zero_shot` says where the tags' vectors are from (`words`, or `size` and `bins` of the co-occurrence) and
    what is held out, see `dmml_tf.zero_shot.vectors`. With `config.mask` "none" all tags share the whole space.

    Raises:
        UserError: on a condition without a vocabulary, and as those functions do.
    """
    vocabularies, settings = dataset.schema.vocabularies, config.zero_shot
    conditions = learned_conditions(config, conditions)
    columns = _tag_columns(conditions, vocabularies)
    unknown = sorted(set(settings.held_out) - {config.conditions[name].get("column", name) for name in config.order})
    if unknown:
        raise UserError(
            f"config.zero_shot.held_out.{unknown[0]}: no condition of config.order reads that column; "
            f"trained are: {', '.join(columns)}"
        )
    vectors = build_tag_vectors(dataset, columns, settings.words, settings.size, settings.bins)
    held_out = held_out_tags(settings.held_out, vocabularies, vectors, config.seed)
    model, margin = build_zero_shot_model(embedding, conditions, vectors.size), config.train.margin

    def save(folder: Path) -> None:
        kernel, bias = model.get_layer(TOWER).get_weights()
        TagTower(kernel, bias, {name: vocabularies[name] for name in columns}, vectors, held_out).save(folder)

    return Objective(
        model,
        zero_shot_form(conditions, vectors, held_out_mask(vocabularies, held_out), config.batch.triplets, signal),
        CosineHinge(margin),
        zero_shot_metrics(conditions, margin),
        conditions,
        save=save,
    )


def zero_shot_form(
    conditions: Conditions, vectors: TagVectors, held_out: dict[str, np.ndarray], count: int, signal: Signal = LOG_MEL
) -> Form:
    """Pairs of a window and two tags: `({"windows", "window", "condition", "tags"}, condition, weights)`.

    Args:
        vectors: of the tags.
        held_out: column -> bool [tags].
        count: pairs a batch.
    """
    weights = np.array([condition.weight for condition in conditions], np.float32)
    seen = {column: vectors.known(column) & ~held_out[column] for column in vectors.columns}

    def make(windows: Windows, rng: np.random.Generator):
        window, condition, pairs = draw_tag_pairs(conditions, windows.labels, seen, held_out, count, rng)
        if not len(window):
            return None
        tags = np.empty((*pairs.shape, vectors.size), np.float32)
        for number, one in enumerate(conditions):
            tags[condition == number] = vectors.columns[one.column][pairs[condition == number]]
        inputs = {"windows": windows.sound, "window": window, "condition": condition, "tags": tags}
        return inputs, condition, weights[condition]

    numbers = tf.TensorSpec((None,), tf.int32)
    inputs = {
        "windows": tf.TensorSpec((None, *signal.shape), tf.float32),
        "window": numbers,
        "condition": numbers,
        "tags": tf.TensorSpec((None, 2, vectors.size), tf.float32),
    }
    return Form(
        signal,
        (inputs, numbers, tf.TensorSpec((None,), tf.float32)),
        make,
        "pair of tags",
        "each needs tracks with a tag that is not held out, beside another such tag that they lack",
    )


def held_out_mask(vocabularies, held_out) -> dict[str, np.ndarray]:
    """Column -> bool [tags], from column -> names of the held-out tags."""
    return {column: np.array([tag in names for tag in vocabularies[column]]) for column, names in held_out.items()}


def _tag_columns(conditions: Conditions, vocabularies) -> list[str]:
    for condition in conditions:
        if not condition.reads_tags or condition.column not in vocabularies:
            raise UserError(
                f"objective 'zero_shot' learns tags, and condition '{condition.name}' has none; leave it "
                "out of config.order"
            )
    return list(dict.fromkeys(condition.column for condition in conditions))
