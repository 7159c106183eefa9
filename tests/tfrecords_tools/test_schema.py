"""The record: what goes in comes out, unlabelled stays unlabelled, the bytes are always the same."""

import numpy as np
import pytest
import tensorflow as tf

from tests.tfrecords_tools.parsed import parse
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import FIELDS, Schema

SCHEMA = Schema({"genre": ("jazz", "röck"), "mood": ("calm",)}, ("tempo", "energy"))


def _track(**changes) -> dict:
    rng = np.random.default_rng([0])
    return {
        "track_id": "t1",
        "artist": "Ann",
        "title": "Song",
        "duration": 3.5,
        "log_mel": rng.random((150, 128)).astype(np.float16),
        "tags/genre": [0, 1],
        "tags/mood": [],
        "values/tempo": 120.5,
        "values/energy": None,
        **changes,
    }


def _round_trip(track: dict) -> dict:
    return {name: value.numpy() for name, value in parse(SCHEMA, SCHEMA.encode(track)).items()}


def test_round_trip():
    track, found = _track(), _round_trip(_track())
    assert set(found) == set(SCHEMA.fields)
    assert (found["track_id"].decode(), found["artist"].decode(), found["title"].decode()) == ("t1", "Ann", "Song")
    assert found["log_mel"].dtype == np.float16
    np.testing.assert_array_equal(found["log_mel"], track["log_mel"])
    np.testing.assert_array_equal(found["tags/genre"], [0, 1])
    assert found["duration"] == np.float32(3.5) and found["values/tempo"] == np.float32(120.5)


@pytest.mark.parametrize("value", [None, np.nan, "left out"])
def test_unlabelled_is_empty_or_nan_and_not_zero(value):
    track = _track(**{"values/tempo": value, "tags/genre": None})
    if value == "left out":
        del track["values/tempo"], track["tags/genre"]
    found = _round_trip(track)
    assert np.isnan(found["values/tempo"]) and np.isnan(found["values/energy"])
    assert found["tags/genre"].shape == (0,) and found["tags/genre"].dtype == np.int64
    example = tf.train.Example.FromString(SCHEMA.encode(track))
    assert not example.features.feature["values/tempo"].float_list.value


def test_zero_is_a_value():
    assert _round_trip(_track(**{"values/energy": 0.0}))["values/energy"] == 0.0


@pytest.mark.parametrize("text", ["", "Ünïcode – 音楽 🎵", 'a|b,c"d'])
def test_text(text):
    found = _round_trip(_track(track_id=text, artist=text, title=text))
    assert [found[name].decode("utf-8") for name in ("track_id", "artist", "title")] == [text] * 3


def test_bytes_do_not_depend_on_the_order_of_the_fields():
    track = _track()
    assert SCHEMA.encode(track) == SCHEMA.encode(dict(reversed(track.items())))


def test_parsed_shapes_and_types_are_those_of_the_fields():
    data = tf.data.Dataset.from_tensors(SCHEMA.encode(_track())).map(lambda record: parse(SCHEMA, record))
    for name, field in SCHEMA.fields.items():
        spec = data.element_spec[name]
        assert (spec.shape.as_list(), spec.dtype.name) == (list(field.shape), field.dtype), name


def test_decoded_is_parsed():
    schema = Schema(SCHEMA.vocabularies, SCHEMA.values, ("audio",))
    tracks = [_track(audio=np.arange(-5, 5)), _track(audio=[], title="", **{"values/energy": -0.0, "tags/mood": [0]})]
    for record in map(schema.encode, tracks):
        for optional in ([], ["audio"]):
            parsed, decoded = parse(schema, tf.constant(record), optional), schema.decode(record, optional)
            assert list(decoded) == list(parsed) and ("audio" in decoded) == bool(optional)
            for name, tensor in parsed.items():
                expected = tensor.numpy()
                if isinstance(expected, bytes):
                    assert decoded[name] == expected.decode("utf-8"), name
                    continue
                assert (decoded[name].dtype, decoded[name].shape) == (expected.dtype, expected.shape), name
                np.testing.assert_array_equal(decoded[name], expected, name)


