import dataclasses

import numpy as np
import pytest

pytest.importorskip("music21")
pretty_midi = pytest.importorskip("pretty_midi")

from tfrecords_tools.demo import (
    bands,
    moods,
    render,
    scores,
)
from tfrecords_tools.demo.instruments import seat
from tfrecords_tools.demo.piece import BASS, CHORD, MELODY, Drum, Note, Piece, close_voicing, repeat_to, scale_pitch


def a_band(seed=0):
    return bands.found_band(np.random.default_rng(seed))


def pieces():
    for genre in bands.GENRES:
        yield genre, bands.play(genre, a_band(), np.random.default_rng(1), 32)
    for genre in scores.GENRES:
        read = (scores.read_score(genre, file, 32) for file in scores.score_files(genre))
        yield genre, next(piece for piece in read if piece is not None)


PIECES = dict(pieces())


def starts(piece, role):
    return np.array([note.start for note in piece.notes if note.role == role])


@pytest.mark.parametrize("genre", PIECES)
def test_music_fills_its_beats_in_all_roles(genre):
    piece = PIECES[genre]
    for role in (MELODY, CHORD, BASS):
        onsets = np.unique(starts(piece, role))
        assert onsets.max() >= 26
        # Nothing rests so long that a 3 s window at 60 beats a minute could miss it.
        assert np.diff(onsets[onsets < 32]).max() <= 3
    assert all(note.length > 0 and 20 <= note.pitch <= 100 for note in piece.notes)


@pytest.mark.parametrize("genre", PIECES)
def test_a_pulse_can_be_heard_in_every_mood(genre):
    for mood in moods.MOODS:
        piece = moods.apply_mood(PIECES[genre], mood, np.random.default_rng(2))
        onsets = {round(note.start, 3) for note in piece.notes} | {round(drum.start, 3) for drum in piece.drums}
        beats = [beat for beat in range(8, 28) if beat in onsets]
        assert len(beats) >= 17, mood


@pytest.mark.parametrize("mood, thirds", [("happy", (4, 3)), ("calm", (4, 3)), ("sad", (3, 4)), ("tense", (3, 4))])
def test_moods_set_the_mode(mood, thirds):
    piece = PIECES["rock"]
    result = moods.apply_mood(piece, mood, np.random.default_rng(0))
    degrees = [(note.pitch - result.tonic) % 12 for note in result.notes if note.role == MELODY and note.voice == 0]
    assert degrees.count(thirds[0]) > 0 == degrees.count(thirds[1])


def test_register_force_and_articulation_differ_as_written_down():
    results = {mood: moods.apply_mood(PIECES["waltz"], mood, np.random.default_rng(0)) for mood in moods.MOODS}
    pitch = {mood: np.mean([n.pitch for n in piece.notes if n.role == MELODY]) for mood, piece in results.items()}
    force = {mood: np.mean([n.velocity for n in piece.notes]) for mood, piece in results.items()}
    length = {mood: np.mean([n.length for n in piece.notes]) for mood, piece in results.items()}
    assert pitch["happy"] - 4 > pitch["calm"] > pitch["sad"] + 4
    assert force["tense"] > force["happy"] > force["sad"] > force["calm"]
    assert min(length["calm"], length["sad"]) > 2 * max(length["happy"], length["tense"])


def test_density_differs_as_written_down():
    tune = {
        mood: len(starts(moods.apply_mood(PIECES["bossa"], mood, np.random.default_rng(0)), MELODY))
        for mood in moods.MOODS
    }
    assert tune["calm"] < tune["sad"] < tune["happy"] < tune["tense"]


def test_keys_vary_within_a_mood():
    tonics = {moods.apply_mood(PIECES["rock"], "sad", np.random.default_rng(k)).tonic for k in range(30)}
    assert len(tonics) >= 7


@pytest.mark.parametrize("genre", bands.GENRES)
def test_bands_differ_but_keep_their_genres_drums(genre):
    songs = [bands.play(genre, a_band(seed), np.random.default_rng(5), 32) for seed in range(6)]
    assert len({song.notes for song in songs}) == 6
    common = set.intersection(*({(round(drum.start % 4, 3), drum.key) for drum in song.drums} for song in songs))
    assert len(common) >= 3


