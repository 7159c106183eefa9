"""The embedding network: the paper's geometry, standardisation, widths, saving."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models import musicnn
from dmml_tf.models.blocks import BLOCKS
from dmml_tf.models.embedding import BODIES, FRONTENDS, build_embedding
from dmml_tf.models.normalisation import BatchNormalization
from dmml_tf.models.stem import Stem
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

NARROW = (2, 1, 1, 1, 1, 1, 1)


def shapes(model, kind):
    """Output shapes of the model's layers of this kind, in their order."""
    return [tuple(layer.output.shape[1:]) for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_the_papers_geometry(block):
    model = build_embedding(block)
    assert tuple(model.input_shape[1:]) == (129, 128) and tuple(model.output_shape[1:]) == (256,)
    assert tuple(model.get_layer("stem").kernel.shape) == (5, 5, 1, 64)
    assert tuple(model.get_layer("stem").output.shape[1:]) == (64, 64, 64)
    flat = next(layer for layer in model.layers if isinstance(layer, keras.layers.Flatten))
    assert tuple(flat.output.shape[1:]) == (256,)  # 1 x 1 x 256
    if block == "inception":
        joined = shapes(model, keras.layers.Concatenate)
        assert joined[1::2] == [(n, n, 256) for n in (32, 16, 8, 4, 2, 1)]
        assert [shape[:2] for shape in joined[::2]] == [(n, n) for n in (32, 16, 8, 4, 2, 1)]
    elif block.startswith("resnet"):
        joined = shapes(model, keras.layers.Add)
        assert joined == [(n, n, 256) for n in (32, 16, 8, 4, 2, 1)]
    else:
        # The convolution comes before the pool: 256 maps at the stem's 64 x 64 already.
        pooled = shapes(model, keras.layers.MaxPooling2D)
        assert pooled == [(n, n, 256) for n in (32, 16, 8, 4, 2, 1)]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [tuple(layer.kernel.shape) for layer in dense] == [(256, 256)]


def test_standardisation_is_the_papers():
    model = build_embedding("conv", NARROW)
    rescaling = next(layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling))
    x = np.linspace(0, 3, 129 * 128, dtype=np.float32).reshape(1, 129, 128)
    np.testing.assert_allclose(np.asarray(rescaling(x)), (x - 0.2) / 0.25, atol=1e-5)
    assert model.layers[1] is rescaling


@pytest.mark.slow
def test_seven_widths():
    model = build_embedding("conv", (3, 1, 2, 3, 4, 5, 6), size=10)
    filters = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert model.get_layer("stem").filters == 3 and filters == [4, 8, 12, 16, 20, 24]
    assert tuple(model.output_shape[1:]) == (10,)
    assert build_embedding("conv", 2).count_params() == build_embedding("conv", [2] * 7).count_params()


@pytest.mark.parametrize("widths", [(2,), (2,) * 6, (2,) * 8])
def test_other_numbers_of_widths_are_refused(widths):
    with pytest.raises(UserError, match=f"one number or 7 .stem and blocks., got {len(widths)}"):
        build_embedding("conv", widths)


def test_a_tower_gives_the_last_numbers_and_nothing_to_the_others():
    keras.utils.set_random_seed(1)
    model = build_embedding("conv", NARROW, 10, tower_size=4, tower_width=NARROW)
    assert tuple(model.output_shape[1:]) == (10,)
    stem, tower = model.get_layer("stem"), model.get_layer("tower_stem")
    assert tuple(stem.output.shape[1:]) == (64, 64, 2) and tuple(tower.output.shape[1:]) == (64, 16, 2)
    x = np.random.default_rng(0).uniform(0, 2, (8, 129, 128)).astype(np.float32)
    before = np.asarray(model(x, training=True))
    tower.kernel.assign(tower.kernel * -1)
    after = np.asarray(model(x, training=True))
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert (before[:, 6:] != after[:, 6:]).any()
    # Four bands count as one: what is moved among them is not heard in the tower.
    moved = x.reshape(8, 129, 32, 4)[..., ::-1].reshape(8, 129, 128)
    turned = np.asarray(model(moved, training=True))
    np.testing.assert_allclose(turned[:, 6:], after[:, 6:], atol=1e-4)
    assert (np.abs(turned[:, :6] - after[:, :6]) > 1e-3).any()


