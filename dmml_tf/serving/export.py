"""SavedModel from audio samples to the embedding and each of its sub-spaces, by name."""

import contextlib
import io
import os
import re
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.folders import whole_folder
from dmml_tf.models.frontends import LogMelFrontend
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

VERSION = "1"
WHOLE = "embedding"
# Serving's clients address outputs by these names, and TensorFlow names operations after them.
_OUTPUT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def export_saved_model(
    embedding: keras.Model, conditions: Conditions, features: LogMel, folder: str | os.PathLike
) -> Path:
    """Writes `folder/1`, a SavedModel that loads without this package.

    Its signature `serving_default` takes `audio`, float32 [batch, 66150] (3 s at 22,050 Hz), and
    returns `embedding`, float32 [batch, size], and for each condition that owns a sub-space its
    unit vector, float32 [batch, width], under the condition's name.

    Args:
        embedding: log-mel float32 [batch, 129, 128] -> float32 [batch, size].
        conditions: what the slices of the embedding stand for.
        features: the signal chain that `embedding` was trained on.
        folder: the model's folder; serving looks in it for folders whose names are version numbers.

    Returns:
        The SavedModel's path. It replaces an earlier one only when it is complete.

    Raises:
        UserError: if a condition's name cannot be an output's name.
    """
    check_output_names(conditions)
    archive = keras.export.ExportArchive()
    archive.track(embedding)
    signature = [tf.TensorSpec([None, features.excerpt_samples], tf.float32, name="audio")]
    archive.add_endpoint("serving_default", _endpoint(embedding, conditions, features), signature)
    target = Path(folder) / VERSION
    # ExportArchive and not tf.saved_model.save: the latter's variables are not found by the session
    # loader of TensorFlow Serving when the model is Keras 3's.
    with whole_folder(target) as temporary, contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(str(temporary))
    return target


def check_output_names(conditions: Conditions) -> None:
    """Raises `UserError` if a condition that owns a sub-space has a name that no output can have."""
    for name in conditions.subspaces:
        if name == WHOLE:
            raise UserError(f"condition '{name}' has the name of the output for the whole embedding; rename it")
        if not _OUTPUT_NAME.fullmatch(name):
            raise UserError(f"condition '{name}' cannot name an output of the exported model; use letters, digits and "
                            "_, beginning with a letter")


def _endpoint(embedding: keras.Model, conditions: Conditions, features: LogMel):
    frontend = LogMelFrontend(features)

    def serve(audio):
        whole = embedding(frontend(audio), training=False)
        # l2_normalize guards the zero vector that ReLU can leave in a sub-space.
        parts = {name: tf.math.l2_normalize(whole[:, part], axis=1) for name, part in conditions.subspaces.items()}
        return {WHOLE: whole, **parts}

    return serve
