"""A versioned SavedModel from audio to the embedding and each of its sub-spaces, by name."""

import contextlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.run import Run
from dmml_tf.serving.graph import EMBEDDING, ServedGraph
from dmml_tf.serving.server_files import write_server_files
from dmml_tf.serving.warmup import write_warmup
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.files import whole_folder

EXPORT_FOLDER = Path("export", "dmml")  # of a run
VERSION = "1"
# Serving's clients address outputs by these names, and TensorFlow names operations after them.
_OUTPUT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def export_served(trained: Run, folder: Path) -> Path:
    """Writes the SavedModel and, beside its version, the files that TensorFlow Serving is started with.

    Args and errors as those of `export_saved_model`; returns the SavedModel's path.
    """
    path = export_saved_model(trained.embedding(), trained.conditions, trained.features, folder)
    write_server_files(folder)
    return path


def export_saved_model(
    embedding: keras.Model, conditions: Conditions, features: LogMel, folder: str | os.PathLike
) -> Path:
    """Writes `folder/1`, a SavedModel that loads without this package, with the signatures of `ServedGraph`.

    Where tensorflow-serving-api is installed it holds warm-up records (`warmup.can_write` tells).

    Args:
        embedding: log-mel float32 [batch, 129, 128], or samples float32 [batch, 66150] -> float32 [batch, size].
        conditions: what the slices of the embedding stand for.
        features: the signal chain that `embedding` was trained on.
        folder: the model's folder; serving looks in it for folders whose names are version numbers.

    Returns:
        The SavedModel's path. It replaces an earlier one only when it is complete.

    Raises:
        UserError: if a condition's name cannot be an output's name.
    """
    check_output_names(conditions)
    target = Path(folder) / VERSION
    signatures = ServedGraph(embedding, conditions, features).signatures()
    with whole_folder(target) as temporary:
        write_signatures(embedding, signatures, temporary)
        write_warmup(temporary, features, signatures)
    return target


def write_signatures(embedding: keras.Model, signatures: Mapping[str, tuple], folder: Path) -> None:
    """Writes a SavedModel of some of `ServedGraph.signatures()` into `folder`; `embedding` owns the variables."""
    # ExportArchive and not tf.saved_model.save: the latter's variables are not found by the session
    # loader of TensorFlow Serving when the model is Keras 3's.
    archive = keras.export.ExportArchive()
    archive.track(embedding)
    for name, (function, spec) in signatures.items():
        # Wrapped here without autograph, which would convert every function below for nothing.
        archive.add_endpoint(name, tf.function(function, [spec], autograph=False))
    with contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(str(folder))


def check_output_names(conditions: Conditions) -> None:
    """Raises `UserError` if a condition that owns a sub-space has a name that no output can have."""
    for name in conditions.subspaces:
        if name == EMBEDDING:
            raise UserError(f"condition '{name}' has the name of the output for the whole embedding; rename it")
        if not _OUTPUT_NAME.fullmatch(name):
            raise UserError(
                f"condition '{name}' cannot name an output of the exported model; use letters, digits and "
                "_, beginning with a letter"
            )
