"""A step is timed in a process of its own; the network in PyTorch is the same one, where PyTorch is."""

import subprocess
import sys

import numpy as np
import pytest
from dmml_tf.configs.small import WIDTH

from dmml_tf.benchmarks import training_step
from dmml_tf.benchmarks.training_step import (
    KERAS,
    TORCH,
    StepPlan,
    bench_steps,
    frontend_step,
    has_torch,
    keras_step,
)
from dmml_tf.models.embedding import build_embedding

WIDTHS = (4, 1, 1, 1, 2, 4, 8)
SMALL = StepPlan("small", {"block": "inception", "width": WIDTHS, "frontend": "log_mel"}, 6, 20)


def test_a_plan_is_a_configurations_network_and_batch():
    network = {"block": "inception", "width": (64,) * 7, "frontend": "log_mel"}
    assert StepPlan.of_config("disentangled_track") == StepPlan("disentangled_track", network, 96, 768)
    assert StepPlan.of_config("demo").triplets == 4096
    assert StepPlan.of_config("block_conv").network["block"] == "conv"
    assert StepPlan.of_config("block_conv", small=True).network["width"] == WIDTH
    assert StepPlan.of_config("demo").in_torch
    assert not any(StepPlan.of_config(name).in_torch for name in ("block_conv", "frontend_leaf"))


@pytest.mark.slow
def test_a_step_trains():
    step = keras_step(SMALL)
    losses = [step() for _ in range(8)]
    assert np.isfinite(losses).all() and min(losses[1:]) < losses[0]


@pytest.mark.spawns
def test_without_pytorch_the_package_is_timed_alone(monkeypatch):
    monkeypatch.setattr(training_step, "has_torch", lambda: False)
    (line,) = bench_steps([SMALL], steps=2, rounds=1)
    assert line.startswith("small, 6 windows and 20 triplets a step: Keras 0.")
    assert line.endswith(" CPU s; PyTorch is not installed (extra [bench])")


def test_a_frontend_takes_its_batch_there_and_back():
    plan = StepPlan("mel", {"frontend": "log_mel_audio"}, 2, 20)
    assert 0 < frontend_step(plan)() < 10
    with pytest.raises(KeyError):
        frontend_step(StepPlan("bodies", {"frontend": "sample_cnn"}, 2, 20))


def test_all_are_timed_in_turn_and_a_frontend_has_its_share(monkeypatch):
    asked = []

    def answer(module, function, plan, steps):
        asked.append((plan.name, function))
        return [(2.0, 1.0)] * steps if function == "time_keras" else [(1.0, 0.25)] * steps

    monkeypatch.setattr(training_step, "in_new_process", answer)
    plans = [StepPlan(name, {"frontend": name}, 2, 20) for name in ("leaf", "sample_cnn")]
    lines = bench_steps(plans, steps=3, rounds=2)
    assert asked == [("leaf", "time_keras"), ("leaf", "time_frontend"), ("sample_cnn", "time_keras")] * 2
    assert lines == [
        "leaf, 2 windows and 20 triplets a step: Keras 2.000 s, 1.000 CPU s; frontend leaf 0.250 CPU s, 25 % of it",
        "sample_cnn, 2 windows and 20 triplets a step: Keras 2.000 s, 1.000 CPU s",
    ]


def test_the_line_says_the_ratio_to_pytorch():
    line = training_step._line(SMALL, {KERAS: np.array([0.3, 0.6]), TORCH: np.array([0.6, 0.8])})
    assert line.endswith("PyTorch 0.600 s, 0.800 CPU s; 0.50 of PyTorch's time, 0.75 of its CPU time")


IN_TORCH = """
import numpy as np, torch
from dmml_tf.benchmarks import in_torch
network = in_torch.build_network({widths})
assert sum(value.numel() for value in network.parameters()) == {numbers}
assert network(torch.zeros(2, 1, 129, 128)).shape == (2, 256)
step = in_torch.training_step({widths}, 6, np.eye(4).repeat(64, 1), 20, 0.1)
losses = [step() for _ in range(8)]
assert np.isfinite(losses).all() and min(losses[1:]) < losses[0]
"""


@pytest.mark.skipif(not has_torch(), reason="PyTorch is not installed")
def test_the_network_in_pytorch_is_the_same_one():
    numbers = sum(int(np.prod(value.shape)) for value in build_embedding(width=WIDTHS).trainable_variables)
    # In a process of its own, as the benchmark: beside TensorFlow it dies.
    code = IN_TORCH.format(widths=WIDTHS, numbers=numbers)
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
