"""TensorFlow's own parser of examples, as the oracle of `Schema.decode`."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfrecords_tools.schema import OPTIONAL_FIELDS, Field, Schema


def parse(schema: Schema, serialised: tf.Tensor, optional: Sequence[str] = ()) -> dict[str, tf.Tensor]:
    """Tensors of one record, by field name, with the shapes and dtypes of the schema's fields."""
    schema.require(optional)
    fields = {**schema.fields, **{name: OPTIONAL_FIELDS[name] for name in optional}}
    parsed = tf.io.parse_single_example(serialised, {name: _spec(field) for name, field in fields.items()})
    return {name: _decode(field, parsed[name]) for name, field in fields.items()}


def _spec(field: Field):
    if field.raw or field.dtype == "string":
        return tf.io.FixedLenFeature((), tf.string)
    if len(field.shape) > 1:
        return tf.io.FixedLenSequenceFeature(field.shape[1:], tf.as_dtype(field.dtype), allow_missing=True)
    if field.shape:
        return tf.io.VarLenFeature(tf.as_dtype(field.dtype))
    return tf.io.FixedLenSequenceFeature((), tf.float32, allow_missing=True, default_value=np.nan)


def _decode(field: Field, value):
    if field.raw:
        return tf.reshape(tf.io.decode_raw(value, field.dtype), [-1, *field.shape[1:]])
    if field.shape:
        return tf.sparse.to_dense(value) if len(field.shape) == 1 else value
    if field.dtype == "float32":
        # An absent value is "unlabelled", which no number may stand for but NaN.
        return tf.reduce_min(tf.concat([value, [np.nan]], 0)[:1])
    return value
