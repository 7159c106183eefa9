"""The comparison on whole songs against loops in plain Python, and the command from its flags to its table."""

import json
import sys

import numpy as np
import pytest
import soundfile
from absl import flags
from tensorflow import keras

from dmml_tf.benchmarks import song_systems
from dmml_tf.benchmarks.real_songs import first_neighbour, groups_of, right_triplets, score_systems
from dmml_tf.benchmarks.song_systems import System, keep_songs, musicnn_systems, musly, run_systems, song_vectors
from dmml_tf.commands import bench_songs
from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.held_out import hold_out
from dmml_tf.heads.songs import Heard
from dmml_tf.run import Run
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions([SharedTag("genre", width=2), SameTrack("track", width=0)])
RNG = np.random.default_rng(0)


def made(songs=9, size=4):
    """Songs of one to four windows in two packages, their artists 0, 1, 2 in turn."""
    counts = 1 + np.arange(songs) % 4
    track = np.repeat(np.arange(songs, dtype=np.int32), counts)
    start = np.concatenate([np.arange(count, dtype=np.int32) * 129 for count in counts])
    labels = {
        "genre": (np.arange(songs, dtype=np.int32) % 2)[:, None],
        "artist": (np.arange(songs, dtype=np.int32) % 3)[:, None],
        "track": np.arange(songs, dtype=np.int32),
    }
    ids = [f"package{place // 5}/song{place}" for place in range(songs)]
    windows = RNG.normal(size=(len(track), size)).astype(np.float32)
    vectors = RNG.normal(size=(songs, size)).astype(np.float32)
    return Embedded(ids, [""] * songs, [""] * songs, labels, vectors, windows, track, start)


def unit(vector):
    return vector / np.sqrt((vector**2).sum())


def test_a_song_is_the_mean_of_its_windows_at_unit_length():
    embedded = made()
    expected = [
        unit(sum(unit(row) for row, song in zip(embedded.windows, embedded.window_track) if song == place))
        for place in range(9)
    ]
    np.testing.assert_allclose(song_vectors(embedded.windows, embedded.window_track), expected, atol=1e-6)


def test_a_run_is_seen_through_its_sub_spaces(tmp_path):
    embedded = made()
    conditions = Conditions([SharedTag("genre", width=2), SharedTag("artist", width=2), SameTrack("track", width=0)])
    run = Run(tmp_path, conditions, {}, LogMel(), None, "", name="mine")
    own, whole = run_systems(run, embedded)
    assert (own.name, whole.name) == ("mine, own sub-spaces", "mine, whole")
    assert set(own.songs) == {"whole", "genre", "artist"} and set(whole.songs) == {"whole"}
    genre = song_vectors(embedded.windows[:, :2], embedded.window_track)
    for first in range(9):
        for second in range(9):
            apart = np.sqrt(((genre[first] - genre[second]) ** 2).sum())
            assert own.songs["genre"][first, second] == pytest.approx(apart, abs=1e-6)


def test_triplets_and_neighbours_by_loops():
    embedded = made()
    held_out = hold_out(CONDITIONS, embedded.labels, embedded.window_track, embedded.window_start, 50, 0)
    apart = RNG.uniform(1, 2, (9, 9))
    system = System("made", {"whole": RNG.uniform(1, 2, (9, 9)), "genre": apart}, embedded.windows)
    right = right_triplets(system, held_out)
    assert right["genre"].tolist() == [apart[a, p] < apart[a, n] for a, p, n in held_out.triplets["genre"]]
    windows = embedded.windows
    assert right["track"].tolist() == [
        ((windows[a] - windows[p]) ** 2).sum() < ((windows[a] - windows[n]) ** 2).sum()
        for a, p, n in held_out.triplets["track"]
    ]
    assert set(right_triplets(System("of songs", {"whole": apart}), held_out)) == {"genre"}
    groups = groups_of(embedded.ids, embedded.labels)
    for name, same in (
        ("package", lambda a, b: embedded.ids[a].split("/")[0] == embedded.ids[b].split("/")[0]),
        ("artist", lambda a, b: a % 3 == b % 3),
    ):
        nearest = [min((b for b in range(9) if b != a), key=lambda b: apart[a, b]) for a in range(9)]
        share = first_neighbour(apart, groups[name], seed=0)
        assert share["value"] == pytest.approx(np.mean([same(a, nearest[a]) for a in range(9)])) and share["n"] == 9
        assert share["low"] <= share["value"] <= share["high"]


def test_a_song_alone_in_its_group_is_not_asked_for():
    apart = np.array([[0, 1, 2], [1, 0, 2], [2, 1, 0.0]])
    group = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    assert first_neighbour(apart, group, 0)["n"] == 2
    assert first_neighbour(apart, np.eye(3, dtype=bool), 0) is None
    assert not groups_of(["a", "b"], {"artist": np.array([[-1], [-1]]), "track": np.arange(2)})["package"].any()


