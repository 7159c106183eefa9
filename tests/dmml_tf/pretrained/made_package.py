"""A package of a narrow, untrained network in place of the shipped one."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.models.embedding import build_embedding
from dmml_tf.pretrained.contents import MODELS, PRETRAINED
from dmml_tf.pretrained.pack import pack
from dmml_tf.run import Run
from tests.synthetic import SCHEMA
from tfrecords_tools.features import LogMel

NETWORK = {"block": "conv", "width": (2, 1, 1, 1, 1, 1, 1), "size": 6}
CONDITIONS = Conditions([SharedTag("genre", width=4), Within("tempo", 5, width=2)])


def make_run(folder: Path, seed: int = 0, **changed) -> Run:
    """A run folder as training leaves it, but for what nobody reads."""
    keras.utils.set_random_seed(seed)
    run = Run(folder, CONDITIONS, NETWORK, LogMel(), SCHEMA, "/somebody/data/mine", name="mine", **changed)
    run.save(build_embedding(**NETWORK))
    (folder / "config.json").write_text(json.dumps({"data": "/somebody/data/mine", "seed": seed, "list": ["/a/b", 1]}))
    (folder / "heard_as.npz").write_bytes(b"tags %d" % seed)
    return run


def make_package(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    seed: int = 0,
    name: str = PRETRAINED,
    also: Sequence[str] = ("heard_as.npz",),
) -> Path:
    """Packs such a run, and has it found where the shipped model of that name is looked for."""
    run = make_run(folder / f"trained{seed}", seed)
    pack(run.folder, folder / f"package{seed}", also)
    monkeypatch.setitem(MODELS, name, folder / f"package{seed}")
    return folder / f"package{seed}"
