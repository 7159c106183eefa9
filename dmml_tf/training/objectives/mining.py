"""The mining graph: windows -> the distances of every two of them in every condition. Plain functional Keras.

model = build_mining_model(embedding, conditions)
model.compile(loss=MinedHinge("semi_hard"), metrics=mining_metrics(conditions, margin), weighted_metrics=[])
model.fit(batches)      # ({"windows": [B, 129, 128]}, relations int8 [C, B, B], weights [C])
"""

import ml_collections
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import mined_form
from dmml_tf.data.signal import Signal
from dmml_tf.models.masks import TINY
from dmml_tf.training.losses import MinedHinge
from dmml_tf.training.metrics import mining_metrics
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import learned_conditions, seen_under


@keras.utils.register_keras_serializable(package="dmml")
class EachCondition(keras.layers.Layer):
    """embeddings [B, E] -> [x [C, B, E], condition int32 [C]]: the batch once for each of `count` conditions."""

    def __init__(self, count: int, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def call(self, inputs):
        return [tf.tile(inputs[None], [self.count, 1, 1]), tf.range(self.count)]

    def compute_output_shape(self, input_shape):
        return [(self.count, *input_shape), (self.count,)]

    def get_config(self):
        return {**super().get_config(), "count": self.count}


@keras.utils.register_keras_serializable(package="dmml")
class PairDistances(keras.layers.Layer):
    """x [C, B, E] -> [C, B, B]: Euclidean (not squared) distance of every two rows; exactly 0 on the diagonal.

    Through inner products, so that no [C, B, B, E] is held: distances below 1e-3 are rounded to a few 1e-4.
    """

    def call(self, inputs):
        lengths = tf.reduce_sum(tf.square(inputs), axis=-1)
        squared = lengths[:, :, None] + lengths[:, None, :] - 2.0 * tf.matmul(inputs, inputs, transpose_b=True)
        squared = tf.linalg.set_diag(squared, tf.zeros_like(lengths))
        # As in `TripletDistances`: the square root's gradient at 0 is infinite.
        return tf.where(squared > TINY**2, tf.sqrt(tf.maximum(squared, TINY**2)), 0.0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1], input_shape[1])


def build_mining_model(
    embedding: keras.Model, conditions: Conditions, mask: str = "fixed", norm_order: str = "mask_then_norm"
) -> keras.Model:
    """Functional model over windows alone; arguments and errors as those of
    `dmml_tf.training.objectives.triplets.build_triplet_model`.

    Returns:
        Input `windows` float32 [B, ...], output float32 [C, B, B]: distances of rows and columns of the batch under
        each condition.
    """
    # --- inputs
    windows = keras.Input(embedding.input_shape[1:], name="windows")

    # --- layers
    x, condition = EachCondition(len(conditions), name="each_condition")(embedding(windows))
    x = seen_under(x, condition, conditions, embedding.output_shape[-1], mask, norm_order)
    distances = PairDistances(name="distances")(x)

    # --- functional model
    return keras.Model({"windows": windows}, distances, name="mining_network")


def mining_objective(
    config: ml_collections.ConfigDict,
    conditions: Conditions,
    embedding: keras.Model,
    signal: Signal,
    *,
    miner: str,
    margin: float,
) -> Objective:
    """All triplets of a batch that `miner` takes, and the hinge at `margin`; `config.batch.triplets` is not read."""
    return Objective(
        build_mining_model(embedding, conditions, config.mask, config.norm_order),
        mined_form(conditions, signal),
        MinedHinge(miner, margin),
        mining_metrics(conditions, margin),
        learned_conditions(config, conditions),
    )
