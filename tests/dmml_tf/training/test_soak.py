"""Ten thousand steps without growth in memory: the whole training, and the input pipeline by itself.

MALLOC_ARENA_MAX=1 pytest -m soak -s tests/dmml_tf/training/test_soak.py
"""

import ctypes
import os
from pathlib import Path

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.data.forms import triplet_form
from dmml_tf.data.pipeline import BatchPlan, form_batches, triplet_dataset
from dmml_tf.training.train import conditions_from_config, train
from tests.synthetic import tiny_config, write_dataset

STEPS, SETTLED, EVERY = 10_000, 2_000, 100
LIMIT = 1.5  # MiB a thousand steps

pytestmark = [
    pytest.mark.soak,
    # With an arena for each of its threads the C library takes up to 20,000 steps until all have their size.
    pytest.mark.skipif(os.environ.get("MALLOC_ARENA_MAX") != "1", reason="needs MALLOC_ARENA_MAX=1 in the environment"),
]


def resident() -> float:
    """MiB of memory this process holds, after the C library has given back what it keeps for later."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Memory(keras.callbacks.Callback):
    """Resident memory by step."""

    def __init__(self):
        super().__init__()
        self.steps, self.seen = 0, {}

    def note(self):
        self.steps += 1
        if self.steps % EVERY == 0:
            self.seen[self.steps] = resident()
        if self.steps % 1000 == 0:
            print(f"step {self.steps}: {self.seen[self.steps]:.1f} MiB", flush=True)

    def on_train_batch_end(self, batch, logs=None):
        self.note()

    def growth(self, what: str) -> float:
        """MiB a thousand steps from the 2,000th on: the slope of the straight line that fits best."""
        steps, held = np.array([pair for pair in self.seen.items() if pair[0] >= SETTLED]).T
        slope = float(np.polyfit(steps / 1000, held, 1)[0])
        print(
            f"{what}: {held[0]:.1f} MiB at step {steps[0]:.0f}, {held[-1]:.1f} at {steps[-1]:.0f}, "
            f"most {held.max():.1f}; {slope:+.3f} MiB a thousand steps"
        )
        return slope


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """More tracks than the pool holds, so that the records are read again and again."""
    return write_dataset(tmp_path_factory.mktemp("streamed"), {"train": 120, "valid": 12}, frames=200)


@pytest.fixture(scope="module")
def config():
    found = tiny_config(STEPS, 500, width=(2, 1, 1, 1, 1, 1, 1))
    found.batch.update({"tracks": 4, "triplets": 32, "pool": 40})
    return found


def test_a_training(streamed, config, tmp_path):
    memory = Memory()
    train(config, streamed.folder, tmp_path / "run", lambda *_: [memory])
    assert memory.steps == STEPS and memory.growth("model.fit") < LIMIT


@pytest.mark.parametrize("through", ["generator", "tf.data"])
def test_the_pipeline_by_itself(streamed, config, through):
    plan, conditions, memory = BatchPlan(**config.batch), conditions_from_config(config, streamed), Memory()
    if through == "generator":
        batches = form_batches(streamed, "train", conditions, plan, triplet_form(conditions, plan.triplets), 0)
    else:
        batches = iter(triplet_dataset(streamed, "train", conditions, plan, STEPS, 0))
    for _ in range(STEPS):
        next(batches)
        memory.note()
    assert memory.growth(f"pipeline, {through}") < LIMIT
