"""What `model.fit` is given: batches of one device, or of replicas that share what the configuration calls a batch."""

import collections
from typing import Any

import ml_collections

from dmml_tf.conditions import Conditions
from dmml_tf.data.forms import Form, filled_form
from dmml_tf.data.pipeline import BatchPlan, form_dataset, replica_dataset
from dmml_tf.training.config import from_fields
from dmml_tf.training.devices import Devices
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError


def fit_batches(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    form: Form,
    steps: int,
    seed: int,
    devices: Devices,
    first_epoch: int = 0,
    same_every_epoch: bool = False,
    recent: collections.deque | None = None,
) -> tuple[Any, int | None]:
    """What `fit` takes, and the steps of an epoch where that does not say them itself."""
    if devices.replicas == 1:
        batches = form_dataset(
            dataset, split, conditions, plan, form, steps, seed, first_epoch, same_every_epoch, recent
        )
        return batches, None
    plan = plan.divide(devices.replicas)
    if "condition" in form.tensors[0]:
        form = filled_form(form, plan.triplets)
    batches = replica_dataset(
        dataset, split, conditions, plan, form, steps, seed, devices.parts, first_epoch, same_every_epoch, recent
    )
    return devices.distribute(batches), steps


def share_batch(
    config: ml_collections.ConfigDict, dataset: Dataset, conditions: Conditions, replicas: int
) -> ml_collections.ConfigDict:
    """The configuration of one replica, whose batch is its part of the one that is configured.

    Raises:
        UserError: on a batch, or a split, that cannot be shared by so many.
    """
    if replicas == 1:
        return config
    plan = from_fields(BatchPlan, "config.batch", config.batch).divide(replicas)
    if plan.explicit or any(condition.triplets_given for condition in conditions):
        what = "config.batch.explicit" if plan.explicit else "a condition of kind 'judged'"
        raise UserError(f"{what} trains on one device: its batches differ in size; set config.train.devices to 1")
    for split in ("train", "valid"):
        if dataset.tracks(split) < 2 * replicas:
            raise UserError(
                f"{dataset.folder}: split '{split}' has {dataset.tracks(split)} tracks, too few for {replicas} "
                "replicas to read two each; set config.train.devices lower"
            )
    shared = config.copy_and_resolve_references()
    shared.batch.update({"tracks": plan.tracks, "triplets": plan.triplets})
    return shared
