"""Accuracy 1 and 2 against values worked out by hand; the draw; one short run with madmom."""

import json
import math

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio.test_tempo import clicks
from tfrecords_tools.benchmarks.tempo import OCTAVE_FACTORS, Track, format_scores, matches, score, scores_by_tag
from tfrecords_tools.benchmarks.tempo_report import choose_tracks, table_of
from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.manifest import read_manifest


@pytest.mark.parametrize(
    "estimated, first, second",
    [
        (100.0, True, True),
        (104.0, True, True),
        (96.0, True, True),
        (104.1, False, False),
        (95.9, False, False),
        (200.0, False, True),
        (208.0, False, True),
        (208.1, False, False),
        (50.0, False, True),
        (48.0, False, True),
        (47.9, False, False),
        (300.0, False, True),
        (312.1, False, False),
        (100 / 3, False, True),
        (150.0, False, False),
        (400.0, False, False),
        (math.nan, False, False),
    ],
)
def test_within_four_percent(estimated, first, second):
    assert matches([100.0], [estimated]).tolist() == [first]
    assert matches([100.0], [estimated], OCTAVE_FACTORS).tolist() == [second]


def test_score_counts_what_has_no_estimate_as_wrong():
    found = score([100, 100, 100, 100], [101, 199, 150, math.nan])
    assert (found.tracks, found.without, found.accuracy1, found.accuracy2) == (4, 1, 0.25, 0.5)
    assert found.interval2 == pytest.approx((0.1500, 0.8500), abs=1e-3)


def test_score_agrees_with_a_loop():
    rng = np.random.default_rng([2])
    true, estimated = rng.uniform(50, 200, 300), rng.uniform(30, 260, 300)
    right = [abs(e - t) <= 0.04 * t for t, e in zip(true, estimated)]
    octave = [any(abs(e - f * t) <= 0.04 * f * t for f in (1 / 3, 1 / 2, 1, 2, 3)) for t, e in zip(true, estimated)]
    found = score(true, estimated)
    assert (found.accuracy1, found.accuracy2) == (np.mean(right), np.mean(octave)) and np.mean(octave) > np.mean(right)


@pytest.mark.parametrize("true, estimated", [([], []), ([100.0], [])])
def test_nothing_to_score_is_refused(true, estimated):
    with pytest.raises(ValueError, match="true and 0 estimated"):
        score(true, estimated)


def test_a_track_counts_under_each_of_its_tags():
    tracks = [Track("a", "", 100, ("jazz", "rock")), Track("b", "", 100, ("rock",)), Track("c", "", 100)]
    found = scores_by_tag(tracks, np.array([100.0, 50.0, math.nan]))
    assert {tag: (one.tracks, one.accuracy1, one.accuracy2) for tag, one in found.items()} == {
        "(unlabelled)": (1, 0, 0),
        "jazz": (1, 1, 1),
        "rock": (2, 0.5, 1),
    }
    assert "rock" in format_scores(found.items()).splitlines()[-1]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Four tracks: clicks at 120, the same called 60, silence, and one without a tempo."""
    folder = tmp_path_factory.mktemp("tempo")
    for name, samples in (("a", clicks(120, 5)), ("b", np.zeros(5 * 44_100))):
        soundfile.write(folder / f"{name}.wav", samples, 44_100)
    (folder / "songs.csv").write_text(
        "track_id,path,artist,genre,tempo\nt1,a.wav,x,jazz,120\nt2,a.wav,x,rock,60\n"
        "t3,b.wav,x,rock,100\nt4,a.wav,x,rock,\n"
    )
    return folder / "songs.csv"


def test_the_draw_is_seeded_and_takes_tracks_with_a_tempo(manifest):
    table = read_manifest(manifest)
    every = [track.track_id for track in choose_tracks(table, 0, 3)]
    assert sorted(every) == ["t1", "t2", "t3"]
    assert [track.track_id for track in choose_tracks(table, 2, 3)] == every[:2]
    assert len({tuple(track.track_id for track in choose_tracks(table, 0, seed)) for seed in range(20)}) > 1


@pytest.mark.spawns
def test_one_run_with_madmom(manifest, tmp_path, capsys):
    arguments = [
        "tempo_accuracy",
        f"--manifest={manifest}",
        f"--out={tmp_path}",
        f"--tempo_cache={tmp_path / 'cache'}",
        "--by=genre",
        "--workers=1",
    ]
    assert main(arguments) == 0
    report = json.loads((tmp_path / "tempo_accuracy.json").read_text(encoding="utf-8"))
    assert report["overall"]["accuracy1"] == pytest.approx(1 / 3) and report["overall"]["without"] == 1
    assert report["overall"]["accuracy2"] == pytest.approx(2 / 3)
    assert report["by"]["jazz"]["accuracy1"] == 1 and report["tracks"]["t3"]["estimated"] is None
    assert (tmp_path / "tempo_accuracy.png").read_bytes().startswith(b"\x89PNG")
    assert "jazz" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--by=mood"], "no tag column 'mood' for --by; its tag columns: genre"),
        (["--data=x"], "not both"),
    ],
)
def test_bad_arguments(manifest, arguments, reason, capsys):
    assert main(["tempo_accuracy", f"--manifest={manifest}", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_dataset_with_madmoms_own_tempi_is_refused(tmp_path):
    (tmp_path / "build.json").write_text('{"tempo_estimated": 7}')
    with pytest.raises(UserError, match="7 of its tempi are madmom's own estimates"):
        table_of(tmp_path)
    (tmp_path / "build.json").write_text('{"tempo_estimated": 0}')
    assert table_of(tmp_path) == tmp_path / "tracks.csv"


def test_a_table_without_tempo_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("track_id,path,artist,genre\n")
    with pytest.raises(UserError, match="has no column tempo"):
        choose_tracks(read_manifest(tmp_path / "t.csv"), 0, 0)
