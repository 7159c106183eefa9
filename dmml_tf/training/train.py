"""Training: a configuration and a dataset in, a run folder out. `compile` and `fit`, nothing overridden."""

import collections
import contextlib
import csv
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import ml_collections
from absl import logging
from tensorflow import keras

from dmml_tf.conditions import Condition, Conditions, class_of_row
from dmml_tf.data.judgements.clips import with_judgements
from dmml_tf.data.label_check import check_conditions
from dmml_tf.data.pipeline import BatchPlan, form_batches, pipeline_errors, triplet_dataset
from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.masks import learned_masks
from dmml_tf.pretrained.unpack import require_trainable
from dmml_tf.run import BOARD, UNNAMED, Run
from dmml_tf.training.batches import fit_batches, share_batch
from dmml_tf.training.callbacks import (
    NAN_BATCH,
    Checkpoint,
    CollapseWarning,
    EmbeddingSpread,
    EpochBoard,
    EpochLine,
    StopOnNaN,
)
from dmml_tf.training.config import from_fields, in_todays_layout, load_data, named_group
from dmml_tf.training.devices import Devices, choose_devices
from dmml_tf.training.objectives.build import TRIPLETS, build_objective
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.precision import FLOAT32, Follow, training_form
from dmml_tf.training.schedules import Schedule, build_schedule
from tfrecords_tools.dataset import FILE_NAME, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file, write_json
from tfrecords_tools.stores.address import require_local

SPREAD_WINDOWS = 192
RECENT = 32  # batches whose tracks are remembered: more than the pipeline prepares ahead


def conditions_from_config(config: ml_collections.ConfigDict, dataset: Dataset) -> Conditions:
    """The configuration's conditions, in `config.order`, without those whose column the data lacks.

    A user's own table may have no mood: the model then has no such sub-space, and says so.

    Raises:
        UserError: if it is no system's configuration, `order` names a condition that is not configured, a field of it
            is wrong, widths do not add up to `config.embedding`, its kind does not fit its column, or none is left.
    """
    _require_system(config)
    tags, values = {*dataset.schema.vocabularies, "artist"}, {*dataset.schema.values}
    if unknown := [name for name in config.order if name not in config.conditions]:
        raise UserError(f"config.order names '{unknown[0]}', config.conditions has: {', '.join(config.conditions)}")
    widths = sum(config.conditions[name].get("width", 64) for name in config.order)
    if widths not in (0, config.embedding):
        raise UserError(
            f"the widths of config.order's conditions add up to {widths}, config.embedding is "
            f"{config.embedding}; make them equal"
        )
    kept = []
    for name in config.order:
        kind, fields = class_of_row({"name": name, **config.conditions[name]})
        condition = from_fields(kind, f"config.conditions.{name}", fields)
        if condition.can_read(tags, values):
            kept.append(condition)
        elif condition.column in {*tags, *values, "track"}:
            raise UserError(
                f"condition '{name}': kind '{condition.kind}' cannot read column '{condition.column}'; {_reads()}"
            )
        else:
            logging.warning("no column '%s' in %s: the model is trained without it", condition.column, dataset.folder)
    return Conditions(kept)


def _reads() -> str:
    """What each kind that compares labels reads, for a message."""
    kinds = [kind for kind in Condition.kinds.values() if kind.by_label]
    return ", ".join(f"{kind.kind} reads {'tags' if kind.reads_tags else 'values'}" for kind in kinds)


# (network that trains, dataset, conditions, TensorBoard's folder) -> callbacks that draw into it each epoch.
Pictures = Callable[[keras.Model, Dataset, Conditions, Path], Sequence[keras.callbacks.Callback]]


