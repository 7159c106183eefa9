"""Kept figures: what comes back, and when they are no longer those that are asked for."""

import dataclasses
import json

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.data.judgements.read import Judgements
from dmml_tf.evaluation.held_out import HeldOut
from dmml_tf.papers.baselines import NAMES
from dmml_tf.papers.held_out_side import HeldOutSide, HumanTriplets
from dmml_tf.papers.keep import Kept, key_of
from dmml_tf.papers.measure import Measured
from dmml_tf.papers.networks import run_folder
from dmml_tf.papers.rows import rows_of, system_config
from tests.dmml_tf.papers.made import tiny_table

ROWS = {
    "net": {"label": "net", "kind": "train", "config": "track"},
    "four": {"label": "four", "kind": "specialized", "config": "specialized"},
    "vq": {"label": "VQ", "kind": "baseline", "config": "mfcc_vq", "overrides": {"tau": 8}},
}
RIGHT = {"whole": {"genre": np.array([True, False, True] * 3)}, "subspace": {"mood": np.ones(9, bool)}}


def side(triplets=9, **fields):
    drawn = {name: np.zeros((triplets, 3), np.int32) for name in ("genre", "mood")}
    held_out = HeldOut(Conditions([SharedTag(name) for name in drawn]), drawn, np.zeros(0, int), 4, 0)
    return dataclasses.replace(HeldOutSide(None, "d" * 64, held_out, {}, 10, False, None), **fields)


@pytest.fixture
def rows():
    return rows_of(tiny_table(ROWS), NAMES)


def test_what_is_saved_comes_back_and_only_under_its_key(tmp_path, rows):
    kept = Kept(tmp_path / "figures", side())
    figures = {"whole.genre": {"value": 0.5, "low": 0.1, "high": 0.9, "n": 9}}
    measured = Measured(figures, {"a": [1]}, RIGHT, 7, 3, 2.5, 1.5)
    assert kept.load(rows[0], 0, "k") is None
    kept.save(rows[0], 0, "k", measured)
    found = kept.load(rows[0], 0, "k")
    assert dataclasses.replace(found, right={}) == dataclasses.replace(measured, right={})
    assert {where: list(names) for where, names in found.right.items()} == {"whole": ["genre"], "subspace": ["mood"]}
    np.testing.assert_array_equal(found.right["whole"]["genre"], RIGHT["whole"]["genre"])
    np.testing.assert_array_equal(found.right["subspace"]["mood"], RIGHT["subspace"]["mood"])
    assert kept.load(rows[0], 1, "k") is None and kept.load(rows[1], 0, "k") is None
    assert kept.load(rows[0], 0, "another") is None


@pytest.mark.parametrize("damage", ["text", "list", "field", "gone", "cut", "empty"])
def test_a_damaged_file_is_named_and_counts_as_not_there(tmp_path, rows, damage, caplog):
    kept, measured = Kept(tmp_path, side()), Measured({}, {}, RIGHT, None, None, None, 1.0)
    kept.save(rows[0], 0, "k", measured)
    path, answers = tmp_path / "net-s0.json", tmp_path / "net-s0.npz"
    if damage == "gone":
        answers.unlink()
    elif damage in ("cut", "empty"):
        answers.write_bytes(answers.read_bytes()[: 200 if damage == "cut" else 0])
    else:
        path.write_text({"text": "{", "list": "[]", "field": json.dumps({"key": "k"})}[damage])
    assert kept.load(rows[0], 0, "k") is None
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{path}: cannot be read (") and said.endswith("); the row is made again")
    assert "\n" not in said
    kept.save(rows[0], 0, "k", measured)
    assert kept.load(rows[0], 0, "k").scoring_seconds == 1.0


def test_the_key_hangs_on_all_that_the_figures_do(rows):
    table = tiny_table(ROWS)
    judged = HumanTriplets(Judgements((), 0), None, "j" * 64)
    for row in rows:
        keys = [
            key_of(row, seed, table, one)
            for seed, one in (
                (0, side()),
                (1, side()),
                (0, side(8)),
                (0, side(data_sha256="e" * 64)),
                (0, side(rounds=11)),
                (0, side(tagging=True)),
                (0, side(judged=judged)),
            )
        ]
        assert len(set(keys)) == len(keys) and keys[0] == key_of(row, 0, table, side())
        changed = {"tau": 3} if row.source == "baseline" else {"objective": {"margin": 0.3}}
        assert key_of(dataclasses.replace(row, kind=row.source, overrides=changed), 0, table, side()) != keys[0]
        assert key_of(dataclasses.replace(row, kind=row.source, label="another name"), 0, table, side()) == keys[0]
    table.steps = 12
    assert key_of(rows[0], 0, table, side()) != key_of(rows[0], 0, tiny_table(ROWS), side())
    assert key_of(rows[2], 0, table, side()) == key_of(rows[2], 0, tiny_table(ROWS), side())


def test_two_tables_find_one_run_folder(tmp_path, rows):
    (tmp_path / "dataset.json").write_text("{}")
    first = system_config(tiny_table(ROWS), rows[0], 0)
    other = system_config(tiny_table({"b": {**ROWS["net"], "label": "other"}}), rows[0], 0)
    folder = run_folder(rows[0], first, tmp_path, tmp_path / "trained")
    assert folder == run_folder(rows[0], other, tmp_path, tmp_path / "trained")
    assert folder.parent == tmp_path / "trained" and folder.name.startswith("track-s0-")
    other.objective.margin = 0.3
    assert run_folder(rows[0], other, tmp_path, tmp_path) != run_folder(rows[0], first, tmp_path, tmp_path)
    mood = system_config(tiny_table(ROWS), rows[1], 2, "mood")
    assert run_folder(rows[1], mood, tmp_path, tmp_path).name.startswith("specialized_mood-s2-")
    before = run_folder(rows[0], first, tmp_path, tmp_path)
    with first.unlocked():
        del first.train.devices, first.train.precision  # as configurations were that knew one device alone
    assert run_folder(rows[0], first, tmp_path, tmp_path) == before
    (tmp_path / "dataset.json").write_text("{ }")
    assert run_folder(rows[0], first, tmp_path, tmp_path) != before
