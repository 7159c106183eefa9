"""Triplets, and a teacher to copy: each sub-space must let a linear layer say what another network heard.

The teacher's numbers teach in every window what triplets teach by comparison, so that a network learns in a fraction of
the steps. Songs that it did not hear teach so by their labels. The layers are left behind: the embedding alone is kept.
"""

import dataclasses
import types
from collections.abc import Mapping, Sequence

import ml_collections
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.signal import Signal
from dmml_tf.data.taught import taught_form
from dmml_tf.data.told import told_widths
from dmml_tf.models.masks import GatherTriplets, TripletDistances
from dmml_tf.models.replicas import mean_over_replicas
from dmml_tf.spaces import WHOLE
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.metrics import triplet_metrics
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import learned_conditions, seen_under
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.teacher import NO_TEACHER, Teacher


@keras.utils.register_keras_serializable(package="dmml")
class TeacherLoss(keras.layers.Layer):
    """Adds the squared error of one linear layer's copy of what a teacher heard; gives the embeddings on as they are.

    Inputs: embeddings [B, E] and heard [B, D]. The layer sees the sub-space at unit length times the square root of its
    width, so that its inputs are about 1. Rows of NaN, of songs that the teacher did not hear, count as nothing.

    Args:
        start, stop: the sub-space, numbers of the embedding.
        first, last: the teacher's space, numbers of `heard`.
        weight: of the mean squared error.
    """

    def __init__(self, start: int, stop: int, first: int, last: int, weight: float, **kwargs):
        super().__init__(**kwargs)
        self.start, self.stop, self.first, self.last, self.weight = start, stop, first, last, weight

    def build(self, input_shape):
        shape = (self.stop - self.start, self.last - self.first)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        embeddings, heard = inputs
        unit = tf.math.l2_normalize(embeddings[:, self.start : self.stop], axis=1)
        copy = (self.stop - self.start) ** 0.5 * unit @ self.kernel + self.bias
        wanted = heard[:, self.first : self.last]
        known = tf.cast(~tf.math.is_nan(wanted), tf.float32)
        error = tf.square(copy - tf.where(known > 0, wanted, 0.0)) * known
        self.add_loss(mean_over_replicas(self.weight * tf.reduce_sum(error), tf.reduce_sum(known)))
        return embeddings

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        fields = ("start", "stop", "first", "last", "weight")
        return {**super().get_config(), **{field: getattr(self, field) for field in fields}}


@dataclasses.dataclass(frozen=True)
class Copy:
    """Numbers that a linear layer on a part of the embedding copies.

    Attributes:
        name: of the layer.
        space: condition whose sub-space the layer sees, or `whole`.
        width: D, numbers that it copies.
        weight: of the mean squared error.
    """

    name: str
    space: str
    width: int
    weight: float


def taught_objective(
    config: ml_collections.ConfigDict,
    conditions: Conditions,
    embedding: keras.Model,
    signal: Signal,
    dataset: Dataset,
    *,
    margin: float,
    file: str = "",
    weights: Mapping[str, float] = types.MappingProxyType({}),
    labels: Mapping[str, float] | None = None,
) -> Objective:
    """Triplets and the hinge at `margin`, by the teacher's own distances where it has heard both; and its copy.

    Args:
        config: of the training; `config.mask` must be fixed.
        conditions, embedding, signal, dataset: as of the other objectives.
        margin: of the hinge.
        file: see `tfrecords_tools.sources.teacher`; without one nothing is copied but labels.
        weights: space of the teacher -> weight of its copy's error. A space with a condition's name belongs to its
            sub-space, `whole` to all of the embedding.
        labels: condition -> weight of the error of a copy of its labels, in songs that the teacher did not hear; see
            `dmml_tf.data.told`.

    Raises:
        UserError: as `Teacher.load`, on a space that the teacher or the model does not have, and as `told_widths`.
    """
    if config.mask != "fixed":
        raise UserError(
            f"objective 'taught' takes config.mask fixed, not '{config.mask}': a teacher's space is a slice"
        )
    teacher, labels = Teacher.load(file) if file else NO_TEACHER, labels or {}
    owned = [*conditions.subspaces, WHOLE]
    for name in weights:
        if name not in teacher.widths or name not in owned:
            raise UserError(
                f"config.objective.weights: no space '{name}'; {file or 'no teacher'} has "
                f"{', '.join(teacher.widths)}, the model {', '.join(owned)}"
            )
    tags = {name: len(vocabulary) for name, vocabulary in dataset.schema.vocabularies.items()}
    told = told_widths(conditions, tags, labels)
    copies = [Copy(f"teacher_{n}", n, width, weights[n]) for n, width in teacher.widths.items() if n in weights]
    copies += [Copy(f"labels_{n}", n, width, labels[n]) for n, width in told.items()]
    return Objective(
        build_taught_model(embedding, conditions, copies, config.norm_order),
        taught_form(conditions, config.batch.triplets, teacher, signal, weights, told),
        TripletHinge(margin),
        triplet_metrics(conditions, margin),
        learned_conditions(config, conditions),
    )


def build_taught_model(
    embedding: keras.Model, conditions: Conditions, copies: Sequence[Copy], norm_order: str = "mask_then_norm"
) -> keras.Model:
    """`dmml_tf.training.objectives.triplets.build_triplet_model` with one input more.

    Args:
        embedding, conditions, norm_order: as there; masks are fixed.
        copies: what is copied, in the order of the numbers of `heard`.

    Returns:
        Inputs `windows`, `triplets`, `condition` and `heard` float32 [B, D]; output float32 [T, 2].
    """
    size = embedding.output_shape[-1]
    owned = {**conditions.subspaces, WHOLE: slice(0, size)}

    # --- inputs
    windows = keras.Input(embedding.input_shape[1:], name="windows")
    triplets = keras.Input((3,), dtype="int32", name="triplets")
    condition = keras.Input((), dtype="int32", name="condition")
    heard = keras.Input((sum(copy.width for copy in copies),), name="heard")

    # --- layers
    x, first = embedding(windows), 0
    for copy in copies:
        space, last = owned[copy.space], first + copy.width
        x = TeacherLoss(space.start, space.stop, first, last, copy.weight, name=copy.name)([x, heard])
        first = last
    x = GatherTriplets(name="gather")([x, triplets])
    x = seen_under(x, condition, conditions, size, "fixed", norm_order)
    distances = TripletDistances(name="distances")(x)

    # --- functional model
    inputs = {"windows": windows, "triplets": triplets, "condition": condition, "heard": heard}
    return keras.Model(inputs, distances, name="taught_network")
