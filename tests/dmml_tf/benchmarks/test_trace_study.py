"""The study's songs differ in what they say, its measures are mir_eval's, its table adds up."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile

from dmml_tf.benchmarks.study_songs import LABELS, draw_songs, read_plans, render_song
from dmml_tf.benchmarks.trace_study import at_joins, content_of, score, summarise, to_markdown
from tests.dmml_tf.trace.test_trace import jump
from tests.single_spaced import single_spaced
from tfrecords_tools.demo.plan import plan_corpus
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import Command, dispatch


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Plans of 60 tracks, as the demo corpus keeps them; no sound."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "plans").mkdir()
    for plan in plan_corpus(60, 0, 30.0):
        (folder / "plans" / f"{plan.track_id}.json").write_text(json.dumps({"plan": dataclasses.asdict(plan)}))
    return folder


def values(plan) -> dict:
    return {"genre": plan.genre, "mood": plan.mood, "instrument": plan.families, "tempo": plan.tempo}


def test_parts_differ_in_one_label_and_come_from_test_tracks(corpus):
    songs = draw_songs(read_plans(corpus), 16, seed=0)
    assert [song.changed for song in songs[:4]] == list(LABELS)
    assert {len(song.parts) for song in songs} == {2, 3} and len({song.name for song in songs}) == 16
    for song in songs:
        assert all(part.split == "test" and 10 <= part.seconds <= 18 for part in song.parts)
        for one, other in zip(song.parts, song.parts[1:]):
            changed = {label for label in LABELS if values(one)[label] != values(other)[label]}
            assert changed == {song.changed}
            assert song.changed != "tempo" or abs(one.tempo - other.tempo) >= 20
            same_piece = (one.artist, one.scores, one.seed) == (other.artist, other.scores, other.seed)
            assert song.changed == "genre" or same_piece
        assert song.joins == pytest.approx(np.cumsum([part.seconds for part in song.parts])[:-1])
    assert songs == draw_songs(read_plans(corpus), 16, seed=0) != draw_songs(read_plans(corpus), 16, seed=1)


def test_a_corpus_that_cannot_be_used_is_bad_input(corpus, tmp_path):
    with pytest.raises(UserError, match="no plan of a test track"):
        read_plans(tmp_path)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a.json").write_text("{}")
    with pytest.raises(UserError, match="a.json: is no plan"):
        read_plans(tmp_path)
    with pytest.raises(UserError, match="alike in 'genre'"):
        draw_songs(read_plans(corpus)[:1], 4, seed=0)


def test_a_song_is_as_long_as_its_parts_and_is_not_made_twice(corpus, tmp_path):
    bands = [plan for plan in read_plans(corpus) if not plan.scores]  # music21 takes seconds to import
    song = draw_songs(bands, 2, seed=0)[1]
    song = dataclasses.replace(song, parts=tuple(dataclasses.replace(part, seconds=3.0) for part in song.parts))
    path = render_song(song, tmp_path)
    samples, rate = soundfile.read(path)
    assert (len(samples), rate) == (6 * 22050, 22050)
    halves = [np.abs(half).mean() for half in np.split(samples, 2)]
    assert min(halves) > 0.001
    written = path.stat().st_mtime_ns
    assert render_song(song, tmp_path) == path and path.stat().st_mtime_ns == written


def test_scores_count_joins_within_three_seconds():
    assert score([20.0], [22.9], 40.0) == {"precision": 1.0, "recall": 1.0, "f_measure": 1.0}
    assert score([20.0], [23.1], 40.0) == {"precision": 0.0, "recall": 0.0, "f_measure": 0.0}
    # One of two joins is found, by one of three boundaries: two boundaries at one join count once.
    found = score([10.0, 30.0], [9.0, 11.0, 20.0], 40.0)
    assert found == pytest.approx({"precision": 1 / 3, "recall": 0.5, "f_measure": 0.4})
    assert score([20.0], [], 40.0) == {"precision": 0.0, "recall": 0.0, "f_measure": 0.0}


def test_strength_at_a_join_needs_no_threshold():
    trace = jump()
    assert at_joins(trace, "genre", [11.25]) == pytest.approx(1.0)
    assert at_joins(trace, "genre", [3.0]) < 0.01 and at_joins(trace, "mood", [11.25]) < 1e-6


def row(changed: str, genre: float, mood: float) -> dict:
    def one(value: float) -> dict:
        return {"precision": value, "recall": value, "f_measure": value}

    return {
        "changed": changed,
        "scores": {"genre": one(genre), "mood": one(mood)},
        "novelty_at_joins": {"genre": genre / 2, "mood": mood / 2},
    }


def test_the_table_holds_means_by_label_changed():
    rows = [row("genre", 1.0, 0.0), row("genre", 0.5, 0.5), row("mood", 0.25, 1.0)]
    summary = summarise(rows)
    assert summary["genre"]["songs"] == 2 and summary["genre"]["genre"]["recall"] == 0.75
    assert summary["mood"]["genre"]["novelty_at_joins"] == 0.125
    page = single_spaced(to_markdown(content_of(rows, 0, 0.5)))
    assert "| genre | 2 | 0.75 | 0.25 |" in page and "| mood | 1 | 0.25 | 1.00 |" in page and "Seed 0" in page


def test_what_the_study_needs_is_named(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    commands = [Command("trace_study", "", "dmml_tf.commands.trace_study")]
    assert dispatch("dmml", "", commands, ["trace_study", "--run", "none"]) == 2
    assert "mir_eval; install with: pip install 'dmml[demo]'" in capsys.readouterr().err
