"""`dmml bench sampler`, and the two forms of a batch against each other."""

import json

import pytest
from absl import flags

from dmml_tf.benchmarks import forms as bench_forms
from dmml_tf.cli import main
from dmml_tf.commands import bench_sampler
from dmml_tf.training.train import conditions_from_config
from tests.synthetic import tiny_config


@pytest.mark.trains
def test_shared_windows_bring_ten_times_the_triplets_and_the_same_loss(synthetic, monkeypatch):
    prepare = bench_forms._prepare

    def eager(*arguments):
        objective, batches = prepare(*arguments)
        objective.model.run_eagerly = True  # a few steps cost less than tracing
        return objective, batches

    monkeypatch.setattr(bench_forms, "_prepare", eager)
    config = tiny_config()
    config.batch.triplets = 960
    found = bench_forms.measure_forms(config, synthetic, conditions_from_config(config, synthetic), steps=2)
    assert found["windows"] == 24 and found["explicit"]["triplets"] == 8 and found["shared"]["triplets"] > 900
    assert found["difference"] < 1e-5 and 0 < found["loss"]["shared"] < 1
    assert found["ratio"] > 10 and found["ratio"] == pytest.approx(
        found["shared"]["triplets_a_second"] / found["explicit"]["triplets_a_second"]
    )
    assert config.batch.triplets == 960 and not config.batch.explicit


def test_the_command_writes_what_it_prints(synthetic, tmp_path, monkeypatch, capsys):
    forms = {
        "windows": 24,
        "ratio": 30.0,
        "loss": {"shared": 0.1, "explicit": 0.1},
        "difference": 0.0,
        **{name: {"triplets": 9.0, "seconds": 0.1, "triplets_a_second": 90.0} for name in ("shared", "explicit")},
    }
    out = tmp_path / "missing" / "figures.json"

    def measure_forms(*_):
        assert out.parent.is_dir()  # all the measuring would be lost otherwise
        return forms

    monkeypatch.setattr(bench_sampler, "measure_forms", measure_forms)
    monkeypatch.setattr(bench_sampler, "MADE_TRACKS", 200)
    monkeypatch.setattr(bench_sampler, "time_vocabularies", lambda _: {10: 2.0, 100: 3.0})
    assert main(["bench", "sampler", f"--data={synthetic.folder}", "--triplets=200", f"--out={out}"]) == 0
    printed, figures = capsys.readouterr().out, json.loads(out.read_text())
    assert figures["dataset"]["conditions"]["genre"]["invalid"] == 0
    assert {"million_song_labels", "tag_of_1_percent", "milliseconds_by_vocabulary", "forms", "cores"} <= set(figures)
    assert f"genre: {figures['dataset']['conditions']['genre']['triplets']:,} triplets, 0 invalid; share" in printed
    assert "30 times the triplets a second" in printed and "largest to smallest 1.50" in printed


def test_votes_are_no_rule(synthetic, capsys):
    assert main(["bench", "sampler", f"--data={synthetic.folder}", "--config=configs/judged.py"]) == 2
    assert "no judged condition" in capsys.readouterr().err


def test_its_flags_have_help():
    values = flags.FlagValues()
    bench_sampler.define_flags(values)
    assert all(values[name].help for name in ("data", "triplets", "steps", "out"))