def test_genre_rules():
    def drums(genre, key):
        return {round(drum.start % 4, 3) for drum in PIECES[genre].drums if drum.key == key}

    assert {0, 1, 2, 3} <= drums("techno", bands.KICK)
    assert drums("rock", bands.SNARE) >= {1, 3}
    assert drums("reggae", bands.KICK) == {2}
    assert 1.667 in drums("swing", bands.RIDE)
    assert set(np.round(starts(PIECES["reggae"], CHORD) % 1, 3)) == {0.5}
    assert set(starts(PIECES["waltz"], BASS) % 3) == {0}


def test_chorale_moves_together_and_jig_in_threes():
    chorale = PIECES["chorale"]
    soprano, bass = set(starts(chorale, MELODY)), set(starts(chorale, BASS))
    assert len(soprano & bass) > 0.6 * len(soprano)
    thirds = starts(PIECES["jig"], MELODY) * 3
    assert np.mean(np.abs(thirds - np.round(thirds)) < 0.01) > 0.9


def test_folk_tunes_are_struck_in_two_and_in_three():
    assert {round(drum.start % 1, 3) for drum in PIECES["reel"].drums} == {0.0, 0.5}
    assert {round(drum.start % 1, 3) for drum in PIECES["jig"].drums} == {0.0, 0.333, 0.667}
    assert not PIECES["chorale"].drums


def test_scores_that_lack_what_the_genre_needs_are_passed_over():
    reel = scores.score_files("reel")[0]
    assert scores.read_score("chorale", reel, 8) is None


def test_long_notes_are_struck_again():
    notes = scores.chorale([[(0.0, 4.0, 72)], [(0.0, 4.0, 67)], [(0.0, 4.0, 64)], [(0.0, 4.0, 48)]], 0)
    assert sorted(note.start for note in notes if note.role == BASS) == [0.0, 1.0, 2.0, 3.0]
    assert sum(note.length for note in notes) == 16.0


def test_scale_and_voicing():
    assert [scale_pitch(degree) for degree in (0, 2, 7, -1)] == [60, 64, 72, 59]
    assert close_voicing(4, lowest=55) == [55, 59, 62]
    assert close_voicing(0, lowest=55) == [55, 60, 64]


def test_repeats_keep_the_metre():
    piece = repeat_to(Piece((Note(0.0, 1.0, 60, MELODY),), (Drum(1.0, 36, 1.0),)), beats=9, length=4)
    assert [note.start for note in piece.notes] == [0, 4, 8]
    assert [drum.start for drum in piece.drums] == [1, 5, 9]


def test_midi_holds_only_tagged_programs_at_the_tempo(tmp_path):
    seats = seat(("voice", "banjo"), np.random.default_rng(0))
    (tmp_path / "a.mid").write_bytes(render.midi_bytes(PIECES["techno"], seats, tempo=100.0, seconds=9.0, start=0.25))
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid"))
    assert {i.program for i in midi.instruments if not i.is_drum} == {one.program for one in seats.values()}
    kicks = sorted(note.start for i in midi.instruments if i.is_drum for note in i.notes if note.pitch == bands.KICK)
    assert np.diff(kicks) == pytest.approx(0.6, abs=0.01)
    assert kicks[0] == pytest.approx(0.25, abs=0.01)
    assert midi.get_end_time() <= 9.2


def test_recording_conditions_vary_and_never_clip():
    tone = np.tile(np.sin(np.arange(22_050) / 20).astype(np.float32)[:, None], (1, 2))
    results = [render.record(tone, np.random.default_rng(k)) for k in range(8)]
    loudness = [20 * np.log10(np.sqrt((one**2).mean())) for one in results]
    assert max(loudness) - min(loudness) > 6 and min(loudness) > -31
    assert max(np.abs(one).max() for one in results) < 1
    assert all(one.shape == tone.shape and one.dtype == np.float32 for one in results)
    assert np.array_equal(render.record(tone, np.random.default_rng(3)), results[3])


def test_silence_stays_silence():
    assert not render.record(np.zeros((22_050, 2), np.float32), np.random.default_rng(0)).any()


def test_pieces_sort_their_notes():
    late, early = Note(1.0, 1.0, 60, MELODY), Note(0.0, 1.0, 62, MELODY)
    piece = Piece((late, early))
    assert piece.notes == (early, late)
    assert dataclasses.replace(piece, tonic=3).notes == piece.notes
