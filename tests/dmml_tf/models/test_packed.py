"""Packed weights: the same bytes each time, float32 when loaded, and nothing but the weights of this network."""

import zipfile

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.packed import load_packed, pack_weights, packed_name
from tfrecords_tools.errors import UserError

NETWORK = {"block": "resnet_se", "width": (2, 1, 1, 1, 1, 1, 1), "size": 6}


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    network = build_embedding(**NETWORK)
    # Variances that float16 cannot hold, as a batch normalisation may have them.
    network.get_layer("embedding").set_weights([np.full(6, value) for value in (1.0, 0.1, 0.0, 1e-9)])
    return network


@pytest.fixture
def packed(network, tmp_path):
    content = pack_weights(network)
    (tmp_path / packed_name(content)).write_bytes(content)
    return tmp_path / packed_name(content)


@pytest.mark.slow
def test_the_same_weights_give_the_same_bytes(network, packed):
    again = build_embedding(**NETWORK)  # whose layers Keras gives other names
    again.set_weights(network.get_weights())
    assert pack_weights(again) == packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_weights_come_back_in_float32(network, packed):
    with np.load(packed, allow_pickle=False) as arrays:
        assert {arrays[name].dtype.name for name in arrays.files if arrays[name].ndim > 1} == {"float16"}
    other = build_embedding(**NETWORK)
    load_packed(other, packed)
    for ours, theirs in zip(other.get_weights(), network.get_weights()):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(
            ours, theirs, rtol=0 if ours.ndim == 1 else 2**-11, atol=0 if ours.ndim == 1 else 1e-7
        )


def test_a_weight_beyond_float16_is_one_line(network):
    large = build_embedding(**NETWORK)
    large.set_weights([weight * 1e6 for weight in network.get_weights()])
    with pytest.raises(UserError, match=r"weight 000\.Stem\.0 has numbers that float16 cannot hold"):
        pack_weights(large)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), r"damaged: by its content it would be called weights-"),
        (lambda path: path.write_bytes(b""), "damaged"),
    ],
    ids=["missing", "cut", "empty"],
)
def test_damage_is_one_line(network, packed, damage, message):
    damage(packed)
    with pytest.raises(UserError, match=f"{packed}: .*{message}.*--run pretrained") as caught:
        load_packed(network, packed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"no zip file", b"PK\x03\x04", b"\x80\x04N."], ids=["text", "zip's head", "pickle"]
)
def test_what_is_no_packed_file_is_one_line(network, tmp_path, content):
    path = tmp_path / packed_name(content)
    path.write_bytes(content)
    with pytest.raises(UserError, match="is no file of packed weights"):
        load_packed(network, path)


def test_another_networks_weights_are_refused(packed):
    with pytest.raises(UserError, match=r"another network than model\.json describes"):
        load_packed(build_embedding(**{**NETWORK, "size": 7}), packed)
