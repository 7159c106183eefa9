"""`dmml train --config configs/judged.py --config.judgements=FILE`: a network that learns from people's votes."""

import csv
import json
import sys

import pytest

from dmml_tf.cli import main
from dmml_tf.run import Run
from tests.dmml_tf.data.judgements.made_votes import write_votes

pytestmark = [pytest.mark.trains, pytest.mark.usefixtures("eagerly")]
TINY = (
    "--config.network.block=conv",
    "--config.network.width=(2,1,1,1,1,1,1)",
    "--config.batch.tracks=6",
    "--config.batch.triplets=30",
    "--config.batch.pool=12",
    "--config.train.steps=4",
    "--config.train.steps_per_epoch=2",
    "--config.train.validation_steps=1",
)


@pytest.fixture
def train(monkeypatch, synthetic, tmp_path):
    """`dmml train` on a file of votes; returns its exit status."""

    def run(file):
        arguments = [
            "train",
            "--config=configs/judged.py",
            f"--config.judgements={file}",
            f"--data={synthetic.folder}",
            f"--run={tmp_path / 'run'}",
            *TINY,
        ]
        monkeypatch.setattr(sys, "argv", ["dmml", *arguments])  # ml_collections looks there for the fields
        return main(arguments)

    return run


def test_votes_train_a_network(train, tmp_path, capsys):
    file = write_votes(tmp_path / "votes.csv", [f"t{n:03d}" for n in range(43)], 60)
    assert train(file) == 0
    with open(tmp_path / "run/history.csv", newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 2
    for field in ("accuracy_votes", "val_accuracy_votes", "accuracy_track"):
        assert all(0 <= float(row[field]) <= 1 for row in rows)
    run = Run.load(tmp_path / "run")
    assert run.name == "judged" and run.conditions.names == ("votes", "track")
    assert run.conditions[0].file == str(file)
    assert json.loads((tmp_path / "run/config.json").read_text())["conditions"]["votes"]["file"] == str(file)
    said = capsys.readouterr().out
    assert "condition 'votes', split 'train': " in said and "condition 'votes', split 'valid': " in said
    assert train(file) == 0 and "already trained" in capsys.readouterr().out
    file.write_bytes(file.read_bytes().replace(b",7,0", b",0,7"))
    assert train(file) == 2 and "a run of another configuration or of other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    "songs, said",
    [
        ((), "has no file of judgements"),
        (("x", "y", "z"), "none of its 4 judgements"),
    ],
)
def test_votes_that_cannot_train_are_one_line(train, tmp_path, capsys, songs, said):
    file = write_votes(tmp_path / "votes.csv", songs, 4) if songs else ""
    assert train(file) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert len(lines) == 1 and said in lines[0]
