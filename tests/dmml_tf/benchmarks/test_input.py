"""The input's figures: every part is measured, and the choice alone copies nothing."""

import json

import numpy as np

from dmml_tf.benchmarks.input import H100, Rate, _NoSound, input_table, measure_input
from dmml_tf.cli import main
from dmml_tf.commands import bench_input
from dmml_tf.conditions import Conditions, SameTrack, SharedTag
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.signal import LOG_MEL

CONDITIONS = Conditions([SharedTag("genre", width=8), SameTrack("track", width=0)])


def test_every_part_is_measured(synthetic):
    plan = BatchPlan(tracks=4, windows=2, triplets=16, pool=8, explicit=True, variation={"speed": 0.1})
    rates = measure_input(synthetic, "train", CONDITIONS, plan, LOG_MEL, batches=1)
    assert [rate.part for rate in rates] == [
        "choice alone",
        "copy alone",
        "choice and copy",
        "through tf.data",
        "with equaliser and gain",
    ]
    assert all(0 < rate.a_second < 1e7 and rate.a_cpu_second > 0 for rate in rates)


def test_the_choice_copies_no_sound():
    rows = [{"log_mel": np.ones((200, 128), np.float16)}] * 3
    assert _NoSound(LOG_MEL.features).cut_all(rows, [0, 1, 2]).nbytes == 0


def test_the_table_says_the_share_of_a_gpu():
    lines = input_table([Rate("with equaliser and gain", 16_400.0, 9_000.0)]).splitlines()
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == ["with equaliser and gain", "16,400", "9,000", "2.00", "1.52", "0.48"]
    assert all(f"{taken:,}" in lines[0] for taken in H100.values())


def test_the_command_prints_and_writes(synthetic, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(bench_input, "measure_input", lambda *given: asked.append(given) or [Rate("whole", 2e4, 1e4)])
    out = tmp_path / "new" / "input.json"
    assert main(["bench", "input", "--data", str(synthetic.folder), "--batches=7", "--out", str(out)]) == 0
    dataset, split, conditions, plan, signal, _, batches = asked[0]
    assert (dataset.folder, split, batches, plan.tracks) == (synthetic.folder, "train", 7, 48)
    assert conditions.names[0] == "genre" and signal == LOG_MEL
    said = capsys.readouterr().out.splitlines()
    assert " cores of " in said[0] and any("whole" in line and "20,000" in line for line in said)
    assert json.loads(out.read_text()) == [{"part": "whole", "a_second": 2e4, "a_cpu_second": 1e4}]
