"""A library keeps its model: it is searched from anywhere, whatever becomes of the run that the model is from."""

import dataclasses
import shutil
import sys
from pathlib import Path

from dmml_tf.heard.heard_as import HEARD_FILE
from dmml_tf.library.settings import ModelOf, Settings
from dmml_tf.pretrained.contents import MODELS
from dmml_tf.pretrained.unpack import CONFIG_FILE, run_folder
from dmml_tf.run import LIGHT_FILE, MODEL_FILE, Run
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

_SHOWN = 12  # digits of a hash


def model_of(name: str, excerpts: int = 0) -> tuple[ModelOf, Run]:
    """A run by its name, or its folder, as a library may take it; `excerpts` as of `ModelOf`.

    Raises:
        UserError: if it is no run, or its masks overlap.
    """
    run = Run.load(run_folder(name))
    run.require_slices()
    named = name if name in MODELS else str(run.folder.absolute())
    return ModelOf(named, run.weights_sha256(), excerpts=excerpts), run


def keep_model(settings: Settings, model: ModelOf, run: Run) -> Path:
    """Copies what the model needs into the library, unless it is there; returns that run folder."""
    folder = settings.model_folder(model)
    folder.mkdir(parents=True, exist_ok=True)
    # Last what says that the others are whole.
    for name in (run.weights, LIGHT_FILE, CONFIG_FILE, HEARD_FILE, MODEL_FILE):
        if (run.folder / name).exists() and not (folder / name).exists():
            with whole_file(folder / name, durable=True) as temporary:
                shutil.copyfile(run.folder / name, temporary)
    return folder


def with_model(settings: Settings, name: str | None, reembed: bool, excerpts: int | None = None) -> Settings:
    """The settings, with another model coming where that is asked for; says where there is another.

    Args:
        settings: of the library.
        name: of the run that the user names; None asks for the one that the library's model is from.
        reembed: whether another is wanted.
        excerpts: that it is to hear of a song, 0 for all; None leaves that as it is.

    Raises:
        UserError: if the user names another run, or other excerpts, and does not say that all songs be embedded anew.
    """
    had = settings.coming or settings.model
    try:
        now, run = model_of(name or had.name, had.excerpts if excerpts is None else excerpts)
    except UserError:
        if name:
            raise
        return settings  # the run is out of reach, and the library keeps its model
    if now.key == had.key:
        keep_model(settings, had, run)  # what it can say of songs may have been made since
        return settings
    what = f"is of {had.name} with weights {had.weights[:_SHOWN]}; those of {now.name} are {now.weights[:_SHOWN]}"
    if now.excerpts != had.excerpts:
        what = f"has heard {_heard(had)} of each song; {_heard(now)} is asked for"
    if reembed:
        keep_model(settings, now, run)
        print(f"{settings.folder}: {what}, and all songs are embedded anew", file=sys.stderr)
        return dataclasses.replace(settings, coming=None if now.key == settings.model.key else now)
    if name or now.excerpts != had.excerpts:
        flag = "--run" if now.excerpts == had.excerpts else "--excerpts"
        raise UserError(f"{settings.folder}: {what}; add --reembed to embed all songs anew, or leave {flag} out")
    print(f"{settings.folder}: {what}; it keeps its own; --reembed embeds all songs anew", file=sys.stderr)
    return settings


def _heard(model: ModelOf) -> str:
    return f"{model.excerpts} excerpts" if model.excerpts else "the whole"
