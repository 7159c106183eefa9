"""A table of three rows and one that fails: its files agree, and it goes on where it stopped."""

import csv
import functools
import json

import numpy as np
import pytest
from dmml_tf.configs.tables.blocks import same_steps_and_minutes

from dmml_tf.models.count import multiply_adds
from dmml_tf.models.embedding import build_embedding
from dmml_tf.papers import build, networks
from dmml_tf.papers.build import build_table
from dmml_tf.papers.files import write_table
from dmml_tf.papers.held_out_side import HumanTriplets
from dmml_tf.papers.rows import load_config
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, write_csv
from tests.dmml_tf.papers.made import system_file, tiny_table
from tests.eager import eager_functions
from tests.single_spaced import single_spaced
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError

pytestmark = [pytest.mark.trains, pytest.mark.usefixtures("eagerly")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, dataset, configuration, outcomes) of the finished table."""
    folder = tmp_path_factory.mktemp("table")
    dataset = write_dataset(folder / "data", {"train": 14, "valid": 6, "test": 12}, shards=1, frames=260)
    system = system_file(folder)
    table = tiny_table(
        {
            "chance": {"label": "chance", "kind": "baseline", "config": "chance", "seeds": (0, 1, 2)},
            "bad": {"label": "a bad one", "kind": "train", "config": system, "overrides": {"order": ("loudness",)}},
            "net": {"label": "a network", "kind": "train", "config": system, "paper": {"whole": {"genre": 0.25}}},
            "stats": {"label": "log-mel statistics", "kind": "baseline", "config": "stats"},
        },
        pairs=(("net", "chance", "whole", "track"), ("bad", "net", "whole", "overall")),
        notes=("A note.",),
    )
    with eager_functions():
        outcomes = call(folder, dataset, table)
    return folder, dataset, table, outcomes


def call(folder, dataset, table, judged=None):
    out = folder / "tables" / "tiny"
    return build_table(table, dataset.folder, out, functools.partial(write_table, out, {}), judged)


def test_a_table_of_equal_minutes_shows_each_row_where_it_belongs(made):
    folder, dataset, _, _ = made
    system = system_file(folder)
    table = same_steps_and_minutes({"a": system, "b": system}, {"a": "one", "b": "other"}, {"a": 0.1, "b": 0.2})
    table.update({"small": False, "steps": 0, "triplets": 60, "rounds": 20, "seeds": (0,)})
    out = folder / "tables" / "minutes"
    build_table(table, dataset.folder, out, functools.partial(write_table, out, {}))
    page = single_spaced((out / "table.md").read_text())
    same_steps, same_minutes, _, differences, cost = (part for part in page.split("\n## ")[1:])
    assert "not in the paper" not in page and "what the paper prints" not in page
    assert "| one |" in same_steps and "| other |" in same_steps and "minutes |" not in same_steps.split("\n", 1)[1]
    assert "| one |" in same_minutes and "| other |" not in same_minutes and "| other, one's minutes |" in same_minutes
    assert (
        differences.startswith("Differences") and "| other, one's minutes - one | subspace | overall |" in differences
    )
    rows = {line.split(" | ")[0]: line.split(" | ") for line in cost.splitlines() if line.startswith("| o")}
    assert [rows[name][3] for name in ("| one", "| other", "| other, one's minutes")] == ["2", "2", "1"]
    assert [rows[name][6] for name in ("| one", "| other", "| other, one's minutes")] == ["0.100", "0.200", "0.200"]
    config = load_config(system, "system")
    network = build_embedding(**config.network, size=config.embedding)
    assert rows["| one"][1:3] == [f"{network.count_params():,}", f"{multiply_adds(network):,}"]


def content(made):
    return json.loads((made[0] / "tables" / "tiny" / "table.json").read_text())


def test_a_row_that_fails_does_not_stop_the_others(made):
    folder, _, _, outcomes = made
    assert [sorted(one.measured) for one in outcomes] == [[0, 1, 2], [], [0], [0]]
    reason = "config.order names 'loudness', config.conditions has: genre, instrument, mood, tempo, track"
    assert outcomes[1].failed == {0: reason}
    assert "UserError" in (folder / "tables" / "tiny" / "failed" / "bad-s0.txt").read_text()
    page = single_spaced((folder / "tables" / "tiny" / "table.md").read_text())
    assert f"- a bad one, seed 0, failed: {reason}" in page


def test_its_three_files_agree(made):
    folder, _, _, outcomes = made
    page = single_spaced((folder / "tables" / "tiny" / "table.md").read_text())
    rows = {row["name"]: row for row in csv.DictReader((folder / "tables" / "tiny" / "table.csv").open())}
    assert list(rows) == ["net", "chance", "bad", "stats"]  # the paper's rows first
    for row in content(made)["rows"]:
        assert row["label"] == rows[row["name"]]["label"]
        for key, cell in row["figures"].items():
            assert float(rows[row["name"]][key]) == cell["value"]
            low = rows[row["name"]][f"{key}.low"]
            assert (float(low) if low else None) == cell["low"]
    by_seed = [one.figures["whole.mood"]["value"] for one in outcomes[0].measured.values()]
    assert float(rows["chance"]["whole.mood"]) == pytest.approx(np.mean(by_seed))
    assert float(rows["chance"]["whole.mood.deviation"]) == pytest.approx(np.std(by_seed, ddof=1))
    assert f"| {np.mean(by_seed):.3f} ± {np.std(by_seed, ddof=1):.3f} |" in page
    assert rows["net"]["whole.genre.paper"] == "0.25" and rows["net"]["steps"] == "2.0"
    assert rows["bad"]["failed"].startswith("config.order") and rows["bad"]["whole.genre"] == ""
    assert (folder / "tables" / "tiny" / "table.png").read_bytes()[:4] == b"\x89PNG"


def test_the_page_has_the_papers_columns_and_rows_apart(made):
    lines = single_spaced((made[0] / "tables" / "tiny" / "table.md").read_text()).splitlines()
    head = next(line for line in lines if line.startswith("| system | genre"))
    assert head == (
        "| system | genre | mood | instrument | tempo | overall | 95 % interval of overall | genre (paper, MSD) |"
    )
    first = lines.index(head) + 2
    assert lines[first].startswith("| a network |") and lines[first].endswith("| 0.250 |")
    assert lines[first + 1].startswith("| *not in the paper* |") and lines[first + 2].startswith("| chance |")
    assert "- A note." in lines and any(line.startswith("Human triplets: -, since no judgements") for line in lines)
    net = next(row for row in content(made)["rows"] if row["name"] == "net")
    costs = lines[next(n for n, line in enumerate(lines) if line.startswith("| system | parameters")) :]
    multiply_adds_of = net["by_seed"]["0"]["details"]["multiply_adds"]
    assert next(line for line in costs if line.startswith("| a network |")).startswith(
        f"| a network | {net['parameters']:,.0f} | {multiply_adds_of:,.0f} | 2 | {net['seconds']:,.0f} | 1.00 |"
    )


def test_pairs_and_the_labels_own_table_are_in_the_files(made):
    found = content(made)
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [("net", "chance")]
    difference = found["pairs"][0]["difference"]
    rows = {row["name"]: row for row in found["rows"]}
    assert difference["value"] == pytest.approx(
        rows["net"]["figures"]["whole.track"]["value"] - rows["chance"]["figures"]["whole.track"]["value"]
    )
    page = single_spaced((made[0] / "tables" / "tiny" / "table.md").read_text())
    assert f"| a network - chance | whole | track | {difference['value']:+.3f} |" in page
    assert found["labels"]["cross_table"]["genre"]["genre"] == 1.0 and "genre" in found["labels"]["mutual_information"]
    assert (
        rows["net"]["by_seed"]["0"]["details"]["cross_table"]["mood"]["mood"]
        == (rows["net"]["figures"]["subspace.mood"]["value"])
    )


def test_what_is_done_is_not_done_again(made, monkeypatch, capsys):
    _, _, _, outcomes = made
    before = content(made)

    def refuse(*_):
        raise AssertionError("a finished row was made again")

    monkeypatch.setattr(build, "measure", refuse)
    again = call(*made[:3])
    assert [one.measured.keys() for one in again] == [one.measured.keys() for one in outcomes]
    assert list(again[1].failed) == [0]  # a failed row is tried again
    assert content(made) == before
    assert "[6/6] bad, seed 0: 0 s so far" in capsys.readouterr().err
    for old, new in zip(outcomes, again):
        for seed, one in old.measured.items():
            for where, found in one.right.items():
                for name, correct in found.items():
                    np.testing.assert_array_equal(correct, new.measured[seed].right[where][name])


def test_other_triplets_are_scored_again_on_the_network_that_is_there(made, monkeypatch):
    folder, dataset, table, _ = made
    monkeypatch.setattr(networks, "_cost", lambda config, history: (2, float(history.exists())))
    other = table.copy_and_resolve_references()
    other.triplets, other.order, other.pairs = 30, ("net", "chance"), ()
    begun = {path: path.stat().st_mtime_ns for path in (folder / "tables" / "trained").rglob("*.weights.h5")}
    outcomes = build_table(other, dataset.folder, folder / "tables" / "other", lambda *_: None)
    assert outcomes[0].measured[0].figures["whole.mood"]["n"] == 30 and outcomes[0].measured[0].seconds == 1.0
    assert begun and begun == {path: path.stat().st_mtime_ns for path in begun}


def test_an_interrupted_table_keeps_its_rows(made, tmp_path):
    _, dataset, table, _ = made
    other = table.copy_and_resolve_references()
    other.order, other.pairs = ("chance", "stats"), ()
    written = []

    def stop(_, __, outcomes):
        written.append([len(one.measured) for one in outcomes])
        if len(written) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_table(other, dataset.folder, tmp_path / "t", stop)
    assert written == [[1, 0], [2, 0]]
    build_table(
        other,
        dataset.folder,
        tmp_path / "t",
        lambda _, __, outcomes: written.append([len(one.measured) for one in outcomes]),
    )
    assert written[2:] == [[3, 0], [3, 1]]


def test_a_row_that_succeeds_has_no_traceback(made, tmp_path):
    _, dataset, table, _ = made
    other = table.copy_and_resolve_references()
    other.order, other.pairs = ("chance",), ()
    folder = tmp_path / "t" / "failed"
    folder.mkdir(parents=True)
    for _ in ("made", "found"):
        for name in ("chance-s1.txt", "stats-s0.txt"):
            (folder / name).write_text("Traceback of an earlier call")
        build_table(other, dataset.folder, tmp_path / "t", lambda *_: None)
        assert [path.name for path in folder.iterdir()] == ["stats-s0.txt"]


def test_a_pair_on_an_unknown_condition_is_refused_before_the_first_row(made, tmp_path):
    _, dataset, table, _ = made
    other, written = table.copy_and_resolve_references(), []
    other.order, other.pairs = ("chance",), (("net", "chance", "whole", "loudness"),)
    with pytest.raises(UserError, match="config.pairs: 'loudness' is not scored"):
        build_table(other, dataset.folder, tmp_path / "t", lambda *_: written.append(1))
    assert not written and not (tmp_path / "t").exists()


def test_people_are_scored_on_the_clips_that_are_there(made):
    folder, dataset, table, _ = made
    clips, rng = folder / "clips", np.random.default_rng(0)
    clips.mkdir()
    for song in ("1", "2", "3"):
        np.save(clips / f"{song}.npy", rng.normal(size=(130, 128)).astype(np.float32))
    path = write_csv(
        folder / "raw.csv",
        [
            dim_sim_row(1, ("1", "2", "3"), (9, 0)),
            dim_sim_row(2, ("1", "2", "lost"), (9, 0)),
            dim_sim_row(3, ("1", "2", "3"), (3, 2)),
        ],
    )
    other = table.copy_and_resolve_references()
    other.order, other.pairs = ("net", "stats"), ()
    outcomes = call(folder, dataset, other, HumanTriplets.read(path, clips, 0.9))
    assert [one.measured[0].figures["human.whole"]["n"] for one in outcomes] == [1, 1]
    page = single_spaced((folder / "tables" / "tiny" / "table.md").read_text())
    assert "2 judgements; 1 more without enough agreement." in page
    assert "1 are left out for 1 clips that cannot be used" in page and "- lost @ 1.5 s: not found in" in page
    assert content(made)["rows"][0]["by_seed"]["0"]["details"]["judgements"]["without_clips"] == 1


def test_data_without_a_single_triplet_are_bad_input(made, tmp_path):
    alone = write_dataset(tmp_path / "alone", {"train": 3, "valid": 2, "test": 1}, shards=1, frames=140)
    with pytest.raises(UserError, match="holds no triplet of any condition"):
        build_table(made[2], alone.folder, tmp_path / "t", lambda *_: None)
