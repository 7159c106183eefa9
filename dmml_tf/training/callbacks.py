"""What happens between epochs: checkpoint, spread, warnings, one line to read."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tensorflow import keras

from dmml_tf.run import weight_bytes
from dmml_tf.training.config import in_todays_layout
from dmml_tf.training.optimizers import current_rate, load_older_state, prepare_optimizer, save_older_state
from dmml_tf.training.schedules import Schedule
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, whole_file, write_json

WEIGHTS = "last.weights.h5"
STATE = "state.json"
NAN_BATCH = "nan_batch.json"


class EpochBoard(keras.callbacks.TensorBoard):
    """Keras's `TensorBoard` that writes epochs alone, with their figures, and leaves batches be.

    Keras's makes a tensor of each figure after each batch even when it then writes none of them, and TensorFlow keeps
    every such number for as long as the process runs.

    Args:
        log_dir: where the event files go.
    """

    def __init__(self, log_dir: str):
        super().__init__(log_dir, update_freq="epoch", profile_batch=0)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch)


class EmbeddingSpread(keras.callbacks.Callback):
    """Adds `spread` to the epoch's logs: 0 when all windows have one embedding, near 1 when they fill the sphere.

    sqrt(1 - |mean of the unit embeddings|^2) over a fixed set of validation windows.

    Args:
        embedding: the network that trains.
        windows: float32 [N, 129, 128].
    """

    def __init__(self, embedding: keras.Model, windows: np.ndarray):
        super().__init__()
        self.embedding, self.windows = embedding, windows

    def on_epoch_end(self, epoch, logs=None):
        vectors = np.asarray(self.embedding(self.windows, training=False))
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        logs["spread"] = float(np.sqrt(max(0.0, 1.0 - np.square(unit.mean(axis=0)).sum())))


class CollapseWarning(keras.callbacks.Callback):
    """Says so when training sits at the margin: nearly every triplet active and both distances alike.

    A network that maps everything to one point has d(a, p) = d(a, n) = 0 and a loss equal to the
    margin; nothing in the loss curve tells that from slow learning.

    Args:
        warn: takes the one line.
    """

    ACTIVE, GAP = 0.98, 0.005

    def __init__(self, warn: Callable[[str], None]):
        super().__init__()
        self.warn = warn

    def on_epoch_end(self, epoch, logs=None):
        if "active" not in logs:
            return  # an objective without triplets
        gap = logs["d_an"] - logs["d_ap"]
        if logs["active"] >= self.ACTIVE and gap < self.GAP:
            self.warn(
                f"epoch {epoch + 1}: training has collapsed to the margin (active triplets "
                f"{logs['active']:.0%}, d(a,n) - d(a,p) = {gap:.4f}, spread {logs['spread']:.3f}); "
                "lower config.train.learning_rate or choose another seed"
            )


class StopOnNaN(keras.callbacks.Callback):
    """Ends training at the first batch whose loss is not finite, and writes down which tracks were in it.

    Args:
        folder: the run's folder, where `nan_batch.json` goes: epoch and step (both from 1), the batch's track ids,
            and those of the batch before, whose gradient may have broken the weights while its loss was finite.
        recent: ((epoch, number), track ids) of the last batches, see `dmml_tf.data.pipeline.form_dataset`; several of
            one number are its parts.
        name: of the file: each worker knows its own part of a batch alone.

    Raises:
        UserError: at such a batch; the checkpoint of the epoch before stays.
    """

    def __init__(self, folder: Path, recent: Sequence[tuple[tuple[int, int], Sequence[str]]], name: str = NAN_BATCH):
        super().__init__()
        self.path, self.recent = folder / name, recent

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if np.isfinite(logs["loss"]):
            return
        recent = list(self.recent)  # a copy: the pipeline's thread adds to it
        tracks, before = (
            sorted({track for place, ids in recent if place == (self.epoch, number) for track in ids})
            for number in (batch, batch - 1)
        )
        write_json(
            self.path,
            {
                "epoch": self.epoch + 1,
                "step": batch + 1,
                "loss": str(logs["loss"]),
                "tracks": tracks,
                "tracks_before": before,
            },
        )
        raise UserError(
            f"epoch {self.epoch + 1}, step {batch + 1}: the loss is {logs['loss']}; the batch's "
            f"{len(tracks)} tracks are listed in {self.path}: look at these, or lower "
            "config.train.learning_rate and train into another --run folder"
        )


class Checkpoint(keras.callbacks.Callback):
    """Leaves everything needed to resume after each epoch: weights, optimiser, schedule, history.

    Two weight files take turns and the state file that names one of them is renamed into place after
    it, so that a kill at any instant leaves the previous epoch whole.

    Args:
        folder: where `state.json` and two alternating weight files go.
        schedule: its counters are saved and restored.
        config: the run's configuration as plain data; a checkpoint of another one is not resumed.
        written_to: in place of `folder` for a worker that is not the chief: to save takes all of them, but one file is
            enough.

    Raises:
        UserError: at the end of an epoch with a figure, such as the validation's loss, that is not finite; the
            checkpoint before it stays.
    """

    def __init__(self, folder: Path, schedule: Schedule, config: dict, written_to: Path | None = None):
        super().__init__()
        self.folder, self.schedule, self.config = folder, schedule, config
        self.written_to = written_to or folder
        self.history: list[dict] = []

    def on_epoch_end(self, epoch, logs=None):
        broken = next((name for name, value in logs.items() if not np.isfinite(value)), None)
        if broken is not None:
            raise UserError(
                f"epoch {epoch + 1}: {broken} is {logs[broken]}; lower config.train.learning_rate and "
                "train into another --run folder"
            )
        folder = self.written_to
        folder.mkdir(parents=True, exist_ok=True)
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}
        self.history.append(row)
        name = f"{epoch % 2}.{WEIGHTS}"
        require_room(folder, 3 * weight_bytes(self.model))  # Adam keeps two more numbers a weight
        with whole_file(folder / name, durable=True) as temporary:
            self.model.save_weights(str(temporary))
        save_older_state(self.model.optimizer, folder / f"{name}.optimizer.npz")
        write_json(
            folder / STATE,
            {
                "config": self.config,
                "weights": name,
                "learning_rate": current_rate(self.model.optimizer),
                "schedule": self.schedule.state,
                "stopped": bool(self.model.stop_training),
                "history": self.history,
            },
        )

    def restore(self, model: keras.Model) -> tuple[int, bool]:
        """Loads the last checkpoint of the same configuration into a compiled model.

        Returns:
            (epochs done, whether the schedule had ended training); (0, False) if there is none.

        Raises:
            UserError: if the checkpoint is of another configuration.
        """
        path = self.folder / STATE
        if not path.exists():
            return 0, False
        state = json.loads(path.read_text(encoding="utf-8"))
        if in_todays_layout(state["config"]) != self.config:
            raise UserError(
                f"{self.folder.parent}: holds an unfinished run of another configuration or of other data; "
                "choose another --run folder or remove it"
            )
        prepare_optimizer(model.optimizer, model.trainable_variables)
        model.load_weights(str(self.folder / state["weights"]))
        load_older_state(model.optimizer, self.folder / f"{state['weights']}.optimizer.npz")
        model.optimizer.learning_rate = state["learning_rate"]
        self.schedule.state, self.history = state["schedule"], state["history"]
        return len(self.history), state["stopped"]


class EpochLine(keras.callbacks.Callback):
    """One line an epoch, with the training rate and the time left; adds `windows_per_s` to the logs.

    The rate counts the training steps and their input; validation is left out.

    Args:
        epochs: epochs in all.
        windows: windows an epoch.
    """

    def __init__(self, epochs: int, windows: int):
        super().__init__()
        self.epochs, self.windows = epochs, windows

    def on_train_begin(self, logs=None):
        self.begun, self.done = time.monotonic(), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_begun = time.monotonic()
        self.epoch_trained = None

    def on_test_begin(self, logs=None):
        # Validation runs inside the epoch: the clock of the training steps stops here.
        self.epoch_trained = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = (self.epoch_trained or time.monotonic()) - self.epoch_begun
        logs["windows_per_s"] = self.windows / seconds
        self.done += 1
        left = (time.monotonic() - self.begun) / self.done * (self.epochs - epoch - 1)
        accuracies = [value for name, value in logs.items() if name.startswith("val_") and "accuracy" in name]
        active = f"active {logs['active']:.0%}  " if "active" in logs else ""
        print(
            f"epoch {epoch + 1}/{self.epochs}  loss {logs['loss']:.4f}  val_loss {logs['val_loss']:.4f}  "
            f"val_accuracy {np.mean(accuracies):.3f}  {active}spread {logs['spread']:.2f}  "
            f"{logs['windows_per_s']:.0f} windows/s  {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
