"""How one comes by a model: a run folder is loaded, or data are trained on."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dmml_tf.conditions import Condition, Conditions
from dmml_tf.model import Model, PathLike
from dmml_tf.pretrained.unpack import run_folder, unpack
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset

if TYPE_CHECKING:
    import ml_collections


def load(folder: PathLike | None = None) -> Model:
    """The model that comes with the package, or that of a run folder, as `train` or `dmml train` leaves it.

    >>> dmml.load()
    Model of 256 numbers (...)
    >>> dmml.load("runs/mine")
    Model of 256 numbers (genre 128, tempo 128)

    Args:
        folder: of a run. None is the package's model, which is unpacked into `runs/pretrained` of the working folder
            at its first use; "pretrained" is the same, unless the working folder has a run of that name, and
            "pretrained-musicnn" is the slow one, which takes the weights of an installed `musicnn`.

    Raises:
        UserError: if the folder holds no finished run, or a model of the package is damaged, cannot be unpacked,
            or lacks `musicnn`.
    """
    run = Run.load(unpack() if folder is None else run_folder(folder))
    return Model(None, run.conditions, run.features, run)


def train(
    data: Dataset | PathLike,
    folder: PathLike,
    *,
    conditions: Sequence[Condition] | None = None,
    config: "str | os.PathLike[str] | ml_collections.ConfigDict" = "demo",
    steps: int | None = None,
) -> Model:
    """Trains a model, or finds it trained, or goes on where an interrupted training stopped.

    >>> conditions = [dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)]
    >>> model = dmml.train("data/mine", "runs/mine", conditions=conditions, steps=1000)

    Args:
        data: a dataset or its folder, as `build` leaves it.
        folder: the run's folder, which the commands of `dmml` read as well.
        conditions: what similar means; None takes the configuration's. Where none says its width, they share the
            configuration's 256 numbers evenly (those of width 0 see them all); otherwise the embedding has as many
            numbers as the widths add up to.
        config: a name such as `demo` (narrow: minutes on two cores) or `disentangled_track` (the paper's size), the
            path of a file, or a `ConfigDict` from `load_config` with fields changed.
        steps: of the training; None takes the configuration's.

    Raises:
        UserError: on data or a configuration that cannot be trained, or a folder that holds a run of another
            configuration or the model that comes with the package.
    """
    from dmml_tf.configs import load as load_config
    from dmml_tf.pictures.callbacks import training_pictures
    from dmml_tf.run import UNNAMED
    from dmml_tf.training.config import set_conditions
    from dmml_tf.training.train import train as train_run

    if isinstance(config, str | os.PathLike):
        chosen, name = load_config(os.fspath(config)), Path(os.fspath(config).partition(":")[0]).stem
    else:
        chosen, name = config.copy_and_resolve_references(), UNNAMED
    with chosen.unlocked():
        if conditions is not None:
            set_conditions(chosen, Conditions(conditions))
        if steps is not None:
            chosen.train.update({"steps": steps, "steps_per_epoch": min(steps, chosen.train.steps_per_epoch)})
    source = data.place if isinstance(data, Dataset) else data
    train_run(chosen, source, folder, training_pictures, name)
    return load(folder)
