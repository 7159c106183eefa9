"""`dmml judge` and `dmml explore --votes` as people call them; and what their votes are then used for."""

import csv
import dataclasses
import shutil
import sys

import numpy as np
import pytest

from dmml_tf.cli import main
from dmml_tf.data.judgements.votes import read_votes
from dmml_tf.explore.serve import serving
from dmml_tf.judge.votes_file import VotesFile
from dmml_tf.search.index import Index
from tests.dmml_tf.commands.test_train_judged import TINY
from tests.dmml_tf.explore.client import ask, question, request
from tests.dmml_tf.judge.test_sessions import answer_all


@pytest.fixture
def dmml(monkeypatch):
    """Runs a command; nothing is served, but `served` is called with the application in its place."""

    def run(*arguments, served=lambda app: pytest.fail("it served")):
        monkeypatch.setattr("dmml_tf.explore.serve.serve", lambda app, opened: served(app))
        monkeypatch.setattr(sys, "argv", ["dmml", *map(str, arguments)])  # where --config looks
        return main([*map(str, arguments)])

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "give --out FILE.csv"),
        (["--out", "DIR"], "cannot be written"),
        (["--out", "DIR/none/votes.csv"], "cannot be written"),
        (["--out", "DIR/other.csv"], "has other columns than votes have"),
        (["--out", "DIR/taken.csv"], "another server takes votes"),
        (["--out", "DIR/v.csv", "--split", "train"], "0 songs of split 'train' have audio to play"),
        (["--out", "DIR/v.csv", "--data", "DIR"], "dataset.json"),
        (["--out", "DIR/v.csv", "--disagreeing", "1"], "disagreeing"),
        (["--out", "DIR/v.csv", "--beside", "DIR/no_run"], "no_run"),
        (["--out", "DIR/v.csv", "--size", "1x1"], "WIDTHxHEIGHT"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_served(dmml, trained, tmp_path, capsys, arguments, message):
    (tmp_path / "other.csv").write_text("song,stars\nx,5\n")
    with VotesFile(tmp_path / "taken.csv"):
        spelled = [argument.replace("DIR", str(tmp_path)) for argument in arguments]
        assert dmml("judge", "--run", trained.folder, "--port", 0, "--noopen", *spelled) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (tmp_path / "other.csv").read_text() == "song,stars\nx,5\n"


@pytest.mark.slow
def test_a_page_is_served_with_its_token_and_votes_are_kept(dmml, trained, tmp_path, capsys):
    out, said = tmp_path / "votes.csv", []

    def served(app):
        with serving(app) as address:
            assert question(address, "judge/next", listener="k1")[0] == 401
        said.append(app)

    common = ("judge", "--run", trained.folder, "--out", out, "--port", 0, "--noopen", "--triplets", 5)
    assert dmml(*common, "--host", "0.0.0.0", served=served) == 0 and said
    out_text = capsys.readouterr().out
    assert "/#token=" in out_text and f"asks; votes go to {out}" in out_text and out_text.endswith("ended\n")

    def vote(app):
        with serving(app) as address:
            while (asked := question(address, "judge/next", listener="k1")[1])["showing"]:
                assert question(address, "judge/votes", showing=asked["showing"], answer="a")[0] == 200
        raise KeyboardInterrupt  # the way to end it

    assert dmml(*common, "--disagreeing", 0.4, "--beside", trained.folder, "--repeats", 0.4, served=vote) == 0
    votes = read_votes(out)
    assert [asked.why for asked in votes.asked].count("disagreeing") == 2 and len(votes.answers) == 7


def test_the_explorer_has_the_page_too(dmml, trained, dataset, tmp_path, capsys):
    labels = {"artist": "", "split": "test", "genre": "rock", "tempo": "90"}
    tracks = [{"id": f"t{n:03d}", "title": f"Song {n}", **labels} for n in range(9)]
    vectors = np.random.default_rng(0).normal(size=(9, 10)).astype(np.float32)
    Index.build(vectors, trained.conditions, tracks, trained.weights_sha256()).save(trained.folder / "index")
    seen = []

    def served(app):
        with serving(app) as address:
            seen.append(ask(address, "/api/v1/about")[1]["judge"])
            seen.append(request(address, "/judge")[2].count(b"judge.js"))
            asked = question(address, "judge/next", listener="k1")[1]
            seen.append(question(address, "judge/votes", showing=asked["showing"], answer="b")[0])

    explore = ("explore", "--run", trained.folder, "--port", 0, "--noopen")
    assert dmml(*explore, "--votes", tmp_path / "votes.csv", served=served) == 0
    assert seen == ["/judge", 1, 200] and len(read_votes(tmp_path / "votes.csv").answers) == 1

    def plain(app):
        with serving(app) as address:
            assert ask(address, "/api/v1/about")[1]["judge"] == "" and request(address, "/judge")[0] == 404

    assert dmml(*explore, served=plain) == 0
    capsys.readouterr()
    assert dmml("explore", "--library", tmp_path, "--votes", tmp_path / "votes.csv") == 2
    assert "--votes goes with --run" in capsys.readouterr().err


@pytest.mark.trains
def test_the_votes_train_a_network_and_score_it(dmml, opened, trained, dataset, tmp_path, eagerly, capsys):
    """The same file, unchanged, by `configs/judged.py`, `--votes` and the reader of dim-sim."""
    with opened(triplets=40, repeats=0.1, disagreeing=0.5) as sessions:
        for listener in ("k1", "k2"):
            answer_all(sessions, listener, lambda showing: "a" if showing.song1_at_a else "b")
    file, run = tmp_path / "votes.csv", tmp_path / "run"
    # Songs that were judged train only as songs of the train split.
    data = dataset.folder.parent / "as_train"
    _with_splits_exchanged(dataset, data)
    train = ("train", "--config=configs/judged.py", f"--config.judgements={file}", f"--data={data}", f"--run={run}")
    assert dmml(*train, *TINY) == 0
    assert "condition 'votes', split 'train': 36 of the 40 judgements" in capsys.readouterr().out
    assert dmml("evaluate", "--run", trained.folder, "--triplets", 20, "--votes", file) == 0
    printed = capsys.readouterr().out
    assert "People: 80 votes of 2 listeners on 40 triplets" in printed and "(song1 80," in printed


def _with_splits_exchanged(dataset, folder):
    shutil.copytree(dataset.folder, folder)
    turned = {"test": "train", "train": "test"}
    splits = {turned.get(split, split): shards for split, shards in dataset.splits.items()}
    dataclasses.replace(dataset, folder=folder, splits=splits).save()
    with open(folder / "tracks.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(folder / "tracks.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "split": turned.get(row["split"], row["split"])} for row in rows)
