"""A library keeps its model: it is searched from anywhere, whatever becomes of the run that the model is from."""

import shutil
from pathlib import Path

from dmml_tf.heard.heard_as import HEARD_FILE
from dmml_tf.library.settings import ModelOf, Settings
from dmml_tf.pretrained.contents import MODELS
from dmml_tf.pretrained.unpack import CONFIG_FILE, run_folder
from dmml_tf.run import MODEL_FILE, Run
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file


def model_of(name: str) -> tuple[ModelOf, Run]:
    """A run by its name, or its folder, as a library may take it.

    Raises:
        UserError: if it is no run, or its masks overlap.
    """
    run = Run.load(run_folder(name))
    run.require_slices()
    return ModelOf(name if name in MODELS else str(run.folder.absolute()), run.weights_sha256()), run


def now_of(model: ModelOf) -> ModelOf | None:
    """The model as its run has it now; None where the run is out of reach."""
    try:
        return model_of(model.name)[0]
    except UserError:
        return None


def keep_model(settings: Settings, model: ModelOf, run: Run) -> Path:
    """Copies what the model needs into the library, unless it is there; returns that run folder."""
    folder = settings.model_folder(model)
    folder.mkdir(parents=True, exist_ok=True)
    # Last what says that the others are whole.
    for name in (run.weights, CONFIG_FILE, HEARD_FILE, MODEL_FILE):
        if (run.folder / name).exists() and not (folder / name).exists():
            with whole_file(folder / name, durable=True) as temporary:
                shutil.copyfile(run.folder / name, temporary)
    return folder
