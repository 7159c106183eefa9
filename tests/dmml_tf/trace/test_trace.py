"""A song through time: windows, labels, files, and the command."""

import json
import types

import matplotlib.image
import numpy as np
import pytest
import soundfile

from dmml_tf.conditions import Conditions
from dmml_tf.embed.embedder import Embedder
from dmml_tf.search.index import Index
from dmml_tf.spaces import search_vectors
from dmml_tf.trace.trace import Trace, describe, nearest_labels, trace_audio
from dmml_tf.trace.write import write_trace
from tests.dmml_tf.commands.test_index_search_export import save_run
from tests.dmml_tf.search.made import CONDITIONS, made_index, tiny_embedding
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import Command, dispatch

COMMANDS = [Command("trace", "", "dmml_tf.commands.trace")]


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """9 s: noise, then a tone."""
    path = tmp_path_factory.mktemp("song") / "so$ng.wav"
    noise = 0.3 * np.random.default_rng(0).standard_normal(5 * 22050)
    soundfile.write(path, np.concatenate([noise, 0.5 * np.sin(0.2 * np.arange(4 * 22050))]), 22050)
    return path


def made_trace(vectors: np.ndarray, conditions: Conditions = CONDITIONS) -> Trace:
    return Trace("made.wav", len(vectors) * 0.5 + 2.5, 0.5, vectors, conditions, 3.0)


def jump(first: int = 20, second: int = 14) -> Trace:
    """Genre turns by a right angle between two windows, the rest stays."""
    vectors = np.ones((first + second, CONDITIONS.size), np.float32)
    vectors[:, :6] = 0.0
    vectors[:first, 0], vectors[first:, 1] = 1.0, 1.0
    return made_trace(search_vectors(vectors, CONDITIONS))


def test_windows_are_those_of_the_whole_songs_log_mel(song):
    embedding, chain = tiny_embedding(CONDITIONS.size), LogMel()
    trace = trace_audio(song, Embedder(embedding, chain), CONDITIONS, hop=0.5)
    samples, _ = soundfile.read(song, dtype="float32")
    log_mel, step = chain.extract(samples).astype(np.float16).astype(np.float32), 22
    starts = range(0, len(log_mel) - 129 + 1, step)
    expected = np.asarray(embedding(np.stack([log_mel[start : start + 129] for start in starts])))
    np.testing.assert_allclose(trace.vectors, search_vectors(expected, CONDITIONS), atol=1e-4)
    assert trace.hop == pytest.approx(step * 512 / 22050) and trace.seconds == pytest.approx(9.0)
    assert trace.times[0] == pytest.approx(1.5, abs=0.01) and len(trace.times) == len(starts)


def test_a_long_song_is_bounded(song, monkeypatch):
    embedding = tiny_embedding(CONDITIONS.size)
    assert trace_audio(song, Embedder(embedding, LogMel()), CONDITIONS, max_seconds=4.0).seconds == pytest.approx(4.0)
    monkeypatch.setattr("dmml_tf.trace.trace.MAX_WINDOWS", 5)
    with pytest.raises(UserError, match=r"so\$ng.wav: 12 windows, at most 5.*--hop of 1.2"):
        trace_audio(song, Embedder(embedding, LogMel()), CONDITIONS)


def test_sound_shorter_than_a_window_and_no_sound_are_bad_input(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(22050), 22050)
    (tmp_path / "text.wav").write_text("no sound")
    for name, reason in (("short.wav", "too short"), ("text.wav", "."), ("none.wav", "not found")):
        with pytest.raises(UserError, match=f"{name}: .*{reason}"):
            trace_audio(tmp_path / name, Embedder(tiny_embedding(CONDITIONS.size), LogMel()), CONDITIONS)


def test_a_boundary_lies_where_half_of_a_window_is_on_either_side():
    trace = jump()
    # Window 19 is centred at 11 s, window 20 at 11.5 s.
    assert trace.boundaries("genre").tolist() == [11.25]
    assert trace.boundaries("mood").tolist() == trace.boundaries("tempo").tolist() == []


def test_without_subspaces_the_whole_is_traced():
    whole = Conditions([c for c in CONDITIONS if not c.width])
    trace = made_trace(jump().vectors, whole)
    assert list(describe(trace)["subspaces"]) == ["whole"]


def test_nearest_labels_by_brute_force():
    index = made_index(40)
    trace = made_trace(made_index(9, seed=3).vectors)
    for name, condition in (("genre", CONDITIONS[0]), ("tempo", CONDITIONS[2])):
        part, expected = index.slices[name], []
        for vector in trace.vectors:
            order = sorted(range(40), key=lambda row: -float(index.vectors[row, part] @ vector[part]))[:5]
            labels = [index.tracks[row][name] for row in order]
            if name == "tempo":
                expected.append(float(np.median([float(label) for label in labels])))
                continue
            tags = [tag for label in labels for tag in label.split("|")]
            expected.append(max(dict.fromkeys(tags), key=tags.count))
        found = nearest_labels(trace, index, condition)
        assert ([float(label) for label in found] if name == "tempo" else found) == expected
    assert nearest_labels(trace, index, CONDITIONS[1]) == [""] * 9  # no track has a mood


def test_files_are_whole_and_agree(tmp_path):
    trace, index = jump(), made_index(20)
    content = write_trace(trace, tmp_path / "out", index)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["trace.json", "trace.png", "windows.npy"]
    assert json.loads((tmp_path / "out" / "trace.json").read_text()) == content
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "windows.npy"), trace.vectors)
    genre = content["subspaces"]["genre"]
    assert genre["boundaries"] == [11.25] and len(genre["nearest"]) == len(genre["trajectory"]) == 34
    pixels = matplotlib.image.imread(tmp_path / "out" / "trace.png")[:, :, :3]
    red, green, blue = np.moveaxis(pixels, 2, 0)
    assert ((red > 0.75) & (green < 0.45) & (np.abs(green - blue) < 0.1)).sum() > 50  # the boundary


@pytest.mark.slow
def test_the_command_with_and_without_an_index(song, synthetic, tmp_path, capsys):
    run = save_run(tmp_path / "run", synthetic.folder)
    assert dispatch("dmml", "", COMMANDS, ["trace", "--run", str(run.folder), "--audio", str(song)]) == 0
    content = json.loads((run.folder / "traces" / "so$ng" / "trace.json").read_text())
    assert list(content["subspaces"]) == ["genre", "tempo"] and "nearest" not in content["subspaces"]["genre"]
    assert "12 windows, 9.0 s" in capsys.readouterr().out
    stale = Index.build(np.ones((1, 10)), run.conditions, [{"id": "a", "genre": "folk", "tempo": ""}], "other weights")
    stale.save(run.folder / "index")
    assert dispatch("dmml", "", COMMANDS, ["trace", "--run", str(run.folder), "--audio", str(song)]) == 2
    assert "other weights" in capsys.readouterr().err


@pytest.mark.slow
def test_a_library_has_the_trace_in_its_folder(song, synthetic, tmp_path, monkeypatch):
    run = save_run(tmp_path / "music" / "models" / "run", synthetic.folder)
    opened = types.SimpleNamespace(model_folder=run.folder)
    monkeypatch.setattr("dmml_tf.library.library.Library.open", lambda folder: opened)
    line = ["trace", "--library", str(tmp_path / "music"), "--audio", str(song)]
    assert dispatch("dmml", "", COMMANDS, line) == 0
    assert (tmp_path / "music" / "traces" / "so$ng" / "trace.png").exists() and not (run.folder / "traces").exists()
