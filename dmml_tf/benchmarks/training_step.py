"""How long a training step takes, beside the same network in PyTorch where that is installed."""

import dataclasses
import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf import configs
from dmml_tf.benchmarks.timing import Times, in_new_process, times_of
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.models.embedding import build_embedding
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.objectives.triplets import build_triplet_model
from dmml_tf.training.optimizers import build_optimizer
from tfrecords_tools.features import PAPER_CHAIN

CONDITIONS = Conditions([SharedTag(name, width=64) for name in ("genre", "mood", "instrument", "tempo")])
KERAS, TORCH = "Keras", "PyTorch"
MARGIN = 0.1


@dataclasses.dataclass(frozen=True)
class StepPlan:
    """What is timed.

    Attributes:
        name: of the configuration.
        widths: of the stem and the six blocks.
        windows: of a batch.
        triplets: of a batch.
    """

    name: str
    widths: Sequence[int]
    windows: int
    triplets: int

    @classmethod
    def of_config(cls, name: str) -> "StepPlan":
        """The network and the batch of a configuration with a body of Inception blocks."""
        config = configs.load(name)
        batch = config.batch
        return cls(name, tuple(config.network.width), batch.tracks * batch.windows, batch.triplets)


def has_torch() -> bool:
    """Whether PyTorch is installed; imports nothing."""
    return importlib.util.find_spec("torch") is not None


def keras_step(plan: StepPlan) -> Callable[[], float]:
    """A function that takes a step on made data, compiled as by `dmml train`, and gives the mean loss so far."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = build_triplet_model(build_embedding(width=plan.widths), CONDITIONS)
    model.compile(build_optimizer("Adam", 0.01), TripletHinge(MARGIN), jit_compile=False)
    condition = rng.integers(len(CONDITIONS), size=plan.triplets).astype(np.int32)
    inputs = {
        "windows": rng.random((plan.windows, PAPER_CHAIN.window_frames, PAPER_CHAIN.n_mels), np.float32),
        "triplets": rng.integers(plan.windows, size=(plan.triplets, 3)).astype(np.int32),
        "condition": condition,
    }
    batches = iter(tf.data.Dataset.from_tensors((inputs, condition)).repeat())
    # Not by `train_on_batch`, which wants as many windows as triplets.
    model.make_train_function()
    return lambda: float(model.train_function(batches)["loss"])


def time_keras(plan: StepPlan, steps: int) -> Times:
    """Times so many of these steps."""
    return times_of(keras_step(plan), steps)


def bench_step(plan: StepPlan, steps: int = 10, rounds: int = 2) -> str:
    """Times both in turn, each time in a new process; a line with medians and, where PyTorch is, the ratio.

    Args:
        plan: what is timed.
        steps: that each process times.
        rounds: processes of each.
    """
    made = (plan.widths, plan.windows, CONDITIONS.masks(CONDITIONS.size), plan.triplets, MARGIN)
    times: dict[str, Times] = {KERAS: [], **({TORCH: []} if has_torch() else {})}
    for _ in range(rounds):
        times[KERAS] += in_new_process(__name__, "time_keras", plan, steps)
        if TORCH in times:
            # In one process with TensorFlow both die.
            times[TORCH] += in_new_process("dmml_tf.benchmarks.in_torch", "time_torch", steps, *made)
    return _line(plan, {name: np.median(taken, axis=0) for name, taken in times.items()})


def _line(plan: StepPlan, medians: dict[str, np.ndarray]) -> str:
    parts = [f"{name} {wall:.3f} s, {cpu:.3f} CPU s" for name, (wall, cpu) in medians.items()]
    line = f"{plan.name}, {plan.windows} windows and {plan.triplets} triplets a step: {'; '.join(parts)}"
    if TORCH not in medians:
        return f"{line}; PyTorch is not installed (extra [bench])"
    wall, cpu = medians[KERAS] / medians[TORCH]
    return f"{line}; {wall:.2f} of PyTorch's time, {cpu:.2f} of its CPU time"
