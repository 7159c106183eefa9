"""WAV files of all kinds, read in the graph as soundfile reads them."""

import io
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from dmml_tf.serving.riff import read_wav

RATE = 44_100
_READ = tf.function(lambda wav: tuple(read_wav(wav, tf.constant("wav[0]"))), [tf.TensorSpec([], tf.string)])
_GUID = bytes.fromhex("000000001000800000aa00389b71")


def sound(frames: int = 1_001, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (frames, channels))


def encoded(samples: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, **{"format": "WAV", "subtype": "PCM_16", **options})
    return file.getvalue()


def chunk(name: bytes, body: bytes, size: int | None = None, order: str = "<") -> bytes:
    return name + struct.pack(f"{order}I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def wav(*chunks: bytes, name: bytes = b"RIFF") -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return name + struct.pack("<I", len(content)) + content


def form(tag: int = 1, channels: int = 2, rate: int = RATE, bits: int = 16, extra: bytes = b"") -> bytes:
    width = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + extra)


def pcm(frames: int = 500, channels: int = 2) -> tuple[bytes, np.ndarray]:
    samples = np.random.default_rng(1).integers(-(2**15), 2**15, (frames, channels), np.int16)
    return samples.tobytes(), samples / 2**15


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("options", [{}, {"format": "WAVEX"}, {"endian": "BIG"}, {"format": "RF64"}], ids=str)
def test_every_kind_of_samples(subtype, options, channels):
    content = encoded(sound(channels=channels), subtype=subtype, **options)
    samples, rate, _ = _READ(content)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    assert rate == RATE
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF, 99_999, 2_003], ids=hex)
def test_a_size_that_a_pipe_left_unknown_or_that_reaches_beyond_the_end(size):
    body, expected = pcm()
    samples, _, _ = _READ(wav(form(), chunk(b"data", body, size)))
    np.testing.assert_allclose(samples, expected, atol=1e-7)


def test_chunks_before_and_behind_the_sound():
    body, expected = pcm()
    others = [chunk(b"JUNK", b"x" * 27), chunk(b"bext", b"data" * 151), chunk(b"fact", b"1234")]
    samples, _, _ = _READ(wav(*others, form(), chunk(b"LIST", b"odd"), chunk(b"data", body), chunk(b"id3 ", b"x" * 99)))
    np.testing.assert_allclose(samples, expected, atol=1e-7)


def test_a_file_that_ends_within_a_frame():
    body, expected = pcm()
    samples, _, _ = _READ(wav(form(), chunk(b"data", body[:-3], len(body))))
    np.testing.assert_allclose(samples, expected[:-1], atol=1e-7)


def test_rf64_has_its_size_in_another_chunk():
    body, expected = pcm()
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, len(body), 500, 0))
    samples, _, _ = _READ(wav(sizes, form(), chunk(b"data", body, 0xFFFFFFFF), chunk(b"LIST", b"x" * 40), name=b"RF64"))
    np.testing.assert_allclose(samples, expected, atol=1e-7)


@pytest.mark.parametrize("mask", [0, 0x3, 0x60F])
def test_speakers_of_an_extensible_header(mask):
    body, expected = pcm()
    extra = struct.pack("<HHI", 22, 12, mask) + b"\x01\x00" + _GUID
    samples, _, found = _READ(wav(form(0xFFFE, extra=extra), chunk(b"data", body)))
    np.testing.assert_allclose(samples, expected, atol=1e-7)
    assert found == mask


def test_a_plain_header_names_no_speakers_whatever_lies_behind_it():
    body, _ = pcm()
    assert _READ(wav(form(), chunk(b"LIST", b"\xff" * 40), chunk(b"data", body)))[2] == 0


def test_20_bits_in_three_bytes():
    whole = np.array([-(2**23), 2**23 - 16, 16, 0], np.int32)
    body = b"".join(int(value).to_bytes(3, "little", signed=True) for value in whole)
    fields = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 3, 3, 20)
    np.testing.assert_array_equal(_READ(wav(chunk(b"fmt ", fields), chunk(b"data", body)))[0][:, 0], whole / 2**23)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is no WAV file"),
        (b"RIFF", "is no WAV file"),
        (encoded(sound(), format="FLAC"), "is no WAV file: it does not begin with RIFF and WAVE; encode it as WAV"),
        (wav(form()), "has no data chunk: no sound"),
        (wav(chunk(b"data", b"1234"), form()), "has no fmt chunk"),
        (wav(*[chunk(b"JUNK", b"")] * 1_001, form(), chunk(b"data", b"1234")), "has no data chunk"),
        (wav(form(channels=0), chunk(b"data", b"1234")), "has no fmt chunk that names its channels"),
        (wav(form(channels=65), chunk(b"data", b"1234")), "says 65 channels"),
        (wav(form(rate=999), chunk(b"data", b"1234")), "says 999 Hz, which no recording has"),
        (wav(form(rate=2**32 - 1, bits=0), chunk(b"data", b"1234")), "says 4294967295 Hz"),
        (wav(form(bits=0), chunk(b"data", b"1234")), "format 1, 0 bits"),
        (wav(form(bits=64), chunk(b"data", b"1234")), "format 1, 64 bits"),
        (wav(form(0x55, bits=8), chunk(b"data", b"1234")), r"format 85 \(mp3\)"),
        (encoded(sound(), subtype="ALAW"), r"format 6 \(A-law\), 8 bits; encode it as WAV of 16-bit PCM"),
        (encoded(sound(), subtype="ULAW", format="WAVEX"), r"format 7 \(mu-law\)"),
        (encoded(sound(channels=1), subtype="MS_ADPCM"), r"format 2 \(MS ADPCM\)"),
    ],
    ids=str,
)
def test_what_is_refused_says_why(content, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"assertion failed: \[wav\[0\] .*{message}"):
        _READ(content)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "DOUBLE"])
def test_a_damaged_file_is_read_or_refused(subtype):
    whole, random = encoded(sound(50), subtype=subtype, format="WAVEX"), np.random.default_rng(2)
    for _ in range(150):
        damaged = bytearray(whole[: random.integers(0, len(whole))])
        for place in random.integers(0, 80, 2):
            damaged[place : place + 1] = bytes([random.choice([0, 1, 255, random.integers(256)])])
        try:
            samples, rate, _ = _READ(bytes(damaged))
        except tf.errors.InvalidArgumentError as error:
            assert "assertion failed: [wav[0] " in error.message
        else:
            assert samples.shape[0] <= len(damaged) and 1_000 <= rate <= 768_000
