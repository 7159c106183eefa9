"""The record contract: one `tf.train.Example` a track. The only place that names its fields.

Writing, reading, `dmml-records verify` and the tests derive from `Schema.fields`.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.segments import END, START, TAGS, VALUES, require_agreement, segment_arrays

if TYPE_CHECKING:  # imported where a record is written or read: names and vocabularies do not wait for it
    import tensorflow as tf

# The second has segments; a dataset without them is of the first, and its bytes are those of before.
SCHEMA_VERSIONS = (1, 2)
_LISTS = {"string": "bytes_list", "int64": "int64_list", "float32": "float_list"}


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of the record.

    Attributes:
        shape: the decoded array's; None where it varies from track to track.
        dtype: the decoded array's.
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
    "log_mel": Field((None, PAPER_CHAIN.n_mels), "float16", raw=True),
}


# Fields of a dataset some of whose dimensions segments label: where each segment starts and ends, in seconds from the
# track's begin. Their labels have a field a dimension.
SEGMENT_FIELDS = {name: Field((None,), "float32") for name in (START, END)}

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
        segmented: which of the dimensions segments label, parts of a track with labels of their own. Outside of
            them, and where they say nothing, the track's own label holds.

    Raises:
        ValueError: if `segmented` names what is no dimension.
    """

    vocabularies: Mapping[str, tuple[str, ...]]
    values: tuple[str, ...]
    optional: tuple[str, ...] = ()
    segmented: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.segmented:
            if name not in self.vocabularies and name not in self.values:
                raise ValueError(f"{name}: segments cannot label what is no dimension")

    @property
    def version(self) -> int:
        """The one of `SCHEMA_VERSIONS` that the records have."""
        return SCHEMA_VERSIONS[bool(self.segmented)]

    @property
    def segmented_tags(self) -> tuple[str, ...]:
        """Those of `segmented` that are tag dimensions."""
        return tuple(name for name in self.segmented if name in self.vocabularies)

    @property
    def segmented_values(self) -> tuple[str, ...]:
        """Those of `segmented` that are value dimensions."""
        return tuple(name for name in self.segmented if name not in self.vocabularies)

    @property
    def fields(self) -> dict[str, Field]:
        """Name -> `Field`: `tags/genre` int64 [n] ids, `values/tempo` float32 [], NaN where unlabelled.

        Where segments label a dimension, of the n of a track, n may be 0: `segments/start` and `segments/end` float32
        [n], seconds, sorted by start, then by end; `segments/tags/genre` int64 [m, 2], rows of (segment, tag id);
        `segments/values/tempo` float32 [n], NaN where a segment says nothing.

        A reader gets these who asks for nothing else; `optional` ones are not among them.
        """
        tags = {f"tags/{name}": Field((None,), "int64") for name in self.vocabularies}
        values = {f"values/{name}": Field((), "float32") for name in self.values}
        return {**FIELDS, **tags, **values, **self.segment_fields}

    @property
    def segment_fields(self) -> dict[str, Field]:
        """Those of `fields` that segments have; none where segments label no dimension."""
        tags = {f"{TAGS}{name}": Field((None, 2), "int64") for name in self.segmented_tags}
        values = {f"{VALUES}{name}": Field((None,), "float32") for name in self.segmented_values}
        return {**SEGMENT_FIELDS, **tags, **values} if self.segmented else {}

    def encode(self, track: Mapping) -> bytes:
        """One serialised `tf.train.Example`.

        Args:
            track: a value for each of `fields`: str, float, ids, or float16 [frames, 128] for `log_mel`.
                A missing or NaN value dimension is written as an empty list, missing fields of segments as those of
                a track without any. One for each of `optional` too: int16 [samples] for `audio`.

        Raises:
            KeyError: if a field other than a dimension is missing.
            ValueError: if `log_mel` has another number of bands or is not finite, or fields of segments do not agree.
        """
        import tensorflow as tf

        features = {}
        if self.segmented:
            track = {**track, **segment_arrays(track, self.segmented_tags, self.segmented_values)}
        for name, field in {**self.fields, **self._asked_for(self.optional)}.items():
            optional = name.startswith(("tags/", "values/"))
            features[name] = _feature(name, field, track.get(name) if optional else track[name])
        # Deterministic, so that two builds are byte-equal: protobuf maps have no order of their own.
        example = tf.train.Example(features=tf.train.Features(feature=features))
        return example.SerializeToString(deterministic=True)

    def decode(self, serialised: bytes, optional: Sequence[str] = ()) -> dict:
        """One record outside of any graph: what `encode` was given, by field name.

        Twice as fast as tensors that are made arrays afterwards, and nothing of it stays behind: TensorFlow 2.15 loses
        48 bytes with every tensor that Python has seen: 480 MB in a million tracks of ten fields.

        Args:
            serialised: one `tf.train.Example`.
            optional: which of the dataset's optional fields to decode too, such as `audio`.

        Returns:
            Values with the shapes and dtypes of `fields`: `str`, NumPy scalars, and arrays that cannot be written to.

        Raises:
            ValueError: if it is no Example, a text or an array is missing, a field is damaged, fields of segments do
                not agree, or the dataset has no such optional field.
        """
        import tensorflow as tf

        fields, features = {**self.fields, **self._asked_for(optional)}, example_features(serialised)
        # `in` first, since a protobuf map makes what it is asked for.
        read: dict[str, Any] = {
            name: read_field(name, field, features[name] if name in features else tf.train.Feature())
            for name, field in fields.items()
        }
        if self.segmented:
            require_agreement(read)
        return read

    def require(self, optional: Sequence[str]) -> None:
        """Refuses names of optional fields that the dataset's records do not have.

        Raises:
            ValueError: with the first such name.
        """
        for name in optional:
            if name not in self.optional or name not in OPTIONAL_FIELDS:
                raise ValueError(
                    f"{name}: this dataset's records have no such field; build it again with --features=log_mel,{name}"
                )

    def _asked_for(self, names: Sequence[str]) -> dict[str, Field]:
        self.require(names)
        return {name: OPTIONAL_FIELDS[name] for name in names}


