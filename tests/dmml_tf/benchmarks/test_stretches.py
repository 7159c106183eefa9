"""Medleys found by their songs' other halves: with a network that tells songs exactly, and the command."""

import json

import numpy as np
import pytest

from dmml_tf.benchmarks import stretches as bench
from dmml_tf.cli import main
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.data.signal import LogMelSignal
from dmml_tf.embed.embedder import Embedder
from dmml_tf.run import Run
from tests.synthetic import SCHEMA, traced_track, write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

FRAMES = 1300  # of a song, so that three windows are of one half
SIZE = 16


class TellsSongs:
    """A network that gives of each frame its song, a dimension each, and means them over a window."""

    input_shape, output_shape = (None, 129, 128), (None, SIZE)


@pytest.fixture
def told(tmp_path, monkeypatch):
    dataset = write_dataset(tmp_path / "data", {"train": 5, "test": 7}, frames=FRAMES, make_track=traced_track)
    run = Run(tmp_path / "run", Conditions([SharedTag("genre", width=SIZE)]), {}, LogMel(), SCHEMA, "")

    def embedder(run):
        made = Embedder.__new__(Embedder)
        made.network, made.batch_size = TellsSongs(), 64
        made.signal = LogMelSignal(run.features)
        made._call = lambda windows: (windows[:, :, :1] == np.arange(SIZE)).mean(axis=1).astype(np.float32)
        return made

    monkeypatch.setattr(Embedder, "of_run", embedder)
    return run, dataset


def test_a_network_that_tells_songs_finds_every_part(told):
    figures = bench.measure_stretches(*told, cosines=[0.6])
    assert (figures["medleys"], figures["songs"]) == (2, 5)
    whole, joined, each = figures["searched"].values()
    assert joined["first"] == joined["right_part"] == joined["joins"] == each["right_part"] == 1
    assert joined["false"] == 0 and joined["rows_a_song"] == 1 and 3 <= joined["rows"] <= 5
    assert each["rows_a_song"] == FRAMES // 129 and each["rows"] > joined["rows"] and each["false"] > 0
    assert "right_part" not in whole and whole["rows"] == 1
    table = bench.stretches_table(figures).splitlines()
    assert table[0] == "2 medleys of 3 songs among 5 songs" and len(table) == 6


def test_the_command_writes_and_prints(told, tmp_path, capsys, monkeypatch):
    run, dataset = told
    monkeypatch.setattr(Run, "load", lambda folder: run)
    out = tmp_path / "figures.json"
    assert main(["bench", "stretches", "--run=x", f"--data={dataset.folder}", f"--out={out}"]) == 0
    assert set(json.loads(out.read_text())["searched"]) >= {"whole songs", "stretches by 0.6", "each window"}
    assert "2 medleys of 3 songs" in capsys.readouterr().out
    with pytest.raises(UserError, match="two medleys take 6 songs of split 'train'"):
        bench.measure_stretches(run, dataset, "train")