def _changed(name: str, feature: tf.train.Feature | None) -> bytes:
    example = tf.train.Example.FromString(SCHEMA.encode(_track()))
    del example.features.feature[name]
    if feature is not None:
        example.features.feature[name].CopyFrom(feature)
    return example.SerializeToString()


def test_an_absent_list_is_an_empty_one():
    for name in ("values/tempo", "tags/genre", "duration"):
        record = _changed(name, None)
        np.testing.assert_array_equal(SCHEMA.decode(record)[name], parse(SCHEMA, tf.constant(record))[name])


_BYTES, _NUMBERS = tf.train.BytesList, tf.train.FloatList


@pytest.mark.parametrize(
    "name, feature, why",
    [
        ("log_mel", None, "log_mel: holds 0 values, not one"),
        ("artist", tf.train.Feature(bytes_list=_BYTES(value=[b"a", b"b"])), "artist: holds 2 values, not one"),
        ("artist", tf.train.Feature(bytes_list=_BYTES(value=[b"\xff"])), "artist: is not UTF-8"),
        ("log_mel", tf.train.Feature(bytes_list=_BYTES(value=[bytes(300)])), "log_mel: has 300 bytes, .* rows of 256"),
        (
            "tags/genre",
            tf.train.Feature(float_list=_NUMBERS(value=[1.0])),
            "tags/genre: holds a float_list, not a int64_l",
        ),
        (
            "values/tempo",
            tf.train.Feature(bytes_list=_BYTES(value=[b"1"])),
            "values/tempo: holds a bytes_list, not a fl",
        ),
        (
            "values/tempo",
            tf.train.Feature(float_list=_NUMBERS(value=[1.0, 2.0])),
            "values/tempo: holds 2 values, not one",
        ),
    ],
)
def test_a_damaged_field_is_named(name, feature, why):
    with pytest.raises(ValueError, match=why):
        SCHEMA.decode(_changed(name, feature))


def test_what_is_no_example_is_refused():
    with pytest.raises(ValueError, match="no tf.train.Example"):
        SCHEMA.decode(b"no example")
    with pytest.raises(ValueError, match="audio: this dataset's records have no such field"):
        SCHEMA.decode(SCHEMA.encode(_track()), ["audio"])


def test_decoded_arrays_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        SCHEMA.decode(SCHEMA.encode(_track()))["log_mel"][0] = 1


@pytest.mark.parametrize(
    "log_mel", [np.zeros((150, 64)), np.zeros(128), np.full((150, 128), np.nan), np.full((150, 128), np.inf)]
)
def test_a_wrong_log_mel_is_refused(log_mel):
    with pytest.raises(ValueError, match="log_mel"):
        SCHEMA.encode(_track(log_mel=log_mel))


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_refused(name):
    track = _track()
    del track[name]
    with pytest.raises(KeyError, match=name):
        SCHEMA.encode(track)


SEGMENTED = Schema(SCHEMA.vocabularies, SCHEMA.values, (), ("mood", "genre", "energy"))
_SEGMENTS = {
    "segments/start": [0.0, 1.25, 1.25],
    "segments/end": [1.25, 2.5, 3.5],
    "segments/tags/genre": [(0, 1), (2, 0), (2, 1)],
    "segments/values/energy": [np.nan, 0.0, 0.5],
}


def _segmented(**changes) -> dict:
    return _track(**{**_SEGMENTS, **changes})


def test_segments_are_decoded_as_they_were_encoded():
    record = SEGMENTED.encode(_segmented())
    parsed, decoded = parse(SEGMENTED, tf.constant(record)), SEGMENTED.decode(record)
    assert list(decoded) == list(SEGMENTED.fields)
    for name, field in SEGMENTED.segment_fields.items():
        written = np.asarray(_SEGMENTS.get(name, np.zeros((0, 2))), field.dtype)
        assert decoded[name].dtype == written.dtype and not decoded[name].flags.writeable
        np.testing.assert_array_equal(decoded[name], written, name)
        np.testing.assert_array_equal(parsed[name], written, name)
    without = {name: value for name, value in decoded.items() if not name.startswith("segments/")}
    assert list(without) == list(SCHEMA.fields)


