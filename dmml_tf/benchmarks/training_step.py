"""How long a training step takes, beside the same network in PyTorch where that is installed."""

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf import configs
from dmml_tf.benchmarks.timing import Times, in_new_process, times_of
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.configs.small import make_small
from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.frontends import MAPS
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.objectives.triplets import build_triplet_model
from dmml_tf.training.optimizers import build_optimizer
from tfrecords_tools.features import PAPER_CHAIN

CONDITIONS = Conditions([SharedTag(name, width=64) for name in ("genre", "mood", "instrument", "tempo")])
KERAS, FRONTEND, TORCH = "Keras", "frontend", "PyTorch"
MARGIN = 0.1


@dataclasses.dataclass(frozen=True)
class StepPlan:
    """What is timed.

    Attributes:
        name: of the configuration.
        network: arguments of `dmml_tf.models.embedding.build_embedding`.
        windows: of a batch.
        triplets: of a batch.
    """

    name: str
    network: Mapping
    windows: int
    triplets: int

    @classmethod
    def of_config(cls, name: str, small: bool = False) -> "StepPlan":
        """The network and the batch of a configuration; `small` makes it narrow first, as the tables do."""
        config = configs.load(name)
        config = make_small(config) if small else config
        batch = config.batch
        return cls(name, config.network.to_dict(), batch.tracks * batch.windows, batch.triplets)

    @property
    def in_torch(self) -> bool:
        """Whether `dmml_tf.benchmarks.in_torch` has this network: Inception blocks on log-mels."""
        known = {"block": "inception", "frontend": "log_mel"}
        return {key: value for key, value in self.network.items() if key != "width"} == known

    @property
    def frontend(self) -> str:
        """Name of the frontend."""
        return self.network.get("frontend", "log_mel")


def has_torch() -> bool:
    """Whether PyTorch is installed; imports nothing."""
    return importlib.util.find_spec("torch") is not None


def keras_step(plan: StepPlan) -> Callable[[], float]:
    """A function that takes a step on made data, compiled as by `dmml train`, and gives the mean loss so far."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    embedding = build_embedding(**{**plan.network, "size": CONDITIONS.size})
    model = build_triplet_model(embedding, CONDITIONS)
    model.compile(build_optimizer("Adam", 0.01), TripletHinge(MARGIN), jit_compile=False)
    condition = rng.integers(len(CONDITIONS), size=plan.triplets).astype(np.int32)
    inputs = {
        "windows": _made_windows(plan, embedding.input_shape),
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


def frontend_step(plan: StepPlan) -> Callable[[], float]:
    """A function that takes a batch through the frontend alone and back to its weights, and gives the map's mean.

    Raises:
        KeyError: for a frontend that is a body of its own, and makes no map.
    """
    window, sound = MAPS[plan.frontend](PAPER_CHAIN)
    model = keras.Model(window, sound)
    windows = tf.constant(_made_windows(plan, model.input_shape))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(model(windows, training=True))
        return mean, tape.gradient(mean, model.trainable_weights)

    return lambda: float(step()[0])


def time_frontend(plan: StepPlan, steps: int) -> Times:
    """Times so many of these."""
    return times_of(frontend_step(plan), steps)


def bench_steps(plans: Sequence[StepPlan], steps: int = 10, rounds: int = 2) -> list[str]:
    """Times all in turn, each time in a new process; a line each with medians, and what `_line` says.

    Args:
        plans: what is timed.
        steps: that each process times.
        rounds: processes of each.
    """
    times: list[dict[str, Times]] = [{} for _ in plans]
    for _ in range(rounds):
        for plan, taken in zip(plans, times):
            for name, repeats in _timed(plan, steps).items():
                taken.setdefault(name, []).extend(repeats)
    return [
        _line(plan, {name: np.median(repeats, axis=0) for name, repeats in taken.items()})
        for plan, taken in zip(plans, times)
    ]


def _timed(plan: StepPlan, steps: int) -> dict[str, Times]:
    timed = {KERAS: in_new_process(__name__, "time_keras", plan, steps)}
    if plan.frontend != "log_mel" and plan.frontend in MAPS:
        timed[FRONTEND] = in_new_process(__name__, "time_frontend", plan, steps)
    if plan.in_torch and has_torch():
        # In one process with TensorFlow both die.
        made = (tuple(plan.network["width"]), plan.windows, CONDITIONS.masks(CONDITIONS.size), plan.triplets, MARGIN)
        timed[TORCH] = in_new_process("dmml_tf.benchmarks.in_torch", "time_torch", steps, *made)
    return timed


def _made_windows(plan: StepPlan, shape: tuple) -> np.ndarray:
    """Noise: log-mels of 0 to 1, or samples of -0.5 to 0.5."""
    values = np.random.default_rng(1).random((plan.windows, *shape[1:]), np.float32)
    return values if plan.frontend == "log_mel" else values - 0.5


def _line(plan: StepPlan, medians: dict[str, np.ndarray]) -> str:
    """A step's seconds; the frontend's share of its CPU time, where it computes anything; the ratio to PyTorch."""
    timed = (name for name in (KERAS, TORCH) if name in medians)
    parts = [f"{name} {medians[name][0]:.3f} s, {medians[name][1]:.3f} CPU s" for name in timed]
    line = f"{plan.name}, {plan.windows} windows and {plan.triplets} triplets a step: {'; '.join(parts)}"
    if FRONTEND in medians:
        share = medians[FRONTEND][1] / medians[KERAS][1]
        line += f"; frontend {plan.frontend} {medians[FRONTEND][1]:.3f} CPU s, {100 * share:.0f} % of it"
    if TORCH in medians:
        wall, cpu = medians[KERAS] / medians[TORCH]
        return f"{line}; {wall:.2f} of PyTorch's time, {cpu:.2f} of its CPU time"
    return f"{line}; PyTorch is not installed (extra [bench])" if plan.in_torch else line