def test_a_tower_of_all_numbers_stands_alone():
    alone = build_embedding("conv", size=4, tower_size=4, tower_width=NARROW)
    beside = build_embedding("conv", NARROW, 10, tower_size=4, tower_width=NARROW)
    names = {layer.name for layer in alone.layers}
    assert tuple(alone.output_shape[1:]) == (4,) and {"tower_stem", "tower_dense"} <= names
    assert not names & {"stem", "dense"} and alone.count_params() < beside.count_params() / 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 4, "tower_size": 5}, "tower_size 5 is not in 0..4"),
        ({"tower_size": -1}, "tower_size -1 is not in 0..256"),
        ({"tower_size": 64, "frontend": "sample_cnn", "width": 1}, "sample_cnn has none; leave out tower_size"),
        ({"tower_size": 64, "tower_width": (4, 4)}, "tower_width takes one number or 7"),
    ],
)
def test_towers_that_cannot_be_are_refused(fields, message):
    with pytest.raises(UserError, match=message):
        build_embedding(**{"block": "conv", "width": NARROW, **fields})


@pytest.fixture(scope="module")
def networks():
    """A narrow network of each frontend, seeded: of so few units all may begin dead."""
    keras.utils.set_random_seed(1)
    built = [name for name in FRONTENDS if name != "musicnn" or musicnn.installed()]
    return {name: build_embedding("conv", 1 if name in BODIES else NARROW, 6, name) for name in built}


@pytest.mark.slow
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_every_frontend_ends_in_the_same_embedding(networks, frontend):
    if frontend not in networks:
        pytest.skip("the package musicnn is not installed")
    model, rng = networks[frontend], np.random.default_rng(0)
    shape = (129, 128) if frontend == "log_mel" else (66_150,)
    assert tuple(model.input_shape[1:]) == shape and tuple(model.output_shape[1:]) == (6,)
    assert model.inputs[0].name.split(":")[0] == ("log_mel" if frontend == "log_mel" else "audio")
    found = np.asarray(model(rng.uniform(0, 0.1, (2, *shape)).astype(np.float32)))
    assert np.isfinite(found).all() and (found[0] != found[1]).any()
    if frontend not in BODIES:
        assert tuple(model.get_layer("stem").input.shape[1:3]) == (129, 128)


@pytest.mark.slow
def test_samples_give_what_their_record_gives(networks):
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * 66_150).astype(np.float32)
    record = LogMel().extract(samples).astype(np.float16)  # as it is stored
    networks["log_mel_audio"].set_weights(networks["log_mel"].get_weights())
    for start in (0, 129):
        excerpt = samples[start * 512 : start * 512 + 66_150][None]
        standardised = (record[start : start + 129].astype(np.float32) - 0.2) / 0.25
        seen = keras.Model(networks["log_mel_audio"].input, networks["log_mel_audio"].get_layer("stem").input)(excerpt)
        first = 1 if start else 0  # the record's frame also saw what came before the excerpt
        np.testing.assert_allclose(np.asarray(seen)[0, first:], standardised[first:], atol=1e-3 / 0.25)
    found = networks["log_mel_audio"](samples[None, :66_150])
    expected = networks["log_mel"](LogMel().extract(samples[:66_150])[None])
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-4)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            {"frontend": "mfcc"},
            "unknown frontend 'mfcc'; known are: log_mel, log_mel_audio, leaf, multi_input, sample_cnn",
        ),
        ({"frontend": "sample_cnn", "width": (64,) * 7}, "width takes one number with frontend sample_cnn, got 7"),
    ],
)
def test_bad_frontends_are_refused(arguments, said):
    with pytest.raises(UserError, match=said):
        build_embedding(**arguments)


def test_an_unknown_block_is_refused():
    with pytest.raises(UserError, match="unknown block 'cnn'"):
        build_embedding("cnn")


@pytest.mark.slow
def test_saving_needs_no_custom_objects(tmp_path):
    model = build_embedding("conv", NARROW, size=6)
    model.save(tmp_path / "embedding.keras")
    again = keras.models.load_model(tmp_path / "embedding.keras")
    x = np.random.default_rng(0).uniform(0, 1, (3, 129, 128)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again(x)), np.asarray(model(x)), atol=1e-6)
    own = {type(layer) for layer in model.layers if type(layer).__module__.startswith("dmml_tf")}
    # Registered by their names; the rest is Keras's.
    assert own == ({Stem, BatchNormalization} if hasattr(keras, "distribution") else {Stem})


def test_the_output_is_not_normalised_nor_rectified():
    model = build_embedding("conv", (4,) * 7, size=64)
    vectors = np.asarray(model(np.random.default_rng(0).uniform(0, 1, (4, 129, 128)).astype(np.float32)))
    assert (vectors < 0).any() and (vectors > 0).any()
    assert np.ptp(np.linalg.norm(vectors, axis=1)) > 1e-3
