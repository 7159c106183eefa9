"""The record: what goes in comes out, unlabelled stays unlabelled, the bytes are always the same."""

import numpy as np
import pytest
import tensorflow as tf

from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import FIELDS, Schema

SCHEMA = Schema({"genre": ("jazz", "röck"), "mood": ("calm",)}, ("tempo", "energy"))


def _track(**changes) -> dict:
    rng = np.random.default_rng([0])
    return {"track_id": "t1", "artist": "Ann", "title": "Song", "duration": 3.5,
            "log_mel": rng.random((150, 128)).astype(np.float16),
            "tags/genre": [0, 1], "tags/mood": [], "values/tempo": 120.5, "values/energy": None, **changes}


def _round_trip(track: dict) -> dict:
    return {name: value.numpy() for name, value in SCHEMA.parse(SCHEMA.encode(track)).items()}


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


@pytest.mark.parametrize("text", ["", "Ünïcode – 音楽 🎵", "a|b,c\"d"])
def test_text(text):
    found = _round_trip(_track(track_id=text, artist=text, title=text))
    assert [found[name].decode("utf-8") for name in ("track_id", "artist", "title")] == [text] * 3


def test_bytes_do_not_depend_on_the_order_of_the_fields():
    track = _track()
    assert SCHEMA.encode(track) == SCHEMA.encode(dict(reversed(track.items())))


def test_parsed_shapes_and_types_are_those_of_the_fields():
    data = tf.data.Dataset.from_tensors(SCHEMA.encode(_track())).map(SCHEMA.parse)
    for name, field in SCHEMA.fields.items():
        spec = data.element_spec[name]
        assert (spec.shape.as_list(), spec.dtype.name) == (list(field.shape), field.dtype), name


@pytest.mark.parametrize("log_mel", [
    np.zeros((150, 64)), np.zeros(128), np.full((150, 128), np.nan), np.full((150, 128), np.inf)])
def test_a_wrong_log_mel_is_refused(log_mel):
    with pytest.raises(ValueError, match="log_mel"):
        SCHEMA.encode(_track(log_mel=log_mel))


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_refused(name):
    track = _track()
    del track[name]
    with pytest.raises(KeyError, match=name):
        SCHEMA.encode(track)


def test_features_survive_the_record_within_a_thousandth():
    samples = np.random.default_rng([1]).standard_normal(66_150).astype(np.float32) * 0.2
    log_mel = LogMel().extract(samples)
    found = _round_trip(_track(log_mel=log_mel))["log_mel"]
    assert found.shape == (129, 128)
    assert np.abs(found.astype(np.float32) - log_mel).max() < 1e-3
