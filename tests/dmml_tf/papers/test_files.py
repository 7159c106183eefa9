"""The four files of made rows: one set of figures for all, and what people's clips cannot be asked of."""

import csv
import json

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.data.judgements.read import Judgements
from dmml_tf.papers import files
from dmml_tf.papers.files import write_table
from dmml_tf.papers.held_out_side import HeldOutSide, HumanTriplets
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, write_csv
from tests.dmml_tf.papers.made import outcome, tiny_table
from tests.single_spaced import single_spaced
from tfrecords_tools.errors import UserError


@pytest.fixture(scope="module")
def side(synthetic):
    """Few triplets, and judgements of which none is left."""
    conditions = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4)])
    return HeldOutSide.read(synthetic, conditions, 20, 0, 5, False, HumanTriplets(Judgements((), 3), None, ""))


@pytest.fixture
def written(side, tmp_path, monkeypatch):
    """(page, rows of the CSV, rows of the JSON, what the picture was made of) of two networks and a baseline."""
    drawn = {}
    monkeypatch.setattr(files, "plot_table", lambda _, outcomes, found, path: drawn.update(found))
    judged = outcome("judged", {0: {"whole.genre": 0.5}}, seconds=8.0, paper={"whole.genre": 0.6}, label="on log-mel")
    judged.measured[0].details["judgements"] = {"missing": {}, "without_clips": 0}
    rows = [
        outcome("first", {0: {"whole.genre": 0.7}}, seconds=2.0, label="on samples"),
        judged,
        outcome("four", {0: {"subspace.genre": 0.7}}, kind="specialized", label="four networks"),
        outcome("chance", {0: {"whole.genre": 0.5}}, kind="baseline", label="by chance"),
    ]
    write_table(tmp_path, {}, tiny_table({}), side, rows)
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    content = {row["name"]: row for row in json.loads((tmp_path / "table.json").read_text())["rows"]}
    return single_spaced((tmp_path / "table.md").read_text(encoding="utf-8")), table, content, drawn


def test_time_is_compared_with_the_configurations_first_network_in_every_file(written):
    page, table, content, drawn = written
    assert list(table) == list(content) == ["judged", "first", "four", "chance"]  # the paper's rows first
    costs = page[page.index("## Cost") :].splitlines()
    for name, label, ratio in (("first", "on samples", 1.0), ("judged", "on log-mel", 4.0)):
        assert float(table[name]["time_ratio"]) == content[name]["figures"]["time_ratio"]["value"] == ratio
        assert drawn[name]["time_ratio"].value == ratio
        assert f" | {ratio:.2f} | " in next(line for line in costs if line.startswith(f"| {label} "))


def test_networks_that_people_cannot_be_asked_about_are_named(written):
    lines = written[0].splitlines()
    assert lines[lines.index("0 judgements; 3 more without enough agreement.") + 1] == (
        "Judged clips are read as log-mel; these networks take samples and have no figure: on samples."
    )


@pytest.fixture
def votes(tmp_path):
    """(file, folder of two clips, one of them in a folder of its own)."""
    folder = tmp_path / "clips"
    (folder / "a").mkdir(parents=True)
    for name in ("1.npy", "a/2.npy"):
        np.save(folder / name, np.zeros(3))
    return write_csv(tmp_path / "raw.csv", [dim_sim_row(1, ("1", "2", "3"), (9, 0))]), folder


@pytest.mark.parametrize("change", ["added", "longer", "touched", "gone"])
def test_clips_that_change_make_other_judgements(votes, change):
    file, folder = votes
    clip, before = folder / "a" / "2.npy", HumanTriplets.read(file, folder, 0.9).digest
    if change == "added":
        np.save(folder / "a" / "3.npy", np.zeros(3))
    elif change == "longer":
        np.save(clip, np.zeros(4))
    elif change == "touched":
        clip.touch()
    else:
        clip.unlink()
    assert HumanTriplets.read(file, folder, 0.9).digest != before


def test_the_same_clips_in_a_renamed_folder_are_the_same_judgements(votes):
    file, folder = votes
    before = HumanTriplets.read(file, folder, 0.9).digest
    moved = folder.rename(folder.with_name("moved"))
    assert HumanTriplets.read(file, str(moved), 0.9).digest == before != HumanTriplets.read(file, moved, 0.8).digest


@pytest.mark.parametrize("name", ["no-such-folder", "raw.csv"])
def test_clips_that_are_no_folder_are_refused(votes, name):
    with pytest.raises(UserError, match=f"{name}: is no folder; name the one that holds the judged clips with --clips"):
        HumanTriplets.read(votes[0], votes[0].parent / name, 0.9)
