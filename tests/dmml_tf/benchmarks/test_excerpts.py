"""Excerpts beside whole songs: figures against a loop in plain Python, and the command on made sound."""

import json

import numpy as np
import pytest
import soundfile
from tensorflow import keras

from dmml_tf.benchmarks.excerpts import measure_excerpts
from dmml_tf.cli import main
from dmml_tf.commands import bench_excerpts
from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import label_rows
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

NETWORK = {"block": "conv", "width": 2, "size": 10}
CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4), SameTrack("track", width=0)])
RATE = 22_050


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run, records of which one has no file and one no sound, and songs of 20 s that change all the way."""
    folder = tmp_path_factory.mktemp("excerpts")
    dataset = write_dataset(folder / "data", {"train": 2, "valid": 8}, frames=150)
    keras.utils.set_random_seed(0)
    run = Run(folder / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, str(dataset.folder))
    run.save(build_embedding(**NETWORK))
    paths = {}
    for number, row in enumerate(label_rows(dataset, "valid")[:7]):
        paths[row["track_id"]] = str(folder / f"{number}.wav")
        time = np.arange(20 * RATE) / RATE
        soundfile.write(folder / f"{number}.wav", 0.3 * np.sin(2 * np.pi * (100 + 40 * number + 9 * time) * time), RATE)
    (folder / "6.wav").write_text("no sound")
    return run, dataset, paths


def cosine(a, b):
    return (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


@pytest.mark.slow
def test_figures_by_loops(place, capsys):
    run, dataset, paths = place
    figures = measure_excerpts(run, dataset, "valid", paths, [1, 3, 99], triplets=200)
    assert "6.wav: " in capsys.readouterr().err
    assert figures["songs"] == 6 and figures["seconds"] == pytest.approx(120.0)
    assert list(figures["heard"]) == [0, 1, 3, 99]
    embedder = Embedder.of_run(run)
    for count, heard in figures["heard"].items():
        assert heard["decode"] > 0 and heard["embed"] > 0
        assert heard["times_real_time"] == pytest.approx(120 / (heard["decode"] + heard["embed"]))
        assert set(heard["cosines"]) == {"genre", "tempo", "whole"} and set(heard["accuracy"]) == {"genre", "tempo"}
        if count in (0, 99):  # ninety-nine leave nothing out
            assert all(part["low"] == pytest.approx(1) for part in heard["cosines"].values())
            assert heard["accuracy"] == figures["heard"][0]["accuracy"]
    whole = [embed_audio(path, embedder) for path in list(paths.values())[:6]]
    some = []
    for path in list(paths.values())[:6]:
        audio, windows = soundfile.read(path, dtype="float32")[0], []
        for middle in (20 / 6, 10.0, 100 / 6):
            begin = round((middle - 129 * 512 / RATE / 2) * RATE)
            windows.append(LogMel().extract(audio[begin : begin + 129 * 512]).astype(np.float16))
        some.append(embedder(np.stack(windows).astype(np.float32)).mean(axis=0))
    own = [cosine(a[:6], b[:6]) for a, b in zip(some, whole)]
    found = figures["heard"][3]["cosines"]["genre"]
    # What lies beside a window's edge is another excerpt here, and silence there.
    assert found["mean"] == pytest.approx(np.mean(own), abs=0.02)
    assert found["low"] == pytest.approx(np.percentile(own, 5), abs=0.02)
    assert found["mean"] < 1


def test_the_command_writes_and_prints(place, tmp_path, capsys, monkeypatch):
    run, _, paths = place
    monkeypatch.setattr(bench_excerpts, "audio_paths", lambda _: paths)
    out = tmp_path / "new" / "figures.json"
    asked = ["bench", "excerpts", f"--run={run.folder}", "--excerpts=2", f"--out={out}"]
    assert main(asked) == 0
    assert list(json.loads(out.read_text())["heard"]) == ["0", "2"]
    printed = capsys.readouterr().out
    assert "6 songs of 0.03 h" in printed and "cosine, tempo" in printed and "triplets, genre" in printed
    assert main([*asked[:3], "--excerpts=0"]) == 2
    assert "--excerpts=0: takes numbers of 1 or more" in capsys.readouterr().err


def test_no_song_is_one_line(place):
    run, dataset, _ = place
    with pytest.raises(UserError, match="no song of its split 'valid' can be heard"):
        measure_excerpts(run, dataset, "valid", {}, [2])
