"""Sections as queries and in results: against windows that are cut by hand."""

import dataclasses

import numpy as np
import pytest
import soundfile

from dmml_tf.embed.audio import embed_audio, read_sound
from dmml_tf.embed.embedder import Embedder
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_embedding
from dmml_tf.search.searcher import Searcher
from dmml_tf.search.section import Section
from dmml_tf.search.sections import Sections, heard_again, sections_of
from tests.dmml_tf.search.made import CONDITIONS, tiny_embedding
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

RATE, SECONDS = 22_050, 30
FRAMES, WINDOW = 43.06640625, 129


def sound(seed):
    """30 s of noise whose spectrum changes each 6 s."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(5):
        spectrum = np.fft.rfft(rng.normal(size=6 * RATE))
        edges = np.sort(rng.integers(50, len(spectrum) // 2, 2))
        spectrum[: edges[0]] *= 0.05
        spectrum[edges[1] :] *= 0.05
        parts.append(np.fft.irfft(spectrum, 6 * RATE) * rng.uniform(0.02, 0.2))
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture(scope="module")
def embedder():
    return Embedder(tiny_embedding(CONDITIONS.size), LogMel(loudness=-23.0))


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for seed in range(4):
        soundfile.write(folder / f"{seed}.wav", sound(seed), RATE, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def searcher(embedder, songs):
    paths = sorted(songs.glob("?.wav"))
    rows = [{"id": path.stem, "title": path.stem, "artist": "", "split": ""} for path in paths]
    vectors = np.stack([embed_audio(path, embedder) for path in paths])
    sections = Sections(lambda: embedder, lambda track_id: songs / f"{track_id}.wav")
    return Searcher(Index.build(vectors, CONDITIONS, rows), lambda path: embed_audio(path, embedder), sections=sections)


def test_the_windows_of_a_section_and_no_others(searcher, embedder, songs):
    log_mel = read_sound(songs / "0.wav", embedder.signal)[0]["log_mel"].astype(np.float32)
    vector, seconds = searcher.sections.embed(songs / "0.wav", Section(12, 19))
    first = round(12 * FRAMES)
    cut = np.stack([log_mel[first : first + WINDOW], log_mel[first + WINDOW : first + 2 * WINDOW]])
    np.testing.assert_allclose(vector, embedder(cut).mean(axis=0), rtol=1e-5, atol=1e-6)
    assert seconds == 7
    np.testing.assert_array_equal(searcher.sections.embed(songs / "0.wav")[0], embed_audio(songs / "0.wav", embedder))


def test_the_last_and_the_shortest_section(searcher, embedder, songs):
    log_mel = read_sound(songs / "0.wav", embedder.signal)[0]["log_mel"].astype(np.float32)
    vector, _ = searcher.sections.embed(songs / "0.wav", Section(27, 30))
    np.testing.assert_allclose(vector, embedder(log_mel[None, -WINDOW:])[0], rtol=1e-5, atol=1e-6)
    with pytest.raises(UserError, match=r"0.wav: is 0:30 long; the window 0:27-0:31 ends after it"):
        searcher.sections.embed(songs / "0.wav", Section(27, 31))


def test_means_of_sections_by_loops():
    windows = np.random.default_rng(0).normal(size=(11, 4))
    means, count = sections_of(windows, 3, 3)
    expected = [(windows[place] + windows[place + 3] + windows[place + 6]) / 3 for place in range(5)]
    assert count == 3
    np.testing.assert_allclose(means, expected)
    for wanted in (4, 5, 100):  # of 11 windows of which each third is beside the one before, four at most
        means, count = sections_of(windows, wanted, 3)
        assert count == 4
        np.testing.assert_allclose(means, [windows[0:10:3].mean(axis=0), windows[1:11:3].mean(axis=0)])
    means, count = sections_of(windows[:2], 5, 3)
    assert count == 1 and len(means) == 2


@pytest.mark.parametrize("weights", [None, {"genre": 1.0}, {"tempo": 0.5, "whole": 1.0}, {"genre": 1.0, "mood": -0.5}])
def test_the_section_that_is_most_like_the_query(searcher, embedder, songs, weights):
    asked, seconds = searcher.sections.embed(songs / "0.wav", Section(6, 12))
    query = by_embedding(asked, CONDITIONS, ["0"])
    hits = searcher.index.search(query, weights, 3)
    found = searcher.sections.find(searcher.index, query, weights, hits, seconds)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert {hit.track["id"] for hit in found} == {"1", "2", "3"}
    for hit in found:
        windows = embedder.windows(read_sound(songs / f"{hit.track['id']}.wav", embedder.signal)[0], 43)
        means = [(windows[start] + windows[start + 3]) / 2 for start in range(len(windows) - 3)]
        scores = []
        for mean in means:
            one = Index.build(mean[None], CONDITIONS, [{"id": "one"}])
            scores.append(one.search(dataclasses.replace(query, sources=()), weights, 1)[0].score)
        assert hit.score == pytest.approx(max(scores), abs=1e-5)
        begin = int(np.argmax(scores)) * 43 / FRAMES
        assert hit.section == pytest.approx((begin, begin + 2 * WINDOW / FRAMES))


def test_a_section_is_found_again_in_a_longer_song(searcher, songs, tmp_path):
    """The third 6 s of song 2, written alone, are found there."""
    soundfile.write(tmp_path / "part.wav", sound(2)[12 * RATE : 18 * RATE], RATE, subtype="FLOAT")
    results = searcher.search(tmp_path / "part.wav", windows=True, k=1)
    assert results.ids == ["2"] and results[0].score > 0.98 * 3
    assert results[0].section == pytest.approx((12, 18), abs=0.6)
    assert "0:1" in str(results).splitlines()[1] and "section" in str(results).splitlines()[0]


def test_a_section_of_a_song_of_the_index(searcher, songs):
    by_id = searcher.search("1", window="0:06-0:12", k=3)
    by_file = searcher.search(songs / "1.wav", window=(6, 12), k=4)
    assert "1" not in by_id.ids and len(by_id) == 3
    assert [hit.score for hit in by_file if hit.track["id"] != "1"] == [hit.score for hit in by_id]
    assert by_id[0].section is None


def test_what_cannot_be_heard_is_left_out(searcher, songs, capsys):
    def sound_of(track_id):
        if track_id == "2":
            raise UserError("its disk is not there")
        return songs / ("none.wav" if track_id == "3" else f"{track_id}.wav")

    lame = dataclasses.replace(searcher, sections=dataclasses.replace(searcher.sections, sound=sound_of))
    assert lame.search("0", window="0:06-0:12", windows=True).ids == ["1"]
    said = capsys.readouterr().err
    assert "2: not heard again, left out: its disk is not there" in said and "none.wav: file not found" in said


def test_what_is_no_section(searcher, songs):
    for asked, said in (
        ({"like": ["0", "1"], "window": "0:00-0:10"}, "a section is one of a song"),
        ({"like": "0", "windows": True}, "windows of which length"),
        ({"like": "0", "window": "0:10"}, "write from when to when"),
        ({"like": "0", "window": (3, 5)}, "shorter than 3 s"),
    ):
        with pytest.raises(UserError, match=said):
            searcher.search(**asked)
    with pytest.raises(UserError, match="no model that could hear"):
        dataclasses.replace(searcher, sections=None).search("0", window="0:00-0:10")


def test_some_more_than_are_asked_for_are_heard():
    assert (heard_again(5), heard_again(50)) == (20, 100)
