"""Tables small enough for tests: rows by hand, and a system's configuration of a few maps."""

from pathlib import Path

import ml_collections
import numpy as np
from dmml_tf.configs.tables import icassp2020

from dmml_tf.papers.measure import Measured
from dmml_tf.papers.rows import Row
from dmml_tf.papers.summary import Outcome

SYSTEM = '''
from tests.synthetic import tiny_config


def get_config(condition=None):
    """The demo's system with two maps a layer, and of one condition only where one is named."""
    config = tiny_config(steps=2, steps_per_epoch=2, width=(2, 1, 1, 1, 1, 1, 2))
    config.train.validation_steps = 1
    config.train.schedule.warmup = 1
    if condition is not None:
        config.order = (condition,)
        config.conditions[condition].width = config.embedding
    return config
'''


def system_file(folder: Path) -> str:
    """Path of a configuration with `get_config`."""
    path = folder / "tiny_system.py"
    path.write_text(SYSTEM, encoding="utf-8")
    return str(path)


def tiny_table(rows: dict[str, dict], **fields) -> ml_collections.ConfigDict:
    """The paper's table with other rows, few triplets and no pairs; `fields` of it that differ."""
    config = icassp2020.get_config()
    config.rows, config.order = rows, tuple(rows)
    config.small, config.steps, config.triplets, config.rounds, config.pairs = False, 0, 60, 20, ()
    for name, value in fields.items():
        config[name] = value
    return config


def outcome(name: str, by_seed: dict[int, dict[str, float]], **fields) -> Outcome:
    """A row that was measured: seed -> figure -> value."""
    paper = fields.pop("paper", {})
    row = Row(
        name,
        fields.pop("label", name),
        fields.pop("kind", "train"),
        name,
        paper=paper,
        seeds=tuple(by_seed),
        in_paper=bool(paper),
    )
    measured = {
        seed: Measured(
            {key: {"value": value, "low": value - 0.1, "high": value + 0.2, "n": 9} for key, value in figures.items()},
            {},
            fields.get("right", {"whole": {}, "subspace": {}}),
            10,
            4,
            fields.get("seconds", 2.0) + seed,
            1.0,
        )
        for seed, figures in by_seed.items()
    }
    return Outcome(row, measured)


def near(seed: int = 0, shape: tuple[int, ...] = (16, 8)) -> np.ndarray:
    """Vectors drawn at random."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
