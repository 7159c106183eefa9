"""A run whose network is a real one, and was not trained."""

from pathlib import Path

from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from tests.synthetic import SCHEMA
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4)])
NETWORK = {"block": "conv", "width": 2, "size": 10}


def untrained_run(folder: Path) -> Run:
    """Saves the run."""
    keras.utils.set_random_seed(0)
    run = Run(folder, CONDITIONS, NETWORK, LogMel(), SCHEMA, "")
    run.save(build_embedding(**NETWORK))
    return run
