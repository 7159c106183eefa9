"""Sums and means over the replicas that compute a step together; of one batch where there is but one.

Keras takes the mean of the replicas' losses, each of which is a mean over its own batch. Where those count different
numbers of items that is not the mean over all, which these functions give.
"""

import tensorflow as tf


def replicas_in_step() -> int:
    """How many replicas compute this step; 1 without a strategy."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def sum_over_replicas(*values: tf.Tensor) -> list[tf.Tensor]:
    """Each value's sum over the replicas; no gradient."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, [tf.stop_gradient(value) for value in values])


def mean_over_replicas(total: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Sum of all replicas' totals divided by the sum of their counts, 0 where nothing was counted.

    Every replica gets that value, and a gradient of its own share of it, such that the mean of the replicas' gradients
    is that of one device on all their batches.

    Args:
        total, count: of this replica, of one shape.
    """
    replicas = replicas_in_step()
    if replicas == 1:
        return total / tf.maximum(count, 1.0)
    totals, counts = sum_over_replicas(total, count)
    counts = tf.maximum(counts, 1.0)
    own = replicas * total / counts
    return own + tf.stop_gradient(totals / counts - own)
