"""Songs that find themselves: figures against a loop in plain Python, and the command on made sound."""

import csv
import json
import sys

import numpy as np
import pytest
import soundfile
from absl import flags
from tensorflow import keras

from dmml_tf.benchmarks import self_search as self_search_module
from dmml_tf.benchmarks.copies import can_encode, encode_mp3
from dmml_tf.benchmarks.self_search import compare
from dmml_tf.commands import bench_self_search
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.run import Run
from tests.synthetic import SCHEMA
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions([SharedTag("genre", width=3), SharedTag("mood", width=3)])
RATE = 22_050
encodes = pytest.mark.skipif(not can_encode(), reason="no PyAV that writes MP3")


def cosine(a, b):
    return (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


def test_figures_by_loops():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(20, 6)).astype(np.float32)
    asked = (pool + rng.normal(0, 0.7, (20, 6))).astype(np.float32)
    figures = compare(asked, pool, CONDITIONS)
    parts = {"genre": slice(0, 3), "mood": slice(3, 6)}
    first = 0
    for place in range(20):
        alike = [sum(cosine(asked[place, part], other[part]) for part in parts.values()) for other in pool]
        first += alike.index(max(alike)) == place
    assert 0 < first < 20
    assert figures["itself_first"]["value"] == pytest.approx(first / 20) and figures["itself_first"]["n"] == 20
    for name, part in parts.items():
        own = [cosine(asked[place, part], pool[place, part]) for place in range(20)]
        expected = {"mean": np.mean(own), "least": min(own), "share": np.mean(np.array(own) >= 0.95)}
        assert figures["cosines"][name] == pytest.approx(expected, abs=1e-6)


def test_a_tie_is_not_first():
    same = np.ones((3, 6), np.float32)
    assert compare(same, same, CONDITIONS)["itself_first"]["value"] == 0


def mean_network(size, features):
    """Mean of the log-mel over time, then a fixed map: what is louder has another vector."""
    inputs = keras.Input((129, 128))
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(inputs)))


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("dmml_tf.models.embedding.build_embedding", mean_network)
    keras.utils.set_random_seed(0)
    run = Run(tmp_path / "run", CONDITIONS, {"size": 6}, LogMel(loudness=-23.0), SCHEMA, "", name="mine")
    run.save(mean_network(6, None))
    return run.folder


@pytest.fixture
def manifest(tmp_path):
    """Three songs of 8 s; one of 4 s, of which no half is a window; one that is no sound."""
    time = np.arange(8 * RATE) / RATE
    rng = np.random.default_rng(0)
    rows = []
    for name, hertz in (("low", 110), ("middle", 900), ("high", 5_000)):
        song = 0.2 * np.sin(2 * np.pi * hertz * time) + rng.normal(0, 0.001, len(time))
        soundfile.write(tmp_path / f"{name}.wav", song, RATE)
        rows.append((name, tmp_path / f"{name}.wav"))
    soundfile.write(tmp_path / "short.wav", song[: 4 * RATE], RATE)
    (tmp_path / "broken.wav").write_text("no sound")
    rows += [(name, tmp_path / f"{name}.wav") for name in ("short", "broken")]
    with open(tmp_path / "songs.csv", "w", newline="") as file:
        csv.writer(file).writerows([("track_id", "path"), *rows])
    return tmp_path / "songs.csv"


def call(*arguments):
    values = flags.FlagValues()
    bench_self_search.define_flags(values)
    values(["bench_self_search", *arguments])
    bench_self_search.run(values)


@pytest.mark.slow
@encodes
def test_songs_find_themselves_whatever_is_done_to_them(run_folder, manifest, tmp_path, capsys):
    out = tmp_path / "new" / "figures.json"
    call(f"--run={run_folder}", f"--manifest={manifest}", f"--out={out}")
    figures, printed = json.loads(out.read_text()), capsys.readouterr()
    assert figures["songs"] == 3 and set(figures["left_out"]) == {"short", "broken"}
    assert "short.wav: " in printed.err and "broken.wav: " in printed.err
    forms = ["-24 dB", "-12 dB", "+6 dB", "MP3 at 96 kbit/s", "first half, among second halves"]
    assert set(figures["changed"]) == set(forms)
    for form in forms:
        row = figures["changed"][form]
        # All songs are brought to one loudness.
        assert row["itself_first"]["value"] == 1 and row["cosines"]["genre"]["least"] > 0.9
        assert f"| {form} " in printed.out


def test_without_an_encoder_the_rest_is_measured(run_folder, manifest, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av.codec", None)
    call(f"--run={run_folder}", f"--manifest={manifest}", f"--out={tmp_path / 'figures.json'}")
    assert "MP3 at 96 kbit/s: left out; it needs PyAV" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "figures.json").read_text())["changed"]) == 4


@encodes
def test_an_mp3_of_96_kbit_a_second(manifest, tmp_path):
    encode_mp3(str(tmp_path / "low.wav"), tmp_path / "low.mp3", self_search_module.MP3)
    found, rate = soundfile.read(tmp_path / "low.mp3")
    assert rate == 44_100 and found.shape[1] == 2 and len(found) == pytest.approx(8 * rate, abs=3_000)
    assert (tmp_path / "low.mp3").stat().st_size == pytest.approx(8 * 96_000 / 8, rel=0.05)


def test_songs_are_named_once_and_two_at_least(run_folder, manifest, tmp_path):
    with pytest.raises(UserError, match="--data and --manifest"):
        call(f"--run={run_folder}", f"--manifest={manifest}", "--data=data/mine")
    (tmp_path / "one.csv").write_text(f"track_id,path\nlow,{tmp_path / 'low.wav'}\n")
    with pytest.raises(UserError, match="1 of 1 songs can be used"):
        call(f"--run={run_folder}", f"--manifest={tmp_path / 'one.csv'}", f"--out={tmp_path / 'figures.json'}")
