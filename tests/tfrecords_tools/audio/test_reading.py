"""Whether a file gave all that is there: what was cut short is refused, what plays all the same is taken and noted."""

import os
import re
import sys
import time

import av
import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio.odd import encode, kinds, listen
from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.audio.decode import AudioError, load_mono, mono_blocks, seconds_of


@pytest.mark.parametrize("suffix", ["wav", "ogg", "flac", "mp3", "aiff", "au", "caf", "w64", "rf64"])
def test_whole_files_pass_without_a_word_and_say_their_length(tmp_path, suffix):
    path = tmp_path / f"whole.{suffix}"
    soundfile.write(path, noise(3.2), RATE)
    samples, notes = listen(path)
    assert len(samples) / RATE == pytest.approx(3.2, abs=0.001) and not notes
    assert seconds_of(path) == pytest.approx(3.2, abs=0.001)


@pytest.mark.parametrize("suffix", ["wav", "ogg", "flac", "mp3", "aiff", "au", "caf", "rf64"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_anywhere_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise(8.0), RATE)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(AudioError, match="cut short|cannot be decoded"):
        load_mono(path, RATE)


def test_junk_before_the_beginning_is_left_out(tmp_path):
    samples = noise(4.0)
    for suffix in ("wav", "flac", "ogg", "aiff", "mp3"):
        path = tmp_path / f"x.{suffix}"
        soundfile.write(path, samples, RATE)
        content = path.read_bytes()
        tag = b"ID3\x04\0\0\0\0\x0f\0" + bytes(15 * 128)
        for junk in (bytes(range(1, 255)) * 30, tag):
            path.write_bytes(junk + content)
            found, notes = listen(path)
            assert len(found) / RATE == pytest.approx(4.0, abs=0.01), suffix
            assert np.corrcoef(found[RATE : 2 * RATE], samples[RATE : 2 * RATE])[0, 1] > 0.8, suffix  # noise is hard
            # A tag before an mp3 is where tags stand.
            assert kinds(notes) == ([] if suffix == "mp3" and junk is tag else ["damage"]), suffix


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
@pytest.mark.parametrize("junk", [b"TAG" + bytes(125), bytes(9000), bytes(range(1, 256)) * 40])
def test_junk_behind_the_end_is_left_out(tmp_path, suffix, junk):
    path = tmp_path / f"x.{suffix}"
    soundfile.write(path, noise(4.0), RATE)
    path.write_bytes(path.read_bytes() + junk)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(4.0, abs=0.01)
    assert set(kinds(notes)) <= {"damage"} and (notes or junk[:3] == b"TAG")


def test_a_film_with_shorter_sound_is_not_cut_short(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("ffv1", rate=1)
        pictures.width = pictures.height = 16
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for second in range(12):
            picture = av.VideoFrame.from_ndarray(np.zeros((24, 16), np.uint8), format="yuv420p")
            picture.pts = second
            container.mux(pictures.encode(picture))
            if second < 6:
                block = np.full((1, RATE), 999, np.int16)
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE, second * RATE
                container.mux(sound.encode(frame))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))
    found, _ = listen(path)
    assert len(found) / RATE == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("name, codec, form", [("x.m4a", "aac", "mp4"), ("x.mka", "pcm_s16le", None)])
def test_what_announces_its_length_and_stops_before_it_is_refused(tmp_path, name, codec, form):
    path = encode(
        tmp_path / name, codec, noise(9.0)[:, None], RATE, form, muxing={"movflags": "faststart"} if form else {}
    )
    assert len(load_mono(path, RATE)) / RATE == pytest.approx(9.0, abs=0.1)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(AudioError, match="cut short: the header announces 9"):
        load_mono(path, RATE)


def test_a_few_damaged_packets_are_left_out_and_more_refused(tmp_path):
    path = encode(tmp_path / "x.aac", "aac", noise(20.0)[:, None], RATE, "adts")
    content = bytearray(path.read_bytes())
    path.write_bytes(content + b"TAG" + bytes(125))
    found, _ = listen(path)
    assert len(found) / RATE == pytest.approx(20.0, abs=0.1)
    frames = [match.start() for match in re.finditer(re.escape(content[:3]), content)]
    for place in frames[100:103]:
        content[place + 7 : place + 60] = bytes(range(200, 253))
    path.write_bytes(content)
    found, notes = listen(path)
    assert len(found) / RATE == pytest.approx(20.0, abs=0.2) and kinds(notes) == ["damage"]
    for place in frames[50:-1]:
        content[place + 7 : place + 60] = bytes(range(200, 253))
    path.write_bytes(content)
    with pytest.raises(AudioError, match="cannot be decoded"):
        load_mono(path, RATE)


def test_a_file_named_raw_is_taken_for_what_it_holds(tmp_path):
    soundfile.write(tmp_path / "x.wav", noise(3.2), RATE)
    (tmp_path / "x.wav").rename(tmp_path / "x.raw")
    assert len(load_mono(tmp_path / "x.raw", RATE)) / RATE == pytest.approx(3.2, abs=0.01)


@pytest.mark.parametrize("start", [0.0, 1.5, 5.0])
def test_a_part_from_the_middle_of_streams_is_the_whole_s_part(tmp_path, start):
    path, content = tmp_path / "x.ogg", b""
    for seed in (0, 1):
        soundfile.write(path, noise(4.0, seed), RATE)
        content += path.read_bytes()
    path.write_bytes(content)
    whole = load_mono(path, RATE)
    part = np.concatenate(list(mono_blocks(path, RATE, start, 2.0)))
    first = int(start * RATE)
    np.testing.assert_allclose(part, whole[first : first + 2 * RATE], atol=1e-5)


def test_without_pyav_libsndfile_reads_what_it_can(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    one = {}
    for suffix in ("ogg", "mp3"):
        soundfile.write(tmp_path / f"x.{suffix}", noise(6.0), RATE)
        one[suffix] = (tmp_path / f"x.{suffix}").read_bytes()
        (tmp_path / f"x.{suffix}").write_bytes(one[suffix] * 2)
        assert len(load_mono(tmp_path / f"x.{suffix}", RATE)) / RATE == pytest.approx(12.0, abs=0.1)
    # Of six channels none has a name.
    soundfile.write(tmp_path / "six.wav", np.repeat(noise(4.0)[:, None], 6, 1), RATE)
    assert len(load_mono(tmp_path / "six.wav", RATE)) / RATE == pytest.approx(4.0)
    pages = one["ogg"].split(b"OggS")
    pages[-1] = pages[-1][:2] + bytes(8) + pages[-1][10:]
    (tmp_path / "x.ogg").write_bytes(b"OggS".join(pages))
    with pytest.raises(
        AudioError, match=r"^is a file of which libsndfile reads a part only; the whole needs av; .*audio"
    ):
        load_mono(tmp_path / "x.ogg", RATE)


@pytest.mark.slow
@pytest.mark.parametrize("byte", [b"\xff", b"\0", b"OggS\0", b"\xff\xfb\x90\0\0"])
def test_long_stretches_of_nothing_take_no_time(tmp_path, byte):
    soundfile.write(tmp_path / "x.mp3", noise(4.0), RATE)
    content = (tmp_path / "x.mp3").read_bytes()
    (tmp_path / "x.mp3").write_bytes(content + byte * (3_000_000 // len(byte)))
    begun = time.process_time()
    assert len(load_mono(tmp_path / "x.mp3", RATE)) / RATE == pytest.approx(4.0, abs=0.1)
    assert time.process_time() - begun < 5.0
