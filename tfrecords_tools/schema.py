"""The record contract: one `tf.train.Example` a track. The only place that names its fields.

Writer, parser, network inputs and tests derive from `Schema.fields`.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfrecords_tools.features import LogMel

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of the record.

    Attributes:
        shape: of the parsed tensor; None where it varies from track to track.
        dtype: of the parsed tensor.
        raw: whether it is stored as the array's little-endian bytes instead of an Example list.
    """

    shape: tuple
    dtype: str
    raw: bool = False


# Fields that every record has, whatever the dataset's dimensions.
FIELDS = {
    "track_id": Field((), "string"),
    "artist": Field((), "string"),
    "title": Field((), "string"),
    "duration": Field((), "float32"),  # seconds of the source audio
    "log_mel": Field((None, LogMel().n_mels), "float16", raw=True),
}


# Fields that a dataset may have beside them, and that are only decoded for who asks: `Schema.optional` lists them.
OPTIONAL_FIELDS = {
    "audio": Field((None,), "int16", raw=True),  # PCM of the source audio, mono, at `LogMel.sample_rate`
}


@dataclasses.dataclass(frozen=True)
class Schema:
    """The fields of one dataset: `FIELDS`, one more for each of its dimensions, and perhaps optional ones.

    Attributes:
        vocabularies: tag dimension -> its tags; a tag's id is its place there.
        values: names of the value dimensions, such as `tempo`.
        optional: which of `OPTIONAL_FIELDS` every record has.
    """

    vocabularies: Mapping[str, tuple[str, ...]]
    values: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Field]:
        """Name -> `Field`: `tags/genre` int64 [n] ids, `values/tempo` float32 [], NaN where unlabelled.

        These are what a reader gets who asks for nothing else; `optional` ones are not among them.
        """
        tags = {f"tags/{name}": Field((None,), "int64") for name in self.vocabularies}
        values = {f"values/{name}": Field((), "float32") for name in self.values}
        return {**FIELDS, **tags, **values}

    def encode(self, track: Mapping) -> bytes:
        """One serialised `tf.train.Example`.

        Args:
            track: a value for each of `fields`: str, float, ids, or float16 [frames, 128] for `log_mel`.
                A missing or NaN value dimension is written as an empty list. One for each of `optional`
                too: int16 [samples] for `audio`.

        Raises:
            KeyError: if a field other than a dimension is missing.
            ValueError: if `log_mel` has another number of bands or is not finite.
        """
        features = {}
        for name, field in {**self.fields, **self._asked_for(self.optional)}.items():
            optional = name.startswith(("tags/", "values/"))
            features[name] = _feature(name, field, track.get(name) if optional else track[name])
        # Deterministic, so that two builds are byte-equal: protobuf maps have no order of their own.
        example = tf.train.Example(features=tf.train.Features(feature=features))
        return example.SerializeToString(deterministic=True)

    def parse(self, serialised: tf.Tensor, optional: Sequence[str] = ()) -> dict[str, tf.Tensor]:
        """Tensors of one record, by field name, with the shapes and dtypes of `fields`.

        Args:
            serialised: string [], one `tf.train.Example`.
            optional: which of the dataset's optional fields to decode too, such as `audio`.

        Raises:
            ValueError: if the dataset has no such optional field.
        """
        fields = {**self.fields, **self._asked_for(optional)}
        parsed = tf.io.parse_single_example(serialised, {name: _spec(field) for name, field in fields.items()})
        return {name: _decode(field, parsed[name]) for name, field in fields.items()}

    def _asked_for(self, names: Sequence[str]) -> dict[str, Field]:
        for name in names:
            if name not in self.optional or name not in OPTIONAL_FIELDS:
                raise ValueError(f"{name}: this dataset's records have no such field; build it again with "
                                 f"--features=log_mel,{name}")
        return {name: OPTIONAL_FIELDS[name] for name in names}


def _feature(name: str, field: Field, value) -> tf.train.Feature:
    if field.raw:
        array = np.asarray(value, field.dtype)
        if array.ndim != len(field.shape) or array.shape[1:] != field.shape[1:] or not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite {field.dtype} {field.shape}, got shape {array.shape}")
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[little.tobytes()]))
    if field.dtype == "string":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode("utf-8")]))
    if field.dtype == "int64":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[] if value is None else value))
    missing = value is None or np.isnan(value)
    return tf.train.Feature(float_list=tf.train.FloatList(value=[] if missing else [value]))


def _spec(field: Field):
    if field.raw or field.dtype == "string":
        return tf.io.FixedLenFeature((), tf.string)
    if field.dtype == "int64":
        return tf.io.VarLenFeature(tf.int64)
    return tf.io.FixedLenSequenceFeature((), tf.float32, allow_missing=True, default_value=np.nan)


def _decode(field: Field, value):
    if field.raw:
        return tf.reshape(tf.io.decode_raw(value, field.dtype), [-1, *field.shape[1:]])
    if field.dtype == "int64":
        return tf.sparse.to_dense(value)
    if field.dtype == "float32":
        # An absent value is "unlabelled", which no number may stand for but NaN.
        return tf.reduce_min(tf.concat([value, [np.nan]], 0)[:1])
    return value
