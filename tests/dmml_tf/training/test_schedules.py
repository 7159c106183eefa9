"""Learning-rate schedules: the paper's plateaus, and the cosine of a training of fixed length."""

import json
import math

import numpy as np
import pytest
from dmml_tf.configs.disentangled_track import get_config
from tensorflow import keras

from dmml_tf.training.schedules import PlateauThenStop, WarmThenCosine, build_schedule
from tfrecords_tools.errors import UserError


class FakeModel:
    """What a schedule touches of a model."""

    def __init__(self, rate=1.0):
        self.optimizer = type("Optimizer", (), {"learning_rate": rate})()
        self.stop_training = False


def run_schedule(schedule, model, losses):
    """Epochs until it stops, and the rate each was trained with."""
    schedule.set_model(model)
    rates = []
    for epoch, loss in enumerate(losses):
        logs = {"val_loss": loss}
        schedule.on_epoch_end(epoch, logs)
        rates.append(logs["learning_rate"])
        if model.stop_training:
            break
    return rates


def test_the_papers_schedule():
    # Improves for 3 epochs, then never again: a fifth after each 4 epochs, five times; the sixth plateau ends it.
    losses = [0.3, 0.2, 0.1] + [0.1] * 100
    model = FakeModel(0.01)
    rates = run_schedule(PlateauThenStop(), model, losses)
    expected = [0.01] * 7 + [0.01 / 5**n for n in range(1, 6) for _ in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    assert model.stop_training and len(rates) == 27


def test_an_improvement_starts_the_count_again():
    losses = [0.5, 0.6, 0.6, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.39]
    model = FakeModel()
    rates = run_schedule(PlateauThenStop(patience=4, divide_by=2.0, drops=1), model, losses)
    assert rates == [1.0] * 9 + [0.5] and not model.stop_training


def test_equal_is_no_improvement_and_no_drops_means_stop():
    model = FakeModel()
    assert run_schedule(PlateauThenStop(patience=2, drops=0), model, [0.5] * 9) == [1.0] * 3
    assert model.stop_training


def test_a_resumed_schedule_goes_on_counting():
    losses = [0.3, 0.2] + [0.2] * 40
    whole = run_schedule(PlateauThenStop(patience=3, drops=2), FakeModel(), losses)
    first, model = PlateauThenStop(patience=3, drops=2), FakeModel()
    rates = run_schedule(first, model, losses[:6])
    second = PlateauThenStop(patience=3, drops=2)
    second.state = json.loads(json.dumps(first.state))
    assert rates + run_schedule(second, model, losses[6:]) == whole


def cosine_rates(schedule, epochs, steps):
    model, rates = FakeModel(), []
    schedule.set_model(model)
    schedule.set_params({"steps": steps})
    for epoch in epochs:
        schedule.on_epoch_begin(epoch)
        for batch in range(steps):
            schedule.on_train_batch_begin(batch)
            rates.append(model.optimizer.learning_rate)
    return rates


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_the_rate_rises_to_its_peak_and_falls_along_a_cosine(warmup):
    expected = [0.02 / warmup + (0.02 - 0.02 / warmup) * n / warmup for n in range(warmup)]
    expected += [0.01 * (1 + math.cos(math.pi * n / (20 - warmup))) for n in range(20 - warmup)]
    np.testing.assert_allclose(cosine_rates(WarmThenCosine(0.02, 20, warmup), range(4), 5), expected, atol=1e-8)


@pytest.mark.parametrize(
    "rate, steps, warmup", [(0.01, 500, 40), (0.01, 300, 40), (0.02, 20, 0), (0.02, 20, 1), (3e-4, 20, 4), (0.02, 3, 3)]
)
def test_the_rates_are_keras_s_to_the_last_bit(rate, steps, warmup):
    oracle = keras.optimizers.schedules.CosineDecay(
        rate / warmup if warmup else rate,
        max(steps - warmup, 1),
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
    mine = cosine_rates(WarmThenCosine(rate, steps, warmup), [0], steps + 2)
    np.testing.assert_array_equal(mine, [np.float32(oracle(step)) for step in range(steps + 2)])
    # A Python number, which `np.float64` is too, stays in TensorFlow's memory.
    assert {type(found) for found in mine} == {np.float32}


def test_a_resumed_cosine_has_the_rates_of_an_uninterrupted_one():
    whole = cosine_rates(WarmThenCosine(0.02, 20, 4), range(4), 5)
    assert cosine_rates(WarmThenCosine(0.02, 20, 4), range(2, 4), 5) == whole[10:]


def test_the_epoch_s_last_rate_is_logged():
    schedule, model, logs = WarmThenCosine(0.5, 4), FakeModel(0.25), {}
    schedule.set_model(model)
    schedule.on_epoch_end(0, logs)
    assert logs == {"learning_rate": 0.25}


def test_the_configuration_names_the_schedule():
    group = get_config().train.schedule
    assert isinstance(build_schedule(group, 0.01, 100), PlateauThenStop)
    assert isinstance(build_schedule({"name": "cosine", "warmup": 10}, 0.01, 100), WarmThenCosine)
    with pytest.raises(UserError, match="schedule.name 'step' is unknown; known are: plateau, cosine"):
        build_schedule({"name": "step"}, 0.01, 100)


@pytest.mark.parametrize(
    "group, said",
    [
        ({"name": "plateau", "warmup": 10}, "config.train.schedule: .*'warmup'; known fields: patience, divide_by, dr"),
        ({"name": "cosine", "patience": 4}, "config.train.schedule: .*'patience'; known fields: warmup"),
        ({"warmup": 10}, "config.train.schedule must be a group with a name and the fields that it reads"),
        ("cosine", "config.train.schedule must be a group with a name and the fields that it reads"),
    ],
)
def test_a_field_of_another_schedule_is_refused(group, said):
    with pytest.raises(UserError, match=said):
        build_schedule(group, 0.01, 100)
