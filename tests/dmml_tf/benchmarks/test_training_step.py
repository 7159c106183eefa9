"""A step is timed in a process of its own; the network in PyTorch is the same one, where PyTorch is."""

import subprocess
import sys

import numpy as np
import pytest

from dmml_tf.benchmarks import training_step
from dmml_tf.benchmarks.training_step import KERAS, TORCH, StepPlan, bench_step, has_torch, keras_step
from dmml_tf.models.embedding import build_embedding

SMALL = StepPlan("small", (4, 1, 1, 1, 2, 4, 8), 6, 20)


def test_a_plan_is_a_configurations_network_and_batch():
    assert StepPlan.of_config("disentangled_track") == StepPlan("disentangled_track", (64,) * 7, 96, 768)
    assert StepPlan.of_config("demo").triplets == 4096


def test_a_step_trains():
    step = keras_step(SMALL)
    losses = [step() for _ in range(8)]
    assert np.isfinite(losses).all() and min(losses[1:]) < losses[0]


@pytest.mark.spawns
def test_without_pytorch_the_package_is_timed_alone(monkeypatch):
    monkeypatch.setattr(training_step, "has_torch", lambda: False)
    line = bench_step(SMALL, steps=2, rounds=1)
    assert line.startswith("small, 6 windows and 20 triplets a step: Keras 0.")
    assert line.endswith(" CPU s; PyTorch is not installed (extra [bench])")


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
    numbers = sum(int(np.prod(value.shape)) for value in build_embedding(width=SMALL.widths).trainable_variables)
    # In a process of its own, as the benchmark: beside TensorFlow it dies.
    code = IN_TORCH.format(widths=SMALL.widths, numbers=numbers)
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
