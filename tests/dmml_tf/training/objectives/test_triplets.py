"""The training graph against NumPy spaces, for both masks and both norm orders."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.models.masks import ConditionMask, GatherTriplets, TripletDistances, UnitLength
from dmml_tf.spaces import project
from dmml_tf.training.objectives.triplets import build_triplet_model
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=3),
        Within("tempo", 5.0, width=4),
        SameTrack("track", width=0),
    ]
)
CUSTOM = {c.__name__: c for c in (ConditionMask, GatherTriplets, TripletDistances, UnitLength)}


def embedding(size=7):
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(size)(inputs))


def batch(windows=5, triplets=12):
    rng = np.random.default_rng(0)
    return {
        "windows": rng.normal(size=(windows, 6)).astype(np.float32),
        "triplets": rng.integers(windows, size=(triplets, 3)).astype(np.int32),
        "condition": (np.arange(triplets) % 3).astype(np.int32),
    }


def oracle(vectors, inputs, masks, norm_order):
    found = []
    for (a, p, n), condition in zip(inputs["triplets"], inputs["condition"]):
        seen = project(vectors[[a, p, n]], masks[condition], norm_order).astype(np.float64)
        found.append([np.linalg.norm(seen[0] - seen[1]), np.linalg.norm(seen[0] - seen[2])])
    return np.array(found)


@pytest.mark.parametrize("norm_order", ["mask_then_norm", "norm_then_mask"])
@pytest.mark.parametrize("mask", ["fixed", "none"])
def test_distances_agree_with_numpy(mask, norm_order):
    network, inputs = embedding(), batch()
    model = build_triplet_model(network, CONDITIONS, mask, norm_order)
    masks = CONDITIONS.masks(7) if mask == "fixed" else np.ones((3, 7))
    found = np.asarray(model(inputs))
    assert found.shape == (12, 2) and found.dtype == np.float32
    np.testing.assert_allclose(
        found, oracle(np.asarray(network(inputs["windows"])), inputs, masks, norm_order), atol=1e-5
    )


def test_mask_none_gives_every_condition_the_same_distance():
    model, inputs = build_triplet_model(embedding(), CONDITIONS, "none"), batch()
    first = np.asarray(model(inputs))
    inputs["condition"] = inputs["condition"][::-1].copy()
    np.testing.assert_array_equal(np.asarray(model(inputs)), first)


def test_a_condition_sees_its_slice_alone():
    network = embedding()
    model, inputs = build_triplet_model(network, CONDITIONS), batch()
    inputs["condition"][:] = 0
    before = np.asarray(model(inputs))
    kernel, bias = (np.array(w) for w in network.layers[-1].get_weights())
    kernel[:, 3:] += 1.0
    network.layers[-1].set_weights([kernel, bias])
    np.testing.assert_array_equal(np.asarray(model(inputs)), before)
    inputs["condition"][:] = 2
    assert not np.allclose(np.asarray(model(inputs)), before, atol=1e-3)


def test_names_and_shapes_are_the_batch_contract():
    model = build_triplet_model(embedding(), CONDITIONS)
    shapes = {
        tensor.name.split(":")[0]: (tuple(tensor.shape), np.dtype(getattr(tensor.dtype, "name", tensor.dtype)))
        for tensor in model.inputs
    }
    assert shapes == {
        "windows": ((None, 6), np.dtype("float32")),
        "triplets": ((None, 3), np.dtype("int32")),
        "condition": ((None,), np.dtype("int32")),
    }
    assert tuple(model.output_shape) == (None, 2)
    assert len(model.trainable_weights) == 2  # the embedding's, nothing more


def test_saving_the_whole_graph(tmp_path):
    model, inputs = build_triplet_model(embedding(), CONDITIONS), batch()
    model.save(tmp_path / "triplet.keras")
    again = keras.models.load_model(tmp_path / "triplet.keras", custom_objects=CUSTOM)
    np.testing.assert_allclose(np.asarray(again(inputs)), np.asarray(model(inputs)), atol=1e-6)


def test_conditions_without_widths_take_any_size():
    conditions = Conditions([SharedTag("artist", width=0)])
    model, inputs = build_triplet_model(embedding(5), conditions), batch()
    inputs["condition"][:] = 0
    assert np.isfinite(np.asarray(model(inputs))).all()


@pytest.mark.parametrize("mask", ["fixed", "none"])
def test_widths_that_do_not_add_up_are_refused(mask):
    with pytest.raises(UserError, match="add up to 7, the embedding has 8"):
        build_triplet_model(embedding(8), CONDITIONS, mask)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"mask": "soft"}, "'soft'; known are: fixed, learned, none"),
        ({"norm_order": "norm"}, "'norm'; known are: mask_then_norm, norm_then_mask"),
    ],
)
def test_unknown_options_list_the_known(arguments, said):
    with pytest.raises(UserError, match=said):
        build_triplet_model(embedding(), CONDITIONS, **arguments)
