"""Formats that libsndfile does not read, through FFmpeg: the same samples, the same refusals."""

import io
import struct

import av
import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.audio import odd
from tfrecords_tools.audio.blocks import DecodeError, cut
from tfrecords_tools.audio.decode import AudioError, load_mono, mono_blocks, seconds_of
from tfrecords_tools.audio.extract import Extracted, Task, extract
from tfrecords_tools.audio.ffmpeg import FFmpegFile
from tfrecords_tools.audio.part import Part
from tfrecords_tools.audio.parts import parts_of

RATE, SECONDS = 44_100, 6.0
TIME = np.arange(int(RATE * SECONDS)) / RATE
STEREO = np.stack([0.3 * np.sin(2 * np.pi * 440 * TIME), 0.1 * np.sin(2 * np.pi * 1000 * TIME)]).astype(np.float32)


def encode(path, codec, samples=STEREO, sample_format="fltp"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="stereo")
        for start in range(0, samples.shape[1], 1024):
            block = np.ascontiguousarray(samples[:, start : start + 1024])
            if sample_format == "s16":
                block = (block.T.reshape(1, -1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block, format=sample_format, layout="stereo")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def m4a(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("other") / "song.m4a", "aac")


def test_libsndfile_does_not_know_the_format_and_it_is_read(m4a):
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(str(m4a))
    samples = load_mono(m4a, 22_050)
    assert len(samples) == pytest.approx(22_050 * SECONDS, abs=3000)  # the encoder pads
    assert seconds_of(m4a) == pytest.approx(SECONDS, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[22_050 : 3 * 22_050]))
    # The mean of two sides: half of each tone, 2 s long, so that bin k is k / 2 Hz.
    assert spectrum[880] / 22_050 == pytest.approx(0.15, rel=0.05)
    assert spectrum[2000] / 22_050 == pytest.approx(0.05, rel=0.05)


def test_lossless_frames_are_exact_across_blocks(tmp_path):
    path = encode(tmp_path / "song.mka", "pcm_s16le", sample_format="s16")
    with FFmpegFile(path) as file:
        blocks = list(cut(file.blocks(), 1000 / RATE, None))
    assert {(block.rate, block.channels) for block in blocks} == {(RATE, ("FL", "FR"))} and len(blocks) > 3
    np.testing.assert_allclose(np.concatenate([block.samples for block in blocks]), STEREO.T[1000:], atol=1e-4)


@pytest.mark.parametrize("channels", [6, 7, 8, 9, 16])
def test_many_channels(tmp_path, channels):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (20_000, channels))
    soundfile.write(tmp_path / "song.wav", samples, RATE, subtype="FLOAT")
    with FFmpegFile(tmp_path / "song.wav") as file:
        found = np.concatenate([block.samples for block in file.blocks()])
    np.testing.assert_array_equal(found, samples.astype(np.float32))


