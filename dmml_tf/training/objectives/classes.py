"""The sequel's two alternatives to triplets: tags are learned directly, and the sub-spaces come with them.

Source: Lee et al., ISMIR 2020 (proxy-based learning and normalised classification, each disentangled).
"""

from collections.abc import Mapping

import ml_collections
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import tag_form
from dmml_tf.data.signal import Signal
from dmml_tf.models.masks import UnitLength
from dmml_tf.training.losses import TagCrossentropy
from dmml_tf.training.metrics import TagAccuracy
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import learned_conditions
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

layers = keras.layers

# Where a tag's vector begins. In the sequel a proxy is a vector of the embedding's own space, a class a row of weights.
HEADS = {"proxy": "random_normal", "classification": "glorot_uniform"}


@keras.utils.register_keras_serializable(package="dmml")
class SubSpace(keras.layers.Layer):
    """embeddings [B, E] -> [B, width] from number `start` on."""

    def __init__(self, start: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.start, self.width = start, width

    def call(self, inputs):
        return inputs[:, self.start : self.start + self.width]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.width)

    def get_config(self):
        return {**super().get_config(), "start": self.start, "width": self.width}


def build_tag_model(
    embedding: keras.Model, conditions: Conditions, tags: Mapping[str, int], head: str = "proxy"
) -> keras.Model:
    """Functional model from windows to the tags of each condition: logit of tag z = x / |x| . p_z.

    x is the condition's slice of the embedding (all of it for a condition of width 0, the sequel's form without
    disentanglement), p_z a learned vector of its length, without bias. The sequel's classification puts a dense
    layer of 64 for each dimension before this; the slices of the embedding network's last dense layer are those
    layers side by side, so that `proxy` and `classification` differ in how p_z begins alone, and the embedding is
    searched in one way.

    Args:
        embedding: network from a window to [batch, E].
        conditions: of kind `shared_tag`.
        tags: number of tags by column name.
        head: `proxy` or `classification`.

    Returns:
        Input `windows`, output {condition name: logits float32 [batch, tags]}; its loss is
        `dmml_tf.training.losses.TagCrossentropy` for each.

    Raises:
        UserError: on another head, or a condition that has no tags.
    """
    if head not in HEADS:
        raise UserError(f"unknown head '{head}'; known are: {', '.join(HEADS)}")
    for condition in conditions:
        if not condition.reads_tags or condition.column not in tags:
            raise UserError(
                f"head '{head}' learns tags, and condition '{condition.name}' has none; leave it out of config.order"
            )
    size = embedding.output_shape[-1]
    conditions.masks(size)  # refuses widths that do not add up

    # --- layers
    windows = keras.Input(embedding.input_shape[1:], name="windows")
    x, logits = embedding(windows), {}
    for condition in conditions:
        owned = conditions.subspaces.get(condition.name, slice(0, size))
        unit = UnitLength(name=f"unit_{condition.name}")(
            SubSpace(owned.start, owned.stop - owned.start, name=f"space_{condition.name}")(x)
        )
        logits[condition.name] = layers.Dense(
            tags[condition.column], use_bias=False, kernel_initializer=HEADS[head], name=condition.name
        )(unit)

    # --- functional model
    return keras.Model({"windows": windows}, logits, name="tag_network")


def tag_objective(
    config: ml_collections.ConfigDict, conditions: Conditions, embedding: keras.Model, signal: Signal, dataset: Dataset
) -> Objective:
    """`config.objective.name` (`proxy` or `classification`) on the tags of every condition, each in its slice.

    With `config.mask` "none" every condition's tags are learned in the whole space (no disentanglement).
    """
    tags = {name: len(vocabulary) for name, vocabulary in dataset.schema.vocabularies.items()}
    conditions = learned_conditions(config, conditions)
    return Objective(
        build_tag_model(embedding, conditions, tags, config.objective.name),
        tag_form(conditions, tags, signal),
        {name: TagCrossentropy() for name in conditions.names},
        {name: [TagAccuracy()] for name in conditions.names},
        conditions,
        {condition.name: condition.weight for condition in conditions},
    )