def train(
    config: ml_collections.ConfigDict,
    data: str | os.PathLike,
    folder: str | os.PathLike,
    pictures: Pictures | None = None,
    name: str = UNNAMED,
) -> Run:
    """Trains one model, or finds it trained, or goes on where an interrupted training stopped.

    Args:
        config: see `configs/disentangled_track.py`.
        data: folder of a built dataset, or its address.
        folder: the run's folder.
        pictures: makes further callbacks, such as `dmml_tf.pictures.callbacks.training_pictures`.
        name: of the configuration; a run that is found trained keeps the name that it has.

    Returns:
        The finished run.

    Raises:
        UserError: on data or a configuration that cannot be trained, or a folder that holds a run of
            another configuration or the model that comes with the package.
    """
    require_local(folder, "--run")
    require_trainable(folder)
    _require_system(config)
    devices = choose_devices(config.train.get("devices", 1))  # before TensorFlow has computed anything
    folder, dataset = Path(folder), load_data(config, data)
    plain = _recorded(config, dataset, data)
    if _finished(folder, plain):
        print(f"{folder}: already trained with this configuration")
        return Run.load(folder)
    keras.utils.set_random_seed(config.seed)
    conditions = conditions_from_config(config, dataset)
    objective_name, _ = named_group(config.objective, "config.objective")
    for split in ("train", "valid"):
        check_conditions(dataset, split, conditions, triplets=objective_name in TRIPLETS)
    size = conditions.size or config.embedding
    embedding = from_fields(
        build_embedding, "config.network", {**config.network, "size": size}, features=dataset.features
    )
    precision = config.train.get("precision", FLOAT32)
    shared = share_batch(config, dataset, conditions, devices.replicas)
    with devices.scope():
        trained = training_form(embedding, precision, devices.replicas > 1)
        objective = build_objective(shared, dataset, conditions, trained)
        objective.compile(
            config.train.learning_rate, config.train.optimizer, config.train.lookahead, precision == "mixed_float16"
        )
    epochs, steps = divide_steps(config.train.steps, config.train.steps_per_epoch)
    schedule = build_schedule(config.train.schedule, config.train.learning_rate, epochs * steps)
    drawn: Sequence[keras.callbacks.Callback] = []
    if devices.chief:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "config.json", plain)
        drawn = pictures(embedding, dataset, objective.conditions, folder / BOARD) if pictures is not None else []
    follow = Follow(trained, embedding)
    with devices.worker_errors():
        _fit(config, dataset, conditions, follow, objective, schedule, folder, plain, drawn, devices)
    run = Run(
        folder=folder,
        conditions=objective.conditions,
        network={**config.network, "size": embedding.output_shape[-1]},
        features=dataset.features,
        schema=dataset.without_segments().schema,  # of its records a run's model needs none
        dataset=dataset.address or str(data),
        norm_order=config.norm_order,
        masks=learned_masks(objective.model),
        name=name,
    )
    if devices.chief:
        if objective.save is not None:
            objective.save(folder)
        run.save(embedding)
        shutil.rmtree(folder / "checkpoints")
    with devices.worker_errors():
        devices.wait_for_all()  # a worker that goes on finds the run whole
    return run


def _recorded(config: ml_collections.ConfigDict, dataset: Dataset, data: str | os.PathLike) -> dict:
    """What config.json says of a training, by which it is known again."""
    return in_todays_layout(
        {
            "data": dataset.address or str(data),
            # A dataset that was built anew in the same folder is other data.
            "data_sha256": _digest(dataset.folder / FILE_NAME),
            **file_digests(config),
            **json.loads(config.to_json()),
        }
    )


def measure_pipeline(
    dataset: Dataset, split: str, conditions: Conditions, plan: BatchPlan, seed: int = 0, batches: int = 60
) -> float:
    """Windows a second that the input pipeline delivers by itself, after its pool has filled."""
    stream = iter(triplet_dataset(dataset, split, conditions, plan, batches + 5, seed))
    for _ in range(5):
        next(stream)
    begun, windows = time.monotonic(), 0
    for inputs, _, _ in stream:
        windows += len(inputs["windows"])
    return windows / (time.monotonic() - begun)