def test_the_first_system_is_ahead_of_the_others_on_the_same_triplets():
    embedded = made()
    held_out = hold_out(CONDITIONS, embedded.labels, embedded.window_track, embedded.window_start, 80, 0)
    knows = np.abs(embedded.labels["genre"] - embedded.labels["genre"].T).astype(float)
    systems = [System("knows", {"whole": knows}), System("opposite", {"whole": 1 - knows})]
    scores = score_systems(systems, held_out, {})
    assert scores["knows"]["triplets"]["overall"]["value"] == 1 and scores["knows"]["ahead"] is None
    assert scores["opposite"]["ahead"]["value"] == 1 and scores["opposite"]["triplets"]["track"] is None


def test_songs_that_are_left_out_leave_the_others_as_they_were():
    embedded = made()
    kept = np.arange(9) % 2 == 0
    some = keep_songs(embedded, kept)
    assert some.ids == embedded.ids[::2] and some.labels["track"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(some.vectors, embedded.vectors[::2])
    for new, old in enumerate(range(0, 9, 2)):
        mine, theirs = some.window_track == new, embedded.window_track == old
        np.testing.assert_array_equal(some.windows[mine], embedded.windows[theirs])
        np.testing.assert_array_equal(some.window_start[mine], embedded.window_start[theirs])


def test_musicnn_windows_are_those_at_the_same_time():
    # 400 windows of 129 frames are 1,198 s, as many of musicnn's 1,197: the last ones are one behind.
    like = Embedded(["a"], [""], [""], {}, None, None, np.zeros(400, np.int32), np.arange(400, dtype=np.int32) * 129)
    features = RNG.normal(size=(402, 400)).astype(np.float32)
    heard = Heard({"other": 0, "a": 1}, np.array([0, 1, 402]), features)
    plain, scaled = musicnn_systems(heard, like, ["other", "not heard"], LogMel())
    middles = [(129 * k + 64.5) * 512 / 22_050 for k in range(400)]
    rows = [features[1 + int(middle / 2.992)] for middle in middles]
    np.testing.assert_allclose(plain.windows, [unit(row) for row in rows], atol=1e-6)
    assert scaled.windows.shape == (400, 400)
    assert len(musicnn_systems(heard, like, [], LogMel())) == 1


def test_without_musly_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymusly", None)
    with pytest.raises(UserError, match="pip install pymusly"):
        musly("timbre", made(), {})


def test_musly_compares_whole_songs(tmp_path):
    pytest.importorskip("pymusly", reason="Musly is not installed")
    time = np.arange(8 * 22_050) / 22_050
    paths = {}
    for place, hertz in enumerate((220, 222, 3_000)):
        paths[f"package{place // 5}/song{place}"] = str(tmp_path / f"{place}.wav")
        tone = np.sin(2 * np.pi * hertz * time) * (1 + np.sin(2 * np.pi * 2 * time)) / 4
        soundfile.write(tmp_path / f"{place}.wav", tone + RNG.normal(0, 0.01, len(time)), 22_050)
    for method in song_systems.MUSLY_METHODS:
        apart = musly(method, made(3), paths).songs["whole"]
        assert apart.shape == (3, 3) and apart[0, 1] < apart[0, 2]
    with pytest.raises(UserError, match="names no audio file of 'package0/song3'"):
        musly("timbre", made(4), paths)


def small_network(size):
    inputs = keras.Input((129, 128))
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(inputs)))


@pytest.mark.slow
def test_the_command_prints_the_figures_that_it_writes(synthetic, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dmml_tf.models.embedding.build_embedding", lambda size, features: small_network(size))
    conditions = Conditions([SharedTag("genre", width=4), Within("tempo", 5.0, width=4), SameTrack("track", width=0)])
    keras.utils.set_random_seed(0)
    run = Run(tmp_path / "run", conditions, {"size": 8}, LogMel(), synthetic.schema, str(synthetic.folder), name="mine")
    run.save(small_network(8))
    ids = [f"t{number:03d}" for number in range(51)]  # not the last of the valid songs
    features = RNG.normal(size=(len(ids), 200))
    np.savez(
        tmp_path / "heard.npz", ids=ids, offsets=np.arange(len(ids) + 1), msd_features=features, mtt_features=features
    )
    values = flags.FlagValues()
    bench_songs.define_flags(values)
    out = tmp_path / "new" / "figures.json"
    values(
        ["bench_songs", f"--run={run.folder}", f"--musicnn={tmp_path / 'heard.npz'}", f"--out={out}", "--triplets=200"]
    )
    bench_songs.run(values)
    figures, printed = json.loads(out.read_text()), capsys.readouterr().out
    assert figures["songs"] == 11 and figures["left_out"] == ["t051"] and "heard none of them: t051" in printed
    assert list(figures["systems"]) == [
        "mine, own sub-spaces",
        "mine, whole",
        "MFCC-VQ",
        "musicnn, 400 features",
        "musicnn, 400 features, standardised",
    ]
    for system in figures["systems"].values():
        for name in ("genre", "tempo", "track", "overall"):
            assert f"{system['triplets'][name]['value']:.3f} (" in printed
        assert system["first_neighbour"]["package"] is None and system["first_neighbour"]["artist"]["n"] > 0
