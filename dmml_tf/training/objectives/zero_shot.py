"""Tags by what is known of them: windows are drawn to the vectors of their tags, and unseen tags can be asked for.

Audio tower and tag tower: a window and a tag's vector meet in the sub-space of the tag's condition.
Source: Choi, Lee, Park, Nam, ISMIR 2019: cosines of both towers, hinge with margin 0.4. That a tag of column c is
compared in c's slice of the embedding alone is the disentangled form of it.
"""

from pathlib import Path

import ml_collections
import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import Form
from dmml_tf.data.signal import LOG_MEL, Signal
from dmml_tf.data.windows import Windows
from dmml_tf.models.masks import ConditionMask, UnitLength
from dmml_tf.training.losses import CosineHinge
from dmml_tf.training.metrics import zero_shot_metrics
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import learned_conditions
from dmml_tf.zero_shot.pairs import draw_tag_pairs
from dmml_tf.zero_shot.tower import TagTower
from dmml_tf.zero_shot.vectors import TagVectors, build_tag_vectors, held_out_tags
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

TOWER = "tag_tower"  # the layer whose weights are all that a search by tag needs


@keras.utils.register_keras_serializable(package="dmml")
class WindowBesideTags(keras.layers.Layer):
    """[x [B, E], window int32 [T], tags [T, 2, E]] -> [T, 3, E]: a pair's window, its positive and its negative tag."""

    def call(self, inputs):
        x, window, tags = inputs
        return tf.concat([tf.gather(x, window)[:, None], tags], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[2][0], 3, input_shape[0][-1])


@keras.utils.register_keras_serializable(package="dmml")
class Cosines(keras.layers.Layer):
    """Unit vectors x [T, 3, E] -> [T, 2]: cosine of the first with the second and with the third."""

    def call(self, inputs):
        return tf.reduce_sum(inputs[:, :1] * inputs[:, 1:], axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)


def build_zero_shot_model(embedding: keras.Model, conditions: Conditions, tag_size: int) -> keras.Model:
    """Functional model from windows and vectors of tags to cosines.

    The tag tower is one dense layer to the embedding's size; under a condition's mask it is a layer of its own to that
    condition's sub-space.

    Args:
        embedding: network from a window to [batch, E].
        conditions: of kind `shared_tag`; their widths must add up to E (or all be 0: one common space).
        tag_size: numbers D of a tag's vector.

    Returns:
        Inputs `windows` float32 [B, ...], `window` int32 [T] (rows of `windows`), `condition` int32 [T], `tags`
        float32 [T, 2, D] (positive, negative); output float32 [T, 2]: cos(a, t+) and cos(a, t-).

    Raises:
        UserError: on a condition that has no tags, or widths that do not add up.
    """
    for condition in conditions:
        if not condition.reads_tags:
            raise UserError(
                f"objective 'zero_shot' learns tags, and condition '{condition.name}' has none; leave it "
                "out of config.order"
            )
    size = embedding.output_shape[-1]
    masks = conditions.masks(size)

    # --- inputs
    windows = keras.Input(embedding.input_shape[1:], name="windows")
    window = keras.Input((), name="window", dtype="int32")
    condition = keras.Input((), name="condition", dtype="int32")
    tags = keras.Input((2, tag_size), name="tags")

    # --- layers
    towers = WindowBesideTags(name="window_beside_tags")(
        [embedding(windows), window, keras.layers.Dense(size, name=TOWER)(tags)]
    )
    seen = UnitLength(name="unit_length")(ConditionMask(masks, name="mask")([towers, condition]))

    # --- functional model
    inputs = {"windows": windows, "window": window, "condition": condition, "tags": tags}
    return keras.Model(inputs, Cosines(name="cosines")(seen), name="zero_shot_network")


def zero_shot_objective(
    config: ml_collections.ConfigDict,
    conditions: Conditions,
    embedding: keras.Model,
    signal: Signal,
    dataset: Dataset,
    *,
    margin: float,
) -> Objective:
    """`config.batch.triplets` pairs of a window and two tags a batch, and the hinge at `margin`.

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
    model = build_zero_shot_model(embedding, conditions, vectors.size)

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
        for number, asked in enumerate(conditions):
            tags[condition == number] = vectors.columns[asked.column][pairs[condition == number]]
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
