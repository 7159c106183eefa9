"""Miners: which negative each pair of anchor and positive of a batch is compared with, in one vectorised pass.

A miner is a function of distances [C, B, B] and two bool [C, B, B], `similar` and `dissimilar` (rows are anchors;
see `dmml_tf.data.relations`), each under C conditions at once. It gives

    negative  int32 [C, B, B]  row of the batch that (anchor, positive) is compared with
    chosen    bool [C, B, B]   which pairs count: those of similar windows whose anchor has a negative, or fewer

so that one loss serves them all. Nothing is larger than B x B a condition, and no loop runs over anchors. Where
distances are equal the earlier row is taken.
"""

from collections.abc import Callable

import tensorflow as tf

from tfrecords_tools.errors import UserError

FAR = 1e9  # stands for "not a candidate" among distances


def random_negatives(distances, similar, dissimilar):
    """For every pair a negative of its anchor at random: what the paper trains on.

    Drawn by the batch's own relations, so that one batch always gets the same: validation is comparable from epoch to
    epoch, and a resumed training sees what an uninterrupted one would.
    """
    del distances
    candidates = tf.argsort(tf.cast(~dissimilar, tf.int32), axis=-1, stable=True)
    count = tf.reduce_sum(tf.cast(dissimilar, tf.int32), axis=-1, keepdims=True)
    number = tf.reshape(tf.range(tf.size(similar)), tf.shape(similar))
    seed = tf.stack([tf.reduce_sum(tf.where(relation, number, 0)) for relation in (similar, dissimilar)])
    drawn = tf.cast(tf.random.stateless_uniform(tf.shape(similar), seed) * tf.cast(count, tf.float32), tf.int32)
    # The largest float below 1 times a count may round up to the count.
    drawn = tf.clip_by_value(drawn, 0, tf.maximum(count - 1, 0))
    return tf.gather(candidates, drawn, batch_dims=2), similar & (count > 0)


def semi_hard_negatives(distances, similar, dissimilar):
    """For every pair the nearest negative that is farther than the positive; the farthest one where none is.

    Schroff et al., CVPR 2015, section 3.2, as `tensorflow_addons.losses.TripletSemiHardLoss` reads it.
    """
    ordered, candidates, count = sorted_negatives(distances, dissimilar)
    farther = tf.minimum(_rank(ordered, distances, "right"), tf.maximum(count - 1, 0))
    return tf.gather(candidates, farther, batch_dims=2), similar & (count > 0)


def hard_negatives(distances, similar, dissimilar):
    """For every anchor its farthest positive and its nearest negative: one pair an anchor (Hermans et al., 2017)."""
    size = tf.shape(distances)[-1]
    nearest = tf.argmin(tf.where(dissimilar, distances, FAR), axis=-1, output_type=tf.int32)
    farthest = tf.argmax(tf.where(similar, distances, -FAR), axis=-1, output_type=tf.int32)
    chosen = tf.one_hot(farthest, size, on_value=True, off_value=False, dtype=tf.bool)
    able = tf.reduce_any(dissimilar, axis=-1, keepdims=True)
    return tf.broadcast_to(nearest[..., None], tf.shape(distances)), similar & chosen & able


MINERS: dict[str, Callable] = {
    "random": random_negatives,
    "semi_hard": semi_hard_negatives,
    "hard": hard_negatives,
}


def miner_by_name(name: str) -> Callable:
    """The miner of that name; `UserError` that lists the known ones otherwise."""
    if name not in MINERS:
        raise UserError(f"unknown mining '{name}'; known are: {', '.join(MINERS)}")
    return MINERS[name]


def sorted_negatives(distances: tf.Tensor, dissimilar: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Each anchor's negatives from near to far.

    Returns:
        their distances [C, B, B], filled up with `FAR`; their rows int32 [C, B, B]; how many, int32 [C, B, 1].
    """
    masked = tf.where(dissimilar, distances, FAR)
    candidates = tf.argsort(masked, axis=-1, stable=True)
    count = tf.reduce_sum(tf.cast(dissimilar, tf.int32), axis=-1, keepdims=True)
    return tf.gather(masked, candidates, batch_dims=2), candidates, count


def nearer_negatives(distances, dissimilar, margin: float = 0.0):
    """int32 [C, B, B]: how many negatives of the anchor are at most (with a margin: less than) as far as the positive.

    For `margin` 0, negatives with d(a, n) <= d(a, p), which a ranking counts as wrong; above 0, those with
    d(a, n) < d(a, p) + margin, whose loss is not zero. Over all pairs this counts all triplets of the batch.
    """
    ordered, _, _ = sorted_negatives(distances, dissimilar)
    return _rank(ordered, distances + margin, "left" if margin else "right")


def _rank(ordered, values, side: str):
    """int32 [C, B, B]: place of each value in the sorted row of its anchor."""
    size = tf.shape(ordered)[-1]
    places = tf.searchsorted(tf.reshape(ordered, [-1, size]), tf.reshape(values, [-1, size]), side)
    return tf.reshape(places, tf.shape(values))