def _fit(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    conditions: Conditions,
    follow: Follow,
    objective: Objective,
    schedule: Schedule,
    folder: Path,
    plain: dict,
    pictures: Sequence[keras.callbacks.Callback],
    devices: Devices,
) -> None:
    plan, model = from_fields(BatchPlan, "config.batch", config.batch), objective.model
    train_form, valid_form = (
        with_judgements(objective.form, dataset, split, conditions, plan, config.seed) for split in ("train", "valid")
    )
    epochs, steps = divide_steps(config.train.steps, config.train.steps_per_epoch)
    recent: collections.deque = collections.deque(maxlen=RECENT * len(devices.parts))
    with contextlib.ExitStack() as stack:
        # To read the weights of workers takes them all, so that each of them saves, but one alone for good.
        own = None if devices.chief else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        checkpoint = Checkpoint(folder / "checkpoints", schedule, plain, own)
        done, stopped = checkpoint.restore(model)
        follow.copy()
        if done and devices.chief:
            print(f"{folder}: resuming after epoch {done} of {epochs}")
        nan_batch = NAN_BATCH if devices.chief else f"worker{devices.worker}.{NAN_BATCH}"
        callbacks = [StopOnNaN(folder, recent, nan_batch), follow]
        if devices.chief:
            windows = next(form_batches(dataset, "valid", conditions, plan, valid_form, config.seed))[0]["windows"]
            callbacks += [EmbeddingSpread(follow.plain, windows[:SPREAD_WINDOWS])]
        callbacks += [schedule]
        if devices.chief:
            callbacks += [CollapseWarning(logging.warning), EpochLine(epochs, steps * plan.embedded)]
        callbacks += [checkpoint]
        if devices.chief:
            callbacks += [*pictures, EpochBoard(str(folder / BOARD))]
        if not stopped and done < epochs:
            train_batches, train_steps = fit_batches(
                dataset, "train", conditions, plan, train_form, steps, config.seed, devices, done, recent=recent
            )
            valid_batches, valid_steps = fit_batches(
                dataset,
                "valid",
                conditions,
                plan,
                valid_form,
                config.train.validation_steps,
                config.seed,
                devices,
                same_every_epoch=True,
            )
            with pipeline_errors():
                model.fit(
                    train_batches,
                    validation_data=valid_batches,
                    steps_per_epoch=train_steps,
                    validation_steps=valid_steps,
                    epochs=epochs,
                    initial_epoch=done,
                    callbacks=callbacks,
                    verbose=0,
                )
    if devices.chief:
        write_history(folder / "history.csv", checkpoint.history)


def divide_steps(steps: int, per_epoch: int) -> tuple[int, int]:
    """(epochs, steps an epoch) for `steps` in all: as few and as even epochs as `per_epoch` allows.

    Raises:
        UserError: if either is below 1.
    """
    if steps < 1 or per_epoch < 1:
        raise UserError(f"train.steps and train.steps_per_epoch must be 1 or more, got {steps} and {per_epoch}")
    epochs = -(-steps // per_epoch)
    return epochs, -(-steps // epochs)


def write_history(path: Path, rows: list[dict]) -> None:
    """One CSV row an epoch, under a temporary name first."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["epoch"])
        writer.writeheader()
        writer.writerows(rows)


def file_digests(config: ml_collections.ConfigDict) -> dict[str, str]:
    """SHA-256 of the files that a configuration names (votes, word vectors): their content may change, the name not."""
    named = {
        f"conditions.{name}.file": config.conditions[name].get("file")
        for name in config.order
        if name in config.conditions
    }
    named["objective.file"] = config.objective.get("file")
    named["zero_shot.words"] = config.get("zero_shot", {}).get("words")
    return {f"{field}_sha256": _digest(Path(file)) for field, file in named.items() if file and Path(file).is_file()}


def _require_system(config: ml_collections.ConfigDict) -> None:
    if "conditions" not in config:
        raise UserError(
            "the configuration is no system: it has no conditions; systems are configs/*.py, and "
            "`dmml table` takes configs/tables/*.py"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _finished(folder: Path, plain: dict) -> bool:
    """Whether the folder holds a whole run of this configuration."""
    if not (folder / "model.json").exists():
        return False
    try:
        trained = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / 'config.json'}: cannot be read ({error}); choose another --run folder") from error
    if in_todays_layout(trained) != plain:
        raise UserError(
            f"{folder}: holds a run of another configuration or of other data; choose another --run folder or remove it"
        )
    return True
