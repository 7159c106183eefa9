"""Songs of joined parts: what differs, what a catalogue and what segments say, and that no song is made twice."""

import csv
import dataclasses
import hashlib

import numpy as np
import pytest

for name in ("music21", "pretty_midi", "midirenderer"):
    pytest.importorskip(name)
soundfile = pytest.importorskip("soundfile")

from tfrecords_tools.cli import main
from tfrecords_tools.demo import joined
from tfrecords_tools.demo.joined import LABELS, SEGMENT_COLUMNS, draw_songs, render_joined
from tfrecords_tools.demo.plan import plan_corpus
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plans():
    return plan_corpus(60, 0, 30.0)


def values(plan) -> dict:
    return {"genre": plan.genre, "mood": plan.mood, "instrument": plan.families, "tempo": plan.tempo}


def test_parts_differ_in_one_label_and_come_from_one_split(plans):
    for split in ("train", "valid", "test"):
        songs = draw_songs(plans, split, 16, seed=0)
        assert [song.changed for song in songs[:4]] == list(LABELS)
        assert {len(song.parts) for song in songs} == {2, 3} and len({song.track_id for song in songs}) == 16
        for song in songs:
            assert all(part.split == split and 10 <= part.seconds <= 18 for part in song.parts)
            for one, other in zip(song.parts, song.parts[1:]):
                changed = {label for label in LABELS if values(one)[label] != values(other)[label]}
                assert changed == {song.changed}
                assert song.changed != "tempo" or abs(one.tempo - other.tempo) >= 20
                same_piece = (one.artist, one.scores, one.seed) == (other.artist, other.scores, other.seed)
                assert song.changed == "genre" or same_piece
            assert song.edges == pytest.approx(np.cumsum([0.0, *(part.seconds for part in song.parts)]))
            longest = max(range(len(song.parts)), key=lambda k: song.parts[k].seconds)
            assert values(song.as_catalogued) == values(song.parts[longest])
            assert song.as_catalogued.track_id == song.track_id
        assert songs == draw_songs(plans, split, 16, seed=0) != draw_songs(plans, split, 16, seed=1)


def test_plans_that_are_alike_are_refused(plans):
    with pytest.raises(UserError, match="all test tracks of the corpus are alike in 'genre'"):
        draw_songs([next(plan for plan in plans if plan.split == "test")], "test", 4, seed=0)


@pytest.fixture(scope="module")
def made(plans, tmp_path_factory):
    """Four songs of parts of some 3 s by bands: music21 takes seconds to import."""
    bands = [plan for plan in plans if not plan.scores]
    songs = draw_songs(bands, "test", 4, seed=0, seconds=(3.0, 4.0))
    return songs, render_joined(tmp_path_factory.mktemp("joined"), songs, workers=1)


def rows(path) -> list[dict]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_song_is_as_long_as_its_segments_and_sounds_in_each(made):
    songs, manifest = made
    segments = rows(manifest.parent / "segments.csv")
    assert tuple(segments[0]) == SEGMENT_COLUMNS
    assert [row["track_id"] for row in segments] == [song.track_id for song in songs for _ in song.parts]
    for song, row in zip(songs, rows(manifest)):
        mine = [segment for segment in segments if segment["track_id"] == song.track_id]
        samples, rate = soundfile.read(manifest.parent / row["path"])
        assert rate == 22_050 and len(samples) == pytest.approx(float(mine[-1]["end"]) * rate, abs=len(mine))
        assert [segment["start"] for segment in mine] == ["0.0", *(segment["end"] for segment in mine[:-1])]
        for segment, part in zip(mine, song.parts):
            assert float(segment["end"]) - float(segment["start"]) == pytest.approx(part.seconds)
            assert {**values(part), "instrument": "|".join(part.families), "tempo": f"{part.tempo:.2f}"} == {
                label: segment[label] for label in LABELS
            }
            begin, end = (int(float(segment[side]) * rate) for side in ("start", "end"))
            assert np.sqrt((samples[begin:end] ** 2).mean()) > 1e-3
        longest = max(mine, key=lambda segment: float(segment["end"]) - float(segment["start"]))
        assert {label: row[label] for label in LABELS} == {label: longest[label] for label in LABELS}
        changed = {label for label in LABELS if mine[0][label] != mine[1][label]}
        assert changed == {song.changed} and row["title"].split(", ") == [mine[0][song.changed], mine[1][song.changed]]


def test_songs_of_the_same_plan_are_kept_and_others_are_made_anew(made, monkeypatch):
    songs, manifest = made
    folder, played = manifest.parent, []
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}
    compose = joined.compose
    monkeypatch.setattr(joined, "compose", lambda part: played.append(part) or compose(part))
    render_joined(folder, songs, workers=1)
    assert not played
    other = dataclasses.replace(songs[1].parts[0], mood="calm" if songs[1].parts[0].mood != "calm" else "sad")
    changed = dataclasses.replace(songs[1], parts=(other, *songs[1].parts[1:]))
    render_joined(folder, [songs[0], changed], workers=1)
    assert played == list(changed.parts) and len(rows(manifest)) == 2
    render_joined(folder, songs, workers=1)
    assert before == {path: hashlib.sha256(path.read_bytes()).digest() for path in before}


def test_the_command_names_what_comes_next(tmp_path, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(joined, "render_joined", lambda folder, songs, workers: given.append(songs) or folder / "m.csv")
    assert main(["joined", f"--out={tmp_path}", "--train=8", "--valid=4", "--test=4", "--workers=1"]) == 0
    assert [song.track_id for song in given[0]][::4] == [
        "train-000-genre",
        "train-004-genre",
        "valid-000-genre",
        "test-000-genre",
    ]
    artists = {
        split: {p.artist_name for s in given[0] for p in s.parts if p.split == split} for split in ("train", "test")
    }
    assert not artists["train"] & artists["test"]
    assert f"--segments {tmp_path / 'segments.csv'}" in capsys.readouterr().out
