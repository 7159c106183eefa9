"""The cache of tempo estimates: by content, remembers none, shared by processes, never in the way."""

import multiprocessing

import pytest
import soundfile

from tests.tfrecords_tools.damaged import noise
from tfrecords_tools.audio import tempo, tempo_cache
from tfrecords_tools.audio.tempo_cache import cached_tempo, require_cache
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import cache_folder


@pytest.fixture
def estimates(monkeypatch):
    """Counts the estimates; each gives 120, or what the list's `bpm` says."""

    class Calls(list):
        bpm = 120.5

    calls = Calls()

    def estimate(path, seconds, by):
        calls.append((str(path), seconds))
        return calls.bpm

    monkeypatch.setattr(tempo_cache, "estimate_tempo_of_file", estimate)
    yield calls
    tempo_cache._connection.cache_clear()


@pytest.fixture
def song(tmp_path):
    """A sound file."""
    soundfile.write(tmp_path / "a.wav", noise(3.2), 22_050)
    return tmp_path / "a.wav"


@pytest.mark.parametrize("bpm", [120.5, None])
def test_the_same_bytes_are_estimated_once_whatever_their_name(song, tmp_path, estimates, bpm):
    estimates.bpm = bpm
    copy = tmp_path / "copy.wav"
    copy.write_bytes(song.read_bytes())
    assert [cached_tempo(path, 60.0, tmp_path) for path in (song, copy, song)] == [bpm] * 3
    assert len(estimates) == 1


def test_other_bytes_seconds_or_madmom_are_estimated_anew(song, tmp_path, estimates, monkeypatch):
    cached_tempo(song, 60.0, tmp_path)
    cached_tempo(song, 30.0, tmp_path)
    song.write_bytes(song.read_bytes() + b"x")
    cached_tempo(song, 60.0, tmp_path)
    cached_tempo(song, 60.0, tmp_path, tempo.REFERENCE)
    monkeypatch.setattr(tempo, "madmom_version", lambda: "another")
    cached_tempo(song, 60.0, tmp_path)
    cached_tempo(song, 60.0, tmp_path, tempo.REFERENCE)
    assert [seconds for _, seconds in estimates] == [60.0, 30.0, 60.0, 60.0, 60.0, 60.0]


def test_it_outlives_the_connection(song, tmp_path, estimates):
    cached_tempo(song, 60.0, tmp_path)
    tempo_cache._connection.cache_clear()
    require_cache(tmp_path)
    assert cached_tempo(song, 60.0, tmp_path) == 120.5 and len(estimates) == 1


def test_a_cache_that_cannot_be_kept_is_said_before_and_costs_nothing_later(song, tmp_path, estimates):
    (tmp_path / "tempo.sqlite").write_text("no database, whatever its name says" * 99)
    with pytest.raises(UserError, match="tempo.sqlite: no cache.*--tempo_cache"):
        require_cache(tmp_path)
    assert [cached_tempo(song, 60.0, tmp_path) for _ in range(2)] == [120.5] * 2 and len(estimates) == 2
    with pytest.raises(UserError, match="--tempo_cache"):
        require_cache(song / "folder")


def _fill(folder, first: int) -> None:
    for k in range(first, first + 30):
        with tempo_cache._connection(folder) as database:
            database.execute("INSERT OR REPLACE INTO tempo VALUES (?, 60.0, 'v', ?)", (bytes([k]), float(k)))


@pytest.mark.spawns
def test_several_processes_write_it(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_fill, args=(str(tmp_path), 20 * k)) for k in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    rows = tempo_cache._connection(str(tmp_path)).execute("SELECT COUNT(*) FROM tempo").fetchone()
    tempo_cache._connection.cache_clear()
    assert rows == (70,)


def test_the_folder_is_where_the_desktop_has_its_caches(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    assert str(cache_folder()) == "/x/cache/dmml"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/x")
    assert str(cache_folder()) == "/home/x/.cache/dmml"