def _feature(name: str, field: Field, value) -> "tf.train.Feature":
    import tensorflow as tf

    if field.raw:
        array = np.asarray(value, field.dtype)
        if array.ndim != len(field.shape) or array.shape[1:] != field.shape[1:] or not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite {field.dtype} {field.shape}, got shape {array.shape}")
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[little.tobytes()]))
    if field.dtype == "string":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode("utf-8")]))
    if field.dtype == "int64":
        ids = [] if value is None else np.ravel(value) if len(field.shape) > 1 else value
        return tf.train.Feature(int64_list=tf.train.Int64List(value=ids))
    if field.shape:
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    missing = value is None or np.isnan(value)
    return tf.train.Feature(float_list=tf.train.FloatList(value=[] if missing else [value]))


def example_features(serialised: bytes) -> Mapping[str, "tf.train.Feature"]:
    """The features of one serialised `tf.train.Example` by name; asking for one that it lacks makes an empty one.

    Raises:
        ValueError: if the bytes are no Example.
    """
    import tensorflow as tf

    try:
        return tf.train.Example.FromString(serialised).features.feature
    except DecodeError as error:
        raise ValueError(f"is no tf.train.Example ({error})") from error


def read_field(name: str, field: Field, feature: "tf.train.Feature") -> str | np.float32 | np.ndarray:
    """The value of one field: text, a number (NaN where there is none), ids, numbers, or the array of raw bytes.

    Arrays cannot be written to.

    Raises:
        ValueError: with the field's name, if it holds another kind of value, another number of them, bytes that are
            no UTF-8 or no whole rows.
    """
    list_type = "bytes_list" if field.raw else _LISTS[field.dtype]
    if feature.WhichOneof("kind") not in (list_type, None):
        raise ValueError(f"{name}: holds a {feature.WhichOneof('kind')}, not a {list_type}")
    values = getattr(feature, list_type).value
    if field.shape and not field.raw:
        columns = math.prod(field.shape[1:])
        if len(values) % columns:
            raise ValueError(f"{name}: holds {len(values)} values, which are not whole rows of {columns}")
        return _constant(np.array(values, field.dtype).reshape(-1, *field.shape[1:]))
    if len(values) != 1 and (list_type == "bytes_list" or values):
        raise ValueError(f"{name}: holds {len(values)} values, not one")
    if list_type == "float_list":
        return np.float32(values[0] if values else np.nan)
    if field.raw:
        return _constant(_array(name, field, values[0]))
    try:
        return values[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: is not UTF-8 ({error.reason})") from error


def _array(name: str, field: Field, raw: bytes) -> np.ndarray:
    stored = np.dtype(field.dtype).newbyteorder("<")
    row = stored.itemsize * math.prod(field.shape[1:])
    if len(raw) % row:
        raise ValueError(f"{name}: has {len(raw)} bytes, which are not whole rows of {row}")
    array = np.frombuffer(raw, stored).reshape(-1, *field.shape[1:])
    return array.astype(field.dtype, copy=False)


def _constant(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
