"""Every configuration builds, trains a few steps when narrow, and says in its header how to run it."""

import ast
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from dmml_tf.configs.small import WEIGHTS, make_small

from dmml_tf import configs
from dmml_tf.data.pipeline import BatchPlan, form_dataset
from dmml_tf.models.embedding import build_embedding
from dmml_tf.training.objectives.build import build_objective
from dmml_tf.training.train import conditions_from_config
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.debian_music import copy_teacher

SHARED = {"__init__", "small"}  # read by the others, no system of their own
FILES = sorted(p for p in Path(__file__).parents[1].joinpath("configs").glob("*.py") if p.stem not in SHARED)
every = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
PAPER = ("disentangled", "disentangled_track", "category", "category_track", "track", "specialized")


def get_config(path):
    return configs.load(path.stem)


@pytest.fixture(scope="module")
def sounding(tmp_path_factory):
    """Records with samples, for the frontends that take those."""
    return write_dataset(tmp_path_factory.mktemp("sounding"), {"train": 16}, frames=200, audio=True)


@pytest.fixture(scope="module")
def embedding_of():
    """Builds a configuration's network; those of equal networks share one."""
    networks = {}

    def build(config, size):
        key = config.network.to_json(), size
        if key not in networks:
            networks[key] = build_embedding(**config.network, size=size)
        return networks[key]

    return build


def narrow(config):
    config.network.width = (1,) if config.network.frontend == "sample_cnn" else (2, 1, 1, 1, 1, 1, 1)
    if "tower_width" in config.network:
        config.network.tower_width = (2, 1, 1, 1, 1, 1, 1)
    config.batch.update({"tracks": 6, "triplets": 24, "pool": 12})
    return config


@every
def test_the_header_holds_the_command(path):
    header = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert f"dmml train --config {path.stem}" in header and " --data " in header and " --run " in header


@pytest.mark.parametrize(
    "name, file",
    [
        ("demo", "configs/demo.py"),
        ("configs/demo.py", "configs/demo.py"),
        ("specialized:mood", "configs/specialized.py:mood"),
        ("configs/specialized.py:mood", "configs/specialized.py:mood"),
        ("tables/icassp2020", "configs/tables/icassp2020.py"),
        ("configs/tables/ismir2020.py", "configs/tables/ismir2020.py"),
        ("ismir2020", "configs/tables/ismir2020.py"),
    ],
)
def test_each_is_found_by_name_from_any_folder(name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert configs.find(name) == str(Path(__file__).parents[1] / file)


def test_a_file_of_ones_own_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "configs" / "demo.py"
    own.parent.mkdir()
    own.write_text("def get_config(word='none'):\n    return word\n")
    assert configs.load("configs/demo.py:mine") == "mine" and configs.load(str(own)) == "none"
    assert configs.load("demo").seed == 0  # the bare name is the package's
    own.write_text("")
    with pytest.raises(UserError, match=r"demo\.py: has no function get_config\(\)"):
        configs.load("configs/demo.py")


@pytest.mark.parametrize("name", ["dome", "configs/none.py", "small", "tables/none", ""])
def test_a_wrong_name_lists_the_known_ones(name):
    with pytest.raises(UserError, match=f"no configuration '{name}'; known are: artist, .*, demo, .*tables/icassp2020"):
        configs.find(name)


@every
@pytest.mark.trains
def test_it_trains_a_few_steps_when_narrow(path, synthetic, sounding, embedding_of, tmp_path):
    config = narrow(get_config(path))
    if config.objective.get("file"):
        copy_teacher(tmp_path / "teacher.npz")
        config.objective.file = str(tmp_path / "teacher.npz")
    if config.batch.get("variation", {}).get("mixed_within"):
        config.batch.variation.mixed_within = "genre"  # the made records have no sources
    dataset = synthetic if config.network.frontend == "log_mel" else sounding
    conditions = conditions_from_config(config, dataset)
    embedding = embedding_of(config, conditions.size or config.embedding)
    objective = build_objective(config, dataset, conditions, embedding)
    objective.compile(config.train.learning_rate)
    model, plan = objective.model, BatchPlan(**config.batch)
    model.run_eagerly = True  # two steps cost less than tracing; test_training.py trains the traced graph
    before = model.get_weights()
    batches = form_dataset(dataset, "train", conditions, plan, objective.form, 2, config.seed)
    logs = model.fit(batches, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    for name in conditions.names:
        assert f"accuracy_{name}" in logs or f"{name}_accuracy" in logs or logs.keys() >= {"accuracy"}
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


@every
def test_made_small_it_keeps_what_it_is(path):
    whole, small = get_config(path), make_small(get_config(path))
    for field in ("order", "mask", "norm_order", "objective", "embedding"):
        assert whole[field] == small[field]
    assert whole.network.block == small.network.block and small.network.frontend == whole.network.frontend
    assert path.stem in ("demo", "pretrained", "pretrained_tempo") or small.network.width != whole.network.width
    for name in small.order:
        assert len(small.order) == 1 or small.conditions[name].weight == WEIGHTS.get(
            name, whole.conditions[name].weight
        )


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_systems_differ_in_their_conditions_alone(name):
    reference, config = get_config(Path("disentangled_track.py")), get_config(Path(name))
    for field in ("network", "batch", "train", "norm_order", "objective"):
        assert config[field] == reference[field]


def test_a_specialized_network_of_no_known_condition_is_one_line():
    with pytest.raises(UserError, match="specialized:colour: no such condition; known are: genre, mood"):
        configs.load("specialized:colour")


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


@pytest.mark.parametrize("name", ["disentangled_track", "demo", "specialized", "track"])
def test_the_network_is_as_large_as_counted_by_hand(name):
    config = get_config(Path(name))
    assert config.network.block == "inception"
    size = sum(config.conditions[name].width for name in config.order) or config.embedding
    model = build_embedding(**config.network, size=size)
    assert model.count_params() == parameters(config.network.width, size)


def test_the_papers_figures():
    config = get_config(Path("disentangled_track.py"))
    assert tuple(config.network.width) == (64,) * 7
    assert [config.conditions[name].width for name in config.order] == [64, 64, 64, 64, 0]
    assert (config.conditions.track.weight, config.conditions.tempo.tolerance) == (0.5, 5.0)
    assert config.train.learning_rate == 0.01 and config.objective.margin == 0.1
    assert config.train.schedule.to_dict() == {"name": "plateau", "patience": 4, "divide_by": 5.0, "drops": 5}
    assert (config.mask, config.norm_order) == ("fixed", "mask_then_norm")
