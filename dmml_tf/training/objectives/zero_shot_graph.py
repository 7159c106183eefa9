"""Audio tower and tag tower: a window and a tag's vector meet in the sub-space of the tag's condition.

Source: Choi, Lee, Park, Nam, ISMIR 2019: cosines of both towers, hinge with margin 0.4. That a tag of column c is
compared in c's slice of the embedding alone is the disentangled form of it.
"""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.models.masks import ConditionMask, UnitLength
from dmml_tf.training.metrics import ActiveShare, ConditionAccuracy, MeanDistance
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


class CosineHinge(keras.losses.Loss):
    """max(0, margin - cos(a, t+) + cos(a, t-)), one value a pair (Choi et al., ISMIR 2019, equation 1).

    `y_true` is the condition int [T] (unused here; the metrics read it), `y_pred` float [T, 2] the cosines.

    Args:
        margin: the paper's 0.4.
    """

    def __init__(self, margin: float = 0.4, name: str = "cosine_hinge", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        del y_true
        return tf.maximum(0.0, self.margin - y_pred[:, 0] + y_pred[:, 1])

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


class CosineAccuracy(ConditionAccuracy):
    """Share of one condition's pairs with cos(a, t+) > cos(a, t-); chance is 0.5, a tie counts as wrong."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, 1.0 - y_pred)


class ActiveCosines(ActiveShare):
    """Share of pairs whose `CosineHinge` is above 0."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, 1.0 - y_pred)


class MeanCosineDistance(MeanDistance):
    """Mean of 1 - cosine of one column: 0 = positive, 1 = negative; 0 to 2."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, 1.0 - y_pred)


def zero_shot_metrics(conditions: Conditions, margin: float) -> list[keras.metrics.Metric]:
    """The metrics for `compile`, so that a collapse is noticed, under the names of `triplet_metrics`.

    Accuracy per condition, active share, mean of 1 - cos(a, t+) and of 1 - cos(a, t-).
    """
    accuracies = [CosineAccuracy(number, f"accuracy_{name}") for number, name in enumerate(conditions.names)]
    return [*accuracies, ActiveCosines(margin), MeanCosineDistance(0, "d_ap"), MeanCosineDistance(1, "d_an")]
