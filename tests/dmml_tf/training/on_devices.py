"""A training on two replicas, or on one device with both replicas' batches as one: what test_devices.py starts.

    python -m tests.dmml_tf.training.on_devices MODE DATA FOLDER [DIES_BEFORE_EPOCH]

`virtual` trains on two virtual devices, then on one device in FOLDER/one; `workers` is one of the workers of TF_CONFIG,
which goes away before an epoch; 0 is none.
"""

import collections
import itertools
import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

import dmml_tf.training.train as training
from dmml_tf.data.forms import FILLING, filled_form, triplet_form
from dmml_tf.data.parts import Part
from dmml_tf.data.pipeline import form_batches
from dmml_tf.training.devices import choose_devices
from dmml_tf.training.losses import MinedHinge, TagCrossentropy, TripletHinge
from tests.synthetic import tiny_config


def config(devices):
    """20 steps in 5 epochs."""
    made = tiny_config(steps=20, steps_per_epoch=4)
    made.train.update({"devices": devices, "learning_rate": 0.0005, "validation_steps": 1})
    return made


def joined(batches):
    """Two replicas' batches as one, whose triplets name its own rows."""
    (first, *others), (second, *more) = batches
    inputs = {name: np.concatenate([first[name], second[name]]) for name in ("windows", "condition")}
    moved = second["triplets"] + np.int32(len(first["windows"]))
    inputs["triplets"] = np.concatenate([first["triplets"], moved])
    condition, weights = (np.concatenate(pair) for pair in zip(others, more))
    # What fills a batch up has no weight; Keras divides by all, and by as many in every step.
    counts[np.sum(others[0] >= 0), np.sum(more[0] >= 0)] += 1
    return inputs, condition, weights * np.float32(len(condition) / np.sum(condition >= 0))


def joined_batches(dataset, split, conditions, plan, form, steps, seed, devices, *given, **named):
    """In place of `fit_batches`: what two replicas would be given, for one device."""
    half, count = plan.divide(2), plan.triplets // 2
    of_half = filled_form(triplet_form(conditions, count), count)

    def epochs():
        for epoch in itertools.count(step=0 if "same_every_epoch" in named else 1):
            parts = (Part(number, 2) for number in range(2))
            both = [form_batches(dataset, split, conditions, half, of_half, seed, epoch, part) for part in parts]
            for batches in itertools.islice(zip(*both), steps):
                yield joined(batches)

    return tf.data.Dataset.from_generator(epochs, output_signature=form.tensors), steps


counts: collections.Counter = collections.Counter()  # of the triplets that the two replicas drew


def share_of_each(strategy, loss, parts):
    """A loss and its gradient by a factor of the predictions, as each of two replicas computes them."""

    def compute(targets, predictions):
        factor = tf.constant(1.0)
        with tf.GradientTape() as tape:
            tape.watch(factor)
            value = tf.reduce_mean(loss.call(targets, factor * predictions))
        return value, tape.gradient(value, factor)

    if strategy is None:
        return [float(value) for value in compute(*parts)]
    given = [
        strategy.experimental_distribute_values_from_function(lambda c, k=k: parts[c.replica_id_in_sync_group][k])
        for k in range(2)
    ]
    values, gradients = map(strategy.experimental_local_results, strategy.run(compute, given))
    return [[float(value) for value in values], sum(map(float, gradients)) / 2]


def losses():
    """Losses of other objectives than given triplets: (loss, what each of two replicas has, what one device has)."""
    rng = np.random.default_rng(0)
    whole = np.zeros((2, 10, 10), np.int8)
    parts = [rng.integers(-1, 2, (2, size, size)).astype(np.int8) for size in (4, 6)]
    distances = rng.uniform(0, 2, (2, 10, 10)).astype(np.float32)
    places = (slice(0, 4), slice(4, 10))
    for place, part in zip(places, parts):
        whole[:, place, place] = part
    mined = [tf.constant(part) for part in parts], [tf.constant(distances[:, place, place]) for place in places]
    yield MinedHinge("semi_hard"), [*zip(*mined)], (tf.constant(whole), tf.constant(distances))
    targets, logits = rng.integers(2, size=(10, 3)).astype(np.float32), rng.normal(size=(10, 3)).astype(np.float32)
    targets[[0, 1, 2, 7]] = -1  # no tags, three of them in the first replica
    tags = [(tf.constant(targets[half]), tf.constant(logits[half])) for half in (slice(0, 5), slice(5, 10))]
    yield TagCrossentropy(), tags, (tf.constant(targets), tf.constant(logits))
    # Each replica's batch has the same size; the last two triplets of the first one fill it up, and cost nothing.
    condition, pairs = np.zeros(12, np.int32), rng.uniform(0, 2, (12, 2)).astype(np.float32)
    condition[4:6], pairs[4:6], drawn = FILLING, (0, 2), np.r_[0:4, 6:12]
    triplets = [(tf.constant(condition[half]), tf.constant(pairs[half])) for half in (slice(0, 6), slice(6, 12))]
    yield TripletHinge(), triplets, (tf.constant(condition[drawn]), tf.constant(pairs[drawn]))


def notice_soon():
    """A worker that is gone is missed after 10 s, not after a minute."""
    from tensorflow.python.eager import context
    from tensorflow.tsl.protobuf import coordination_config_pb2

    jobs = [coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=2)]
    leader = "/job:worker/replica:0/task:0"
    context.context().configure_coordination_service(
        "standalone", leader, coordinated_jobs=jobs, heartbeat_timeout_in_ms=10_000
    )


def die(line, epoch, logs=None):
    if epoch + 1 == int(sys.argv[4]):
        os._exit(9)


if __name__ == "__main__":
    mode, data, folder = sys.argv[1:4]
    if mode == "workers":
        if len(sys.argv) > 4:
            notice_soon()
            training.StopOnNaN.on_epoch_begin = die
        training.train(config("workers"), data, folder)
    else:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
        strategy = choose_devices("all").strategy
        for loss, parts, whole in losses():
            print("loss:", share_of_each(strategy, loss, parts), share_of_each(None, loss, whole))
        training.train(config("all"), data, Path(folder) / "all")
        training.fit_batches = joined_batches
        training.train(config(1), data, Path(folder) / "one")
        print("triplets drawn:", [[int(n) for n in pair] for pair in counts])
