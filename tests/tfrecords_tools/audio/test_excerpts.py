"""Excerpts: where they lie, that seeking finds what decoding all of it would, and what has none."""

import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio import reading
from tfrecords_tools.audio.decode import load_mono
from tfrecords_tools.audio.excerpts import excerpt_blocks, excerpt_starts
from tfrecords_tools.audio.extract import Extracted, Refused, Task, extract
from tfrecords_tools.features import PAPER_CHAIN, LogMel

RATE = PAPER_CHAIN.sample_rate
SAMPLES = PAPER_CHAIN.window_frames * PAPER_CHAIN.hop
LENGTH = SAMPLES / RATE


@pytest.mark.parametrize(("seconds", "count"), [(60.0, 4), (100.0, 1), (24.0, 4), (71.9, 12)])
def test_excerpts_lie_in_the_middle_of_equal_parts(seconds, count):
    starts = excerpt_starts(seconds, count, LENGTH)
    middles = [(number + 0.5) * seconds / count for number in range(count)]
    np.testing.assert_allclose(np.array(starts) + LENGTH / 2, middles)
    assert min(starts) >= 0 and max(starts) + LENGTH <= seconds


@pytest.mark.parametrize(("seconds", "count"), [(3.0, 1), (23.9, 4), (0.0, 12)])
def test_a_song_of_which_they_would_be_most_has_none(seconds, count):
    assert excerpt_starts(seconds, count, LENGTH) == []


def song(seconds: float, rate: int) -> np.ndarray:
    """float32 [samples, 2]: a tone that rises all the way under noise in bursts, so that no two moments are alike."""
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (100 + 20 * time) * time)
    bursts = np.random.default_rng(0).normal(0, 0.1, len(time)) * (np.sin(2 * np.pi * 3 * time) > 0)
    return np.stack([tone + bursts, tone], 1).astype(np.float32)


FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}


@pytest.mark.slow
@pytest.mark.parametrize("rate", [22_050, 44_100])
@pytest.mark.parametrize("suffix", FORMATS)
def test_seeking_finds_what_decoding_all_of_it_gives(tmp_path, suffix, rate):
    path = tmp_path / f"song.{suffix}"
    soundfile.write(path, song(40.0, rate), rate, subtype=FORMATS[suffix])
    whole = load_mono(path, RATE)
    starts = excerpt_starts(len(whole) / RATE, 5, LENGTH)
    wanted = np.concatenate([whole[round(start * RATE) :][:SAMPLES] for start in starts])
    found = extract(Task(str(path), excerpts=5))
    assert isinstance(found, Extracted) and found.log_mel.shape == (5 * PAPER_CHAIN.window_frames, 128)
    assert found.duration == pytest.approx(len(whole) / RATE, abs=0.06)  # an mp3's padding
    apart = np.abs(found.log_mel.astype(np.float32) - PAPER_CHAIN.extract(wanted))
    # A seek is right to the sample in all of them but mp3, whose frames remember those before.
    assert np.mean(apart) < 0.01 and np.quantile(apart, 0.999) < 0.2


@pytest.mark.slow
def test_a_file_is_looked_at_once_and_hardly_more_is_decoded_than_is_heard(tmp_path, monkeypatch):
    path = tmp_path / "song.ogg"
    soundfile.write(path, song(40.0, 44_100), 44_100, subtype="VORBIS")
    looks, decoded = [], []
    read, parts_of = soundfile.SoundFile.read, reading.parts_of

    def counted(file, frames, **options):
        decoded.append(frames)
        return read(file, frames, **options)

    monkeypatch.setattr(reading, "parts_of", lambda *given: looks.append(given) or parts_of(*given))
    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    blocks, _ = excerpt_blocks(path, RATE, 5, SAMPLES, [])
    assert sum(map(len, blocks)) == 5 * SAMPLES and len(looks) == 1
    assert sum(decoded) <= 5 * (LENGTH + 0.11) * 44_100


def test_a_short_file_is_heard_whole(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, song(9.0, RATE), RATE)
    whole, asked = (extract(Task(str(path), excerpts=count)) for count in (0, 3))
    np.testing.assert_array_equal(whole.log_mel, asked.log_mel)
    assert excerpt_blocks(path, RATE, 3, SAMPLES, []) is None and asked.duration == whole.duration == 9.0


def test_loudness_is_that_of_the_excerpts(tmp_path):
    path, chain = tmp_path / "song.wav", LogMel(loudness=-20.0)
    soundfile.write(path, 0.05 * song(40.0, RATE), RATE, subtype="FLOAT")
    found = extract(Task(str(path), features=chain, excerpts=4))
    whole = extract(Task(str(path), features=chain))
    assert np.mean(found.log_mel, dtype=float) == pytest.approx(np.mean(whole.log_mel, dtype=float), abs=0.03)


def test_silence_and_files_that_are_none(tmp_path):
    silent, broken = tmp_path / "silent.wav", tmp_path / "broken.wav"
    soundfile.write(silent, np.zeros(40 * RATE), RATE)
    broken.write_bytes(b"RIFF")
    for path, said in ((silent, "is silent"), (broken, "broken|empty|cannot|no audio|not"), (tmp_path / "no.wav", "")):
        found = extract(Task(str(path), excerpts=4))
        assert isinstance(found, Refused)
        assert any(part in found.reason for part in said.split("|")), found.reason
