"""`dmml zero_shot` on a run trained for a few steps: from configuration to run folder, table and results."""

import json
import re

import numpy as np
import pytest
from dmml_tf.configs import zero_shot

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.zero_shot import zero_shot_scores
from dmml_tf.search.index import Index
from dmml_tf.spaces import unit
from dmml_tf.training.train import train
from dmml_tf.zero_shot.tower import TagTower
from tests.eager import eager_functions
from tests.synthetic import SCHEMA
from tfrecords_tools.program import Command, dispatch

pytestmark = [pytest.mark.trains, pytest.mark.usefixtures("eagerly")]
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("index", "zero_shot")]


@pytest.fixture(scope="module")
def trained(synthetic, tmp_path_factory):
    """A run with word vectors for all tags but `violin`, and its index; `jazz` and `piano` are unseen."""
    folder = tmp_path_factory.mktemp("zero_shot")
    words = [word for tags in SCHEMA.vocabularies.values() for word in tags if word != "violin"] + ["polka"]
    vectors = np.random.default_rng(0).normal(size=(len(words), 6)).round(3)
    (folder / "v.txt").write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, vectors)))
    config = zero_shot.get_config()
    config.network.update({"block": "conv", "width": (4, 1, 1, 1, 1, 2, 4)})
    config.batch.update({"tracks": 8, "triplets": 60, "pool": 12})
    config.train.update({"steps": 4, "steps_per_epoch": 2, "validation_steps": 1})
    config.zero_shot.words = str(folder / "v.txt")
    config.zero_shot.held_out = {"genre": ("jazz",), "instrument": ("piano",)}
    with eager_functions():
        run = train(config, synthetic.folder, folder / "run")
        assert dispatch("dmml", "", COMMANDS, ["index", f"--run={run.folder}"]) == 0
    return run


def dmml(capsys, run, *arguments):
    """(exit status, standard output, standard error)."""
    capsys.readouterr()
    return dispatch("dmml", "", COMMANDS, ["zero_shot", f"--run={run.folder}", *arguments]), *capsys.readouterr()


def test_the_run_folder_holds_the_tower(trained):
    tower = TagTower.load(trained.folder)
    assert tower.tags == {name: SCHEMA.vocabularies[name] for name in ("genre", "mood", "instrument")}
    assert tower.held_out == {"genre": ("jazz",), "mood": (), "instrument": ("piano",)}
    assert tower.vectors.source["missing"] == ["violin"] and tower.kernel.shape == (6, 192)
    assert trained.conditions.names == ("genre", "mood", "instrument")
    header = (trained.folder / "history.csv").read_text().splitlines()[0].split(",")
    assert {"val_accuracy_genre", "active", "d_ap", "d_an"} <= set(header)


def test_the_table_is_what_the_scores_say(trained, synthetic, capsys):
    status, printed, _ = dmml(capsys, trained, "--evaluate", "-k", "4")
    assert status == 0
    embedded = embed_split(Embedder.of_run(trained), synthetic, "test", track_progress=False)
    expected = zero_shot_scores(
        TagTower.load(trained.folder), embedded.vectors, embedded.labels, trained.conditions, SCHEMA.vocabularies, 4
    )
    written = json.loads((trained.folder / "zero_shot_evaluation.json").read_text())
    assert (written["split"], written["tracks"], written["k"]) == ("test", 16, 4)
    for name, one in expected.items():
        found = written["conditions"][name]
        assert (found["seen"], found["unseen"]) == (one.mean(False), one.mean(True))
        assert found["tags"].keys() == one.scores.keys() and found["left_out"] == one.left_out
        for which, mean in (("seen", found["seen"]), ("unseen", found["unseen"])):
            row = re.search(rf"^\W*{name}\W+{which}\W.*$", printed, re.M)[0]
            assert row.count("-") >= 4 if mean is None else f"{mean['auc']:.3f}" in row
    assert written["conditions"]["mood"]["unseen"] is None
    assert f"{expected['genre'].scores['jazz'].auc:.3f}" in printed.split("has not seen")[1]
    assert "instrument violin (no vector)" in printed and re.search(r"^written: ", printed, re.M)


def test_results_are_the_nearest_in_the_tags_own_space(trained, capsys):
    status, printed, _ = dmml(capsys, trained, "--tag=Jazz", "-k", "3")
    index, tower = Index.load(trained.folder / "index"), TagTower.load(trained.folder)
    vector = tower.in_space(tower.vectors.columns["genre"][1], trained.conditions, "genre")
    order = np.argsort(-(unit(np.asarray(index.vectors[:, :64])) @ vector), kind="stable")[:3]
    lines = printed.splitlines()
    assert status == 0 and len(lines) == 4
    assert [line.split()[1] for line in lines[1:]] == [index.tracks[row]["id"] for row in order]
    assert "cos(genre)" in lines[0] and "cos(mood)" not in lines[0]


def test_a_word_that_is_no_tag_and_one_that_nobody_knows(trained, capsys):
    status, printed, _ = dmml(capsys, trained, "--tag=polka", "--condition=genre", "-k", "2")
    assert status == 0 and len(printed.splitlines()) == 3
    status, printed, error = dmml(capsys, trained, "--tag=jaz")
    assert status == 2 and printed == "" and "known tags near it: jazz, " in error.splitlines()[-1]
    status, _, error = dmml(capsys, trained, "--tag=jazz", "--condition=era")
    assert status == 2 and "the model has: genre, mood, instrument" in error and error.count("\n") == 1


def test_one_of_the_two_is_asked_for(trained, capsys):
    for arguments in ((), ("--tag=jazz", "--evaluate")):
        status, _, error = dmml(capsys, trained, *arguments)
        assert status == 2 and error == "dmml zero_shot: error: give either --tag TAG or --evaluate\n"


def test_an_index_of_other_weights_is_refused(trained, capsys, monkeypatch):
    monkeypatch.setattr("dmml_tf.run.Run.weights_sha256", lambda run: "other")
    status, _, error = dmml(capsys, trained, "--tag=jazz")
    assert status == 2 and "the index was made by other weights" in error
