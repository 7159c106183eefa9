"""Channels as files hold them: what the decoder makes of one upside down, a silent one, surround and silence."""

import av
import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio.decode import SilentError, load_mono, mono_blocks, require_sound
from tfrecords_tools.audio.extract import Extracted, Refused, Task, extract
from tfrecords_tools.features import PAPER_CHAIN

RATE = 22_050


def _song(seconds=4.0, seed=0):
    """float32 [samples]: three notes and noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * t) for hertz in (220.0, 277.2, 554.4))
    return (0.1 * tones + 0.01 * np.random.default_rng(seed).standard_normal(len(t))).astype(np.float32)


def _write(path, channels):
    soundfile.write(path, np.stack(channels, 1), RATE, "FLOAT" if path.suffix == ".wav" else None)
    return path


def _log_mel(path):
    result = extract(Task(str(path)))
    assert isinstance(result, Extracted), result
    return result.log_mel.astype(np.float32)


def _cosine(one, other):
    return np.vdot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_a_side_upside_down_sounds_as_the_other_alone(tmp_path, suffix):
    song = _song()
    inverted = _write(tmp_path / f"inverted{suffix}", [song, -song])
    alone = _write(tmp_path / f"left{suffix}", [song])
    assert _cosine(_log_mel(inverted), _log_mel(alone)) > 0.99
    (note,) = extract(Task(str(inverted))).notes
    assert note.kind == "channels" and "cancel each other for 4.0 s" in note.what


def test_a_silent_side_leaves_the_other_as_loud_as_it_is(tmp_path):
    song = _song()
    found = load_mono(_write(tmp_path / "right.wav", [0 * song, song]), RATE)
    np.testing.assert_allclose(found, song, atol=1e-4)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_stereo_in_six_channels_sounds_as_stereo(tmp_path, suffix):
    left, right = _song(seed=1), 0.5 * _song(seed=2)
    six = _write(tmp_path / f"six{suffix}", [left, right, *np.zeros((4, len(left)), np.float32)])
    stereo = _write(tmp_path / f"stereo{suffix}", [left, right])
    np.testing.assert_allclose(load_mono(six, RATE), load_mono(stereo, RATE), atol=1e-4)


def test_surround_is_mixed_by_names_whatever_their_order(tmp_path):
    """AAC puts the centre first (ISO/IEC 14496-3, table 1.19)."""
    names = ("FL", "FR", "FC", "LFE", "BL", "BR")
    sound = np.zeros((6, 4 * RATE), np.float32)
    sound[names.index("LFE")] = 4 * _song(seed=3)
    sound[names.index("FC")] = _song(seed=4)
    sound[names.index("FL")] = _song(seed=5)
    with av.open(str(tmp_path / "six.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="5.1")
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="5.1")
        frame.sample_rate = RATE
        resampler = av.AudioResampler("fltp", "5.1", RATE, frame_size=1024)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    wanted = 0.5 * sound[0] + 0.7071 * sound[2]
    found = load_mono(tmp_path / "six.m4a", RATE)[: len(wanted)]
    assert _cosine(PAPER_CHAIN.extract(found), PAPER_CHAIN.extract(wanted[: len(found)])) > 0.98


def test_a_file_is_noted_as_a_whole_only_when_it_was_read_to_its_end(tmp_path):
    song = _song(8.0)
    path, notes = _write(tmp_path / "a.wav", [song, -song]), []
    sum(len(block) for block in mono_blocks(path, RATE, max_seconds=3.0, notes=notes))
    assert [note.what for note in notes] == ["its channels cancel each other for 3.0 s"]


@pytest.mark.parametrize("level", [0.0, 1e-5])
@pytest.mark.parametrize("channels", [1, 2])
def test_silence_is_one_line_and_a_note(tmp_path, level, channels):
    noise = level * np.random.default_rng(0).standard_normal((channels, 6 * RATE))
    result = extract(Task(str(_write(tmp_path / "silent.wav", noise))))
    assert isinstance(result, Refused)
    assert result.reason == "is silent: nothing in it is louder than -70 LUFS"
    assert [(note.kind, note.done) for note in result.notes] == [("silence", "left out")]


def test_a_quiet_song_is_no_silence(tmp_path):
    result = extract(Task(str(_write(tmp_path / "quiet.wav", [10 ** (-24 / 20) * _song()]))))
    assert isinstance(result, Extracted) and not result.notes


def test_what_is_not_silent_passes():
    require_sound(-60.0)
    with pytest.raises(SilentError, match="is silent"):
        require_sound(-np.inf)