def test_a_track_without_segments_has_none():
    for track in (_track(), _segmented(**{name: [] for name in _SEGMENTS})):
        decoded = SEGMENTED.decode(SEGMENTED.encode(track))
        shapes = {name: decoded[name].shape for name in SEGMENTED.segment_fields}
        assert shapes.pop("segments/tags/genre") == shapes.pop("segments/tags/mood") == (0, 2)
        assert set(shapes.values()) == {(0,)} and len(shapes) == 3


def test_segments_that_say_nothing_of_a_dimension_may_leave_it_out():
    track = _segmented()
    del track["segments/values/energy"]
    np.testing.assert_array_equal(SEGMENTED.decode(SEGMENTED.encode(track))["segments/values/energy"], [np.nan] * 3)


def test_a_schema_without_segments_writes_what_it_wrote():
    assert SCHEMA.encode(_segmented()) == SCHEMA.encode(_track())
    assert (SCHEMA.version, SEGMENTED.version) == (1, 2)
    assert not SCHEMA.segment_fields


@pytest.mark.parametrize(
    "name, value, why",
    [
        ("segments/start", [0.0, 1.25], r"segments/end: has shape \(3,\), segments/start \(2,\)"),
        ("segments/start", [0.0, 2.0, 1.25], "segments/start: segments are not sorted"),
        ("segments/end", [1.25, 3.5, 2.5], "segments/start: segments are not sorted"),
        ("segments/start", [-0.5, 1.25, 1.25], "segments/start: segment 0 goes from -0.5 to 1.25 s"),
        ("segments/end", [1.25, 1.25, 3.5], "segments/start: segment 1 goes from 1.25 to 1.25 s"),
        ("segments/end", [1.25, 2.5, np.inf], "segments/start: segment 2 goes from 1.25 to inf s"),
        ("segments/end", [1.25, 2.5, np.nan], "segments/start: segment 2 goes from 1.25 to nan s"),
        ("segments/tags/genre", [(3, 0)], "segments/tags/genre: names a segment that is not among the 3"),
        ("segments/tags/mood", [(-1, 0)], "segments/tags/mood: names a segment that is not among the 3"),
        ("segments/values/energy", [0.5], r"segments/values/energy: has shape \(1,\), segments/start \(3,\)"),
    ],
)
def test_segments_that_do_not_agree_are_refused(name, value, why):
    with pytest.raises(ValueError, match=why):
        SEGMENTED.encode(_segmented(**{name: value}))
    example = tf.train.Example.FromString(SEGMENTED.encode(_segmented()))
    feature = example.features.feature[name]
    feature.Clear()
    (feature.int64_list if "tags" in name else feature.float_list).value.extend(np.ravel(value))
    with pytest.raises(ValueError, match=why):
        SEGMENTED.decode(example.SerializeToString())


def test_half_a_row_of_a_segments_tags_is_refused():
    example = tf.train.Example.FromString(SEGMENTED.encode(_segmented()))
    example.features.feature["segments/tags/genre"].int64_list.value.append(0)
    with pytest.raises(ValueError, match="segments/tags/genre: holds 7 values, which are not whole rows of 2"):
        SEGMENTED.decode(example.SerializeToString())


def test_segments_label_nothing_but_dimensions():
    with pytest.raises(ValueError, match="colour: segments cannot label what is no dimension"):
        Schema(SCHEMA.vocabularies, SCHEMA.values, segmented=("genre", "colour"))


def test_features_survive_the_record_within_a_thousandth():
    samples = np.random.default_rng([1]).standard_normal(66_150).astype(np.float32) * 0.2
    log_mel = LogMel().extract(samples)
    found = _round_trip(_track(log_mel=log_mel))["log_mel"]
    assert found.shape == (129, 128)
    assert np.abs(found.astype(np.float32) - log_mel).max() < 1e-3
