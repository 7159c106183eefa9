"""Engines beside each other, and queries in processes of their own, on a made run."""

import json

import pytest

from dmml_tf.benchmarks import inference
from dmml_tf.benchmarks.inference import KERAS, LITE, Cost, bench_engines, bench_queries, engines, inference_tables
from dmml_tf.cli import main
from dmml_tf.run import MODEL_FILE
from tests.dmml_tf.commands.untrained import untrained_run
from tfrecords_tools.files import write_json


@pytest.fixture
def quick(monkeypatch):
    """Little of everything, and the code of processes kept in place of being run."""
    codes: list[str] = []
    monkeypatch.setattr(inference, "_WINDOWS", 64)
    monkeypatch.setattr(inference, "_ROUNDS", 1)
    monkeypatch.setattr(inference, "_cost", lambda code: codes.append(code) or Cost(2.0, 3.0))
    return codes


def test_each_engine_gives_the_same_numbers(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "_PACKAGES", {KERAS: (), LITE: ("ai_edge_litert",), "other": ("no_such_package",)})
    run = untrained_run(tmp_path / "run")
    before = sorted(run.folder.iterdir())
    speeds = bench_engines(run)
    assert list(speeds) == engines() and "other" not in speeds and len(quick) == len(speeds)
    assert speeds[KERAS].difference == 0
    for speed in speeds.values():
        assert speed.difference < 1e-4 and min(speed.rates.values()) > 0
    assert sorted(run.folder.iterdir()) == before
    lines = inference_tables(speeds, {"track": Cost(0.25, 0.5)}).splitlines()
    assert (
        lines[0].startswith("engine ") and lines[2].startswith(KERAS) and lines[-1].split() == ["track", "0.25", "0.50"]
    )


@pytest.mark.spawns
def test_queries_are_asked_from_the_start_of_a_process(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "_STARTS", 1)
    monkeypatch.setattr(inference, "_SONG_SECONDS", 4)
    costs = bench_queries(untrained_run(tmp_path / "run"))
    assert all(cost.cpu > 0 and cost.wall > 0 for cost in costs.values())
    if LITE in engines():
        assert 3 * costs["an audio file, LiteRT"].cpu < costs["an audio file, TensorFlow"].cpu


def test_what_cannot_be_measured_is_one_line(tmp_path, capsys):
    run, samples = untrained_run(tmp_path / "run"), tmp_path / "samples"
    samples.mkdir()
    content = json.loads((run.folder / MODEL_FILE).read_text(encoding="utf-8"))
    write_json(samples / MODEL_FILE, content | {"network": {"frontend": "sample_cnn", "width": 2, "size": 10}})
    for arguments, message in (
        ([tmp_path / "none"], "not found"),
        ([samples], "its network takes samples"),
        ([run.folder, "--audio", "none.ogg"], "--audio=none.ogg: no such file"),
    ):
        assert main(["bench", "inference", "--run", *map(str, arguments)]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
