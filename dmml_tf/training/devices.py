"""Where a training computes: on one device, on several of this machine, or on those of several workers in step."""

import contextlib
import dataclasses
import functools
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow import keras

from dmml_tf.data.parts import Part
from tfrecords_tools.errors import UserError

ALL, WORKERS = "all", "workers"
_FIELD = "config.train.devices"
_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
# What TensorFlow says when another worker does not answer any more.
_GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError, tf.errors.InternalError)


@dataclasses.dataclass(frozen=True)
class Devices:
    """The replicas of a network that train together, each on its part of a batch.

    Attributes:
        strategy: None on one device, where nothing is distributed.
        replicas: in all.
        worker: number of this process, from 0; the first one is the chief, who alone writes the run.
        workers: processes in all.
    """

    strategy: tf.distribute.Strategy | None = None
    replicas: int = 1
    worker: int = 0
    workers: int = 1

    @property
    def chief(self) -> bool:
        """Whether this process writes the run."""
        return self.worker == 0

    @property
    def parts(self) -> list[Part]:
        """What this process's own replicas read of a split."""
        own = self.replicas // self.workers
        return [Part(number, self.replicas) for number in range(self.worker * own, (self.worker + 1) * own)]

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Within it variables are made, a copy for each replica."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def distribute(self, batches: tf.data.Dataset) -> Any:
        """This process's batches, which come in turn for its replicas, as `model.fit` takes them."""
        assert self.strategy is not None
        return self.strategy.distribute_datasets_from_function(lambda _: batches)

    def wait_for_all(self) -> None:
        """Returns once every worker is here."""
        if self.strategy is not None and self.workers > 1:
            ones = self.strategy.run(lambda: tf.constant(1))
            self.strategy.reduce(tf.distribute.ReduceOp.SUM, ones, axis=None)

    @contextlib.contextmanager
    def worker_errors(self) -> Iterator[None]:
        """Around what the workers compute together: one line when one of them is gone."""
        try:
            yield
        except _GONE as error:
            if self.workers == 1:
                raise
            lines = str(error).splitlines()
            why = next((line for line in lines if "Error reported from" in line), lines[0])
            raise UserError(
                f"worker {self.worker} of {self.workers}: another worker is gone ({why[:160]}); start all of "
                "them again with the same commands: they go on after the last epoch"
            ) from error


def choose_devices(setting: int | str) -> Devices:
    """The devices that `config.train.devices` names.

    Args:
        setting: a number of this machine's GPUs (without one: of its logical CPUs), `all` of them, or `workers`: all of
            every process that the environment variable `TF_CONFIG` names, which must start before TensorFlow has
            computed anything here.

    Raises:
        UserError: on another value, more devices than there are, a `TF_CONFIG` that is missing or wrong, or workers on
            Keras 3, whose `fit` does not take them.
    """
    if setting == WORKERS:
        return _workers()
    if setting == 1:
        return Devices()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if setting != ALL and not re.fullmatch(r"[1-9]\d*", str(setting)):
        raise UserError(f'{_FIELD} is {setting!r}; it takes a number of devices, "{ALL}" or "{WORKERS}"')
    count = len(devices) if setting == ALL else int(setting)
    if count == 1:
        return Devices()
    if count > len(devices):
        kind = devices[0].device_type
        raise UserError(f'{_FIELD} is {count}, this machine has {len(devices)} ({kind}); take fewer or "{ALL}"')
    return Devices(_mirrored(tuple(device.name for device in devices[:count])), count)


# One of each a process: a second one would number its sums over the replicas as the first one does, and meet them.
@functools.cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(names)


@functools.cache
def _of_workers() -> tf.distribute.Strategy:
    return tf.distribute.MultiWorkerMirroredStrategy()


def _workers() -> Devices:
    addresses, worker = _read_tf_config()
    if len(addresses) == 1:
        return choose_devices(ALL)
    if hasattr(keras, "distribution"):  # Keras 3 has a distribution of its own, for JAX alone
        raise UserError(
            f'{_FIELD} "{WORKERS}" takes the environment of TensorFlow 2.15: the fit of Keras {keras.__version__} '
            f'knows no several workers; "{ALL}" takes all devices of this machine'
        )
    print(f"worker {worker} of {len(addresses)}: waits for {', '.join(addresses)}", file=sys.stderr, flush=True)
    try:
        strategy = _of_workers()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"{_FIELD} {WORKERS}: {str(error).splitlines()[0]}; start each worker as its own process"
        ) from error
    return Devices(strategy, strategy.num_replicas_in_sync, worker, len(addresses))


def _read_tf_config() -> tuple[list[str], int]:
    """(addresses of the workers, number of this one)."""
    given = os.environ.get("TF_CONFIG", "")
    if not given:
        raise UserError(f"{_FIELD} \"{WORKERS}\" reads the workers from the variable TF_CONFIG, such as '{_EXAMPLE}'")
    try:
        content = json.loads(given)
        cluster, task = content["cluster"], content["task"]
        addresses = [str(address) for kind in ("chief", "worker") for address in cluster.get(kind, ())]
        number = int(task["index"]) + (len(cluster.get("chief", ())) if task["type"] == "worker" else 0)
        if task["type"] not in ("chief", "worker") or not 0 <= number < len(addresses):
            raise ValueError(f"no {task['type']} {task['index']} in the cluster")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG cannot be read ({error!r}); it must be as '{_EXAMPLE}'") from error
    return addresses, number
