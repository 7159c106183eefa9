"""Copies that are to be found: figures by hand, and the command on made songs."""

import json

import pytest
import soundfile
from absl import flags
from tensorflow import keras

from dmml_tf.benchmarks.copies import can_encode
from dmml_tf.benchmarks.duplicates import figures
from dmml_tf.commands import bench_duplicates
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.run import Run
from tests.dmml_tf.library.tunes import RATE, tune
from tests.synthetic import SCHEMA
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions([SharedTag("genre", width=3), SharedTag("mood", width=3)])
FILES = ["000000/mono.flac", "000000/ogg.ogg", "000000/song.flac", "000001/song.flac", "000002/song.flac"]


def test_figures_by_hand():
    # Of three pairs one is found, and two songs are called one.
    found = figures(FILES, [["000000/song.flac", "000000/ogg.ogg"], ["000002/song.flac", "000001/song.flac"]], "abc")
    assert (found["pairs"], found["called_one"], found["right"]) == (3, 2, 1)
    assert (found["recall"], found["precision"]) == (1 / 3, 1 / 2)
    assert found["songs_called_one"] == [["b", "c"]]
    assert found["recalls"] == {"ogg": 1 / 2, "mono": 0}


def test_figures_where_nothing_is_found():
    found = figures(FILES, [], "abc")
    assert (found["recall"], found["precision"], found["songs_called_one"]) == (0, 0, [])


def mean_network(size, features):
    inputs = keras.Input((129, 128))
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(inputs)))


@pytest.fixture
def call(tmp_path, monkeypatch, in_this_process):
    monkeypatch.setattr("dmml_tf.models.embedding.build_embedding", mean_network)
    keras.utils.set_random_seed(0)
    run = Run(tmp_path / "run", CONDITIONS, {"size": 6}, LogMel(loudness=-23.0), SCHEMA, "", name="mine")
    run.save(mean_network(6, None))
    rows = ["track_id,path"]
    for seed in range(3):
        soundfile.write(tmp_path / f"{seed}.flac", tune(seed, 6.0), RATE)
        rows.append(f"tune {seed},{tmp_path / f'{seed}.flac'}")
    (tmp_path / "songs.csv").write_text("\n".join(rows) + "\n")

    def called(*arguments):
        values = flags.FlagValues()
        bench_duplicates.define_flags(values)
        out = f"--out={tmp_path / 'new' / 'figures.json'}"
        values(["bench_duplicates", f"--run={run.folder}", f"--manifest={tmp_path / 'songs.csv'}", out, *arguments])
        bench_duplicates.run(values)
        return json.loads((tmp_path / "new" / "figures.json").read_text())

    return called


@pytest.mark.skipif(not can_encode(), reason="no PyAV that writes MP3")
def test_copies_are_found_and_songs_are_not_called_one(call, capsys):
    found = call("--copied=1")
    assert (found["songs"], found["copied"], found["files"], found["pairs"]) == (3, 1, 9, 21)
    assert (found["recall"], found["precision"], found["songs_called_one"]) == (1, 1, [])
    assert set(found["recalls"].values()) == {1} and min(found["cosines"].values()) > 0.9
    printed = capsys.readouterr().out
    assert "recall 1.0000 of 21 pairs, precision 1.0000 of 21; different songs called one: none" in printed
    assert "| 0.5 s cut " in printed


def test_two_songs_at_least(call, tmp_path):
    (tmp_path / "songs.csv").write_text("track_id,path\none,one.wav\n")
    with pytest.raises(UserError, match="1 songs to find copies among"):
        call()


def test_without_an_encoder(call, monkeypatch):
    monkeypatch.setattr("dmml_tf.benchmarks.duplicates.can_encode", lambda: False)
    with pytest.raises(UserError, match="PyAV does not write MP3"):
        call()