def test_eight_channels_that_the_decoder_gives_apart(tmp_path):
    with av.open(str(tmp_path / "film.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="7.1")
        for _ in range(200):
            noise = np.random.default_rng(0).uniform(-0.1, 0.1, (1, 8 * 1024)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(noise, format="flt", layout="7.1")
            frame.sample_rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert isinstance(extract(Task(str(tmp_path / "film.m4a"))), Extracted)


def test_a_damaged_packet_in_the_decoders_own_numbers_is_left_out(tmp_path):
    path = encode(tmp_path / "song.ac3", "ac3")
    content = bytearray(path.read_bytes())
    frame = content.find(b"\x0b\x77", len(content) // 2)
    content[frame + 100 : frame + 1000] = bytes(900)
    content[frame + 5] = 0xFF
    path.write_bytes(content)
    result = extract(Task(str(path)))
    assert isinstance(result, Extracted) and result.duration == pytest.approx(SECONDS, abs=0.2)
    assert [note.kind for note in result.notes] == ["damage"]


def test_a_part_from_the_middle_is_the_whole_s_part(m4a):
    whole = load_mono(m4a, RATE)
    part = load_mono(m4a, RATE, max_seconds=1.0, start_seconds=2.0)
    np.testing.assert_allclose(part, whole[2 * RATE : 3 * RATE], atol=1e-6)


def test_blocks_are_bounded_and_the_features_are_made(m4a):
    assert max(map(len, mono_blocks(m4a, 22_050))) <= 1 << 16
    result = extract(Task(str(m4a)))
    assert isinstance(result, Extracted) and result.duration == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("content", [b"not music at all, just text\n" * 50, b"PK\x03\x04" + bytes(500), b"\x00" * 4000])
def test_what_neither_reads_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "song.m4a"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="cannot be decoded as audio .*wav, flac, ogg, mp3 and what FFmpeg reads"):
        load_mono(path, 22_050)
    assert seconds_of(path) is None


def test_a_truncated_m4a_is_refused(m4a, tmp_path):
    path = tmp_path / "cut.m4a"
    path.write_bytes(m4a.read_bytes()[: m4a.stat().st_size // 2])
    with pytest.raises(AudioError, match="cannot be decoded|cut short"):
        load_mono(path, 22_050)


def test_a_play_list_opens_nothing(m4a, tmp_path):
    (tmp_path / "song.m4a").write_bytes(m4a.read_bytes())
    for text in (
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nsong.m4a\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile song.m4a\n",
    ):
        path = tmp_path / "list.m4a"
        path.write_text(text)
        with pytest.raises(DecodeError):
            FFmpegFile(path)


def test_a_film_without_sound_holds_no_audio(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((24, 16), np.uint8), format="yuv420p")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(DecodeError, match="holds no audio"):
        FFmpegFile(path)


def test_tags_that_are_not_utf_8_end_nothing(m4a, tmp_path):
    content = encode(tmp_path / "x.m4a", "aac").read_bytes()
    place = content.find(b"Lavf")
    assert place > 0
    (tmp_path / "x.m4a").write_bytes(content[:place] + b"\xff\xfe\x80" + content[place + 3 :])
    assert len(load_mono(tmp_path / "x.m4a", 22_050)) == len(load_mono(m4a, 22_050))


def test_a_codec_that_ffmpeg_does_not_know_is_refused(tmp_path):
    path = encode(tmp_path / "x.mka", "aac")
    content = path.read_bytes()
    assert content.count(b"A_AAC") == 1
    path.write_bytes(content.replace(b"A_AAC", b"A_XYZ"))
    with pytest.raises(AudioError, match="cannot be decoded as audio"):
        load_mono(path, 22_050)


def test_a_length_of_which_two_counts_differ_is_unknown(tmp_path):
    path = encode(tmp_path / "x.wv", "wavpack")
    assert seconds_of(path) == pytest.approx(SECONDS, abs=0.1)
    content = bytearray(path.read_bytes())
    place = content.rfind(b"wvpk") + 16  # where in the whole the last block begins
    content[place : place + 4] = (1 << 31).to_bytes(4, "little")
    path.write_bytes(content)
    assert seconds_of(path) is None


def _adts_frames(path) -> list[bytes]:
    content, frames = path.read_bytes(), []
    while content:
        size = int.from_bytes(content[3:6], "big") >> 5 & 0x1FFF
        frames.append(content[:size])
        content = content[size:]
    return frames


@pytest.mark.parametrize("bit_rate", [96_000, 160_000])
def test_raw_aac_is_as_long_as_it_sounds(tmp_path, bit_rate):
    """Its length is a guess from the bit rate of its beginning, which is that of a tone, or of silence."""
    noise = np.random.default_rng([0]).uniform(-0.3, 0.3, (2 * RATE, 2))
    loud, silent = (
        _adts_frames(odd.encode(tmp_path / "x.aac", "aac", sound, RATE, "adts", bit_rate=bit_rate))[3:-3]
        for sound in (noise, 0 * noise)
    )
    count = round(30 * RATE / 1024)
    for number in range(10):
        first = count * (number + 1) // 11
        parts = [b"".join((loud * 20)[:first]), b"".join((silent * 20)[: count - first])]
        path = tmp_path / f"{number}.aac"
        path.write_bytes(b"".join(parts[:: (1, -1)[number % 2]]))
        assert len(load_mono(path, 22_050)) / 22_050 == pytest.approx(30.0, abs=0.1) == seconds_of(path)


def test_raw_aac_by_the_name_of_an_mp3_is_read(tmp_path):
    """Of some, libsndfile takes bytes in the middle for two frames, which then are all of the song."""
    path = odd.encode(tmp_path / "x.aac", "aac", STEREO.T, RATE, "adts").rename(tmp_path / "x.mp3")
    assert parts_of(path, []) == [Part(whole=False)]
    whole = len(load_mono(path, 22_050)) / 22_050
    assert whole == pytest.approx(SECONDS, abs=0.1) == seconds_of(path)
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + path.read_bytes())
    assert len(load_mono(path, 22_050)) / 22_050 == whole


def test_a_length_that_is_the_size_by_the_bit_rate_refuses_nothing(tmp_path):
    """As FFmpeg says of a file of Windows Media from a pipe, whose head names no length."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    pipe = Pipe()
    with av.open(pipe, "w", format="asf") as container:
        stream = container.add_stream("wmav2", rate=RATE, layout="stereo", bit_rate=128_000)
        for start in range(0, 30 * RATE, 2048):
            place = start % (STEREO.shape[1] - 2048)
            block = np.ascontiguousarray(STEREO[:, place : place + 2048])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path = tmp_path / "x.wma"
    path.write_bytes(pipe.getvalue())
    with FFmpegFile(path) as file:
        assert file._container.duration > 31e6  # what it says
    assert len(load_mono(path, 22_050)) / 22_050 == pytest.approx(30.0, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("times", [64, 512])
def test_one_bit_sound_of_any_rate_is_read(tmp_path, times):
    """Sony, *DSF File Format Specification* 1.01: bits of a first-order modulator, 4,096 bytes a block and channel."""
    frames = times * RATE * 3 // 4 // 32_768 * 32_768
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(frames) / (times * RATE))
    steps = np.floor(np.cumsum((sine + 1) / 2))
    data = np.packbits(np.diff(steps, prepend=0).astype(np.uint8), bitorder="little").tobytes()
    head = b"DSD " + struct.pack("<3Q", 28, 92 + len(data), 0)
    head += b"fmt " + struct.pack("<Q6IQ2I", 52, 1, 0, 1, 1, times * RATE, 1, frames, 4096, 0)
    (tmp_path / "x.dsf").write_bytes(head + b"data" + struct.pack("<Q", 12 + len(data)) + data)
    samples, _ = odd.listen(tmp_path / "x.dsf")
    assert len(samples) / odd.RATE == pytest.approx(frames / (times * RATE), abs=0.01)
    assert odd.hertz(samples[2_000:-2_000]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("junk", [bytes(5_000), b"junk" * 1_000])
def test_what_stands_behind_the_sound_that_is_announced_is_left_out(tmp_path, junk):
    path = odd.encode(tmp_path / "x.wv", "wavpack", STEREO.T, RATE)
    whole, clean = odd.listen(path)
    content = path.read_bytes()
    path.write_bytes(content + junk)
    found, notes = odd.listen(path)
    assert not clean and len(found) == len(whole)
    assert odd.kinds(notes) == ["damage"]
    path.write_bytes(content[: len(content) // 2] + junk)
    with pytest.raises(AudioError, match="cut short|cannot be decoded"):
        load_mono(path, 22_050)
