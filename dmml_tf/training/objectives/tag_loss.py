"""Loss of the models that learn tags directly (Lee et al., ISMIR 2020)."""

import tensorflow as tf
from tensorflow import keras


class TagCrossentropy(keras.losses.Loss):
    """Binary cross-entropy over the tags of the rows that have any: their mean.

    `y_true` float [B, Z] as `dmml_tf.data.forms.tag_targets` gives it, `y_pred` logits [B, Z]. A batch without a
    tagged row counts 0.
    """

    def __init__(self, name: str = "tag_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        tagged = tf.reduce_all(y_true >= 0, axis=-1)
        wanted = tf.cast(tf.maximum(y_true, 0.0), y_pred.dtype)
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=y_pred)
        rows = tf.where(tagged, tf.reduce_mean(loss, axis=-1), 0.0)
        # Keras divides by all rows.
        share = tf.reduce_mean(tf.cast(tagged, rows.dtype))
        return tf.math.divide_no_nan(rows, share)
