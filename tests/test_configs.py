"""Every configuration builds, trains a few steps when narrow, and says in its header how to run it."""

import ast
import importlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.data.pipeline import BatchPlan, triplet_dataset
from dmml_tf.models.embedding import build_embedding
from dmml_tf.models.triplet import build_triplet_model
from dmml_tf.training import compile_model, conditions_from_config

FILES = sorted(p for p in Path(__file__).parents[1].joinpath("configs").glob("*.py") if p.stem != "__init__")
every = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def get_config(path):
    return importlib.import_module(f"configs.{path.stem}").get_config()


@every
def test_the_header_holds_the_command(path):
    header = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert f"dmml train --config configs/{path.name} --data " in header and " --run " in header


@every
def test_it_trains_a_few_steps_when_narrow(path, synthetic):
    config = get_config(path)
    config.network.width = (2, 1, 1, 1, 1, 1, 1)
    config.batch.update({"tracks": 6, "triplets": 24, "pool": 12})
    conditions = conditions_from_config(config, synthetic)
    embedding = build_embedding(**config.network, size=conditions.size or config.embedding)
    model = build_triplet_model(embedding, conditions, config.mask, config.norm_order)
    compile_model(model, conditions, config.train.margin, config.train.learning_rate)
    model.run_eagerly = True  # two steps cost less than tracing; test_training.py trains the traced graph
    before = model.get_weights()
    logs = model.fit(triplet_dataset(synthetic, "train", conditions, BatchPlan(**config.batch), 2, config.seed),
                     verbose=0).history
    assert np.isfinite(logs["loss"]).all() and {f"accuracy_{name}" for name in conditions.names} <= set(logs)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


@every
def test_it_is_plain_data_and_the_same_each_time(path):
    first, again = (get_config(path) for _ in range(2))
    assert first.to_json() == again.to_json() and json.loads(first.to_json())["seed"] == first.seed
    first.train.steps = 1
    assert get_config(path).train.steps == again.train.steps  # no file shares state with another


def parameters(width, size, block_count=6):
    """Weights of the inception network, counted by hand."""
    total, channels = 25 * width[0] + width[0], width[0]
    for w in itertools.islice(width, 1, 1 + block_count):
        naive = (1 + 9 + 25) * channels * w + 3 * 4 * w
        joined = 3 * w + channels
        reduced = 4 * joined * w + (9 + 25) * w * w + 6 * 4 * w
        total, channels = total + naive + reduced, 4 * w
    return total + channels * size + 4 * size  # head: dense without bias, batch normalisation


@every
def test_the_network_is_as_large_as_counted_by_hand(path):
    config = get_config(path)
    assert config.network.block == "inception"
    size = sum(condition.width for condition in config.conditions.values()) or config.embedding
    model = build_embedding(**config.network, size=size)
    assert model.count_params() == parameters(config.network.width, size)


def test_the_papers_figures():
    config = get_config(Path("disentangled_track.py"))
    assert tuple(config.network.width) == (64,) * 7
    assert [config.conditions[name].width for name in config.order] == [64, 64, 64, 64, 0]
    assert (config.conditions.track.weight, config.conditions.tempo.tolerance) == (0.5, 5.0)
    schedule = {name: config.train[name] for name in ("learning_rate", "margin", "patience", "divide_by", "drops")}
    assert schedule == {"learning_rate": 0.01, "margin": 0.1, "patience": 4, "divide_by": 5.0, "drops": 5}
    assert (config.mask, config.norm_order) == ("fixed", "mask_then_norm")
