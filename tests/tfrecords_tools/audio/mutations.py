"""One small file of each format, and seeded damage to it."""

import io
import random
from pathlib import Path

import av
import numpy as np

SECONDS, RATE = 3.5, 16_000
# Name of a file -> its container, codec and rate (Hz), as FFmpeg calls them.
FORMATS = {
    "pcm.wav": ("wav", "pcm_s16le", 8_000),
    "deep.wav": ("wav", "pcm_s24le", 8_000),
    "float.wav": ("wav", "pcm_f32le", 8_000),
    "adpcm.wav": ("wav", "adpcm_ms", 16_000),
    "pcm.w64": ("w64", "pcm_s16le", 8_000),
    "pcm.aiff": ("aiff", "pcm_s16be", 8_000),
    "pcm.au": ("au", "pcm_s16be", 8_000),
    "pcm.caf": ("caf", "pcm_s16le", 8_000),
    "alac.caf": ("caf", "alac", 16_000),
    "plain.flac": ("flac", "flac", 16_000),
    "flac.oga": ("ogg", "flac", 16_000),
    "vorbis.ogg": ("ogg", "vorbis", 16_000),
    "plain.opus": ("ogg", "libopus", 48_000),
    "plain.mp3": ("mp3", "libmp3lame", 16_000),
    "plain.mp2": ("mp2", "mp2", 16_000),
    "aac.m4a": ("ipod", "aac", 16_000),
    "alac.m4a": ("ipod", "alac", 16_000),
    "aac.mp4": ("mp4", "aac", 16_000),
    "pcm.mov": ("mov", "pcm_s16le", 8_000),
    "adts.aac": ("adts", "aac", 16_000),
    "plain.wma": ("asf", "wmav2", 16_000),
    "opus.mka": ("matroska", "libopus", 48_000),
    "flac.mka": ("matroska", "flac", 16_000),
    "opus.webm": ("webm", "libopus", 48_000),
    "plain.wv": ("wv", "wavpack", 16_000),
    "plain.tta": ("tta", "tta", 16_000),
    "plain.ac3": ("ac3", "ac3", 48_000),
    "plain.eac3": ("eac3", "eac3", 48_000),
    "aac.ts": ("mpegts", "aac", 16_000),
    "mp3.avi": ("avi", "libmp3lame", 16_000),
    "mp3.flv": ("flv", "libmp3lame", 22_050),
    "plain.amr": ("amr", "libopencore_amrnb", 8_000),
}
# What headers are damaged with: 0, 1, the largest signed and unsigned numbers.
_WIDTHS = (1, 2, 4, 8)
# Bytes of a file within which its header, or most of it, lies.
_HEADER = 300


def encoded(container: str, codec: str, rate: int) -> bytes:
    """A file of 3.5 s: a tone that rises, in stereo where the codec has it."""
    file, channels = io.BytesIO(), 1 if "amr" in codec else 2
    time = np.arange(int(SECONDS * rate)) / rate
    tone = 9_000 * np.sin(2 * np.pi * 220 * time * (1 + 0.1 * time))
    samples = np.repeat(tone[:, None], channels, axis=1).astype(np.int16)
    layout = "stereo" if channels == 2 else "mono"
    with av.open(file, "w", format=container) as out:
        options = {"strict": "-2"} if codec == "vorbis" else {}
        stream = out.add_stream(codec, rate=rate, layout=layout, options=options)
        stream.bit_rate = 12_200 if "amr" in codec else 64_000
        for start in range(0, len(samples), 4096):
            block = np.ascontiguousarray(samples[start : start + 4096]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def mutated(content: bytes, other: bytes, seed: str) -> bytes:
    """`content`, damaged in one to three ways: cut, flipped, spliced (with itself or `other`), header fields set."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        content = chance.choice((_cut, _flipped, _spliced, _fields, _fields))(content, other, chance)
    return content


def _cut(content: bytes, _: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return chance.choice((content[:end], content[start:], content[:start] + content[end:]))


def _flipped(content: bytes, _: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 4, 64)) if damaged else 0):
        damaged[_place(damaged, chance)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _spliced(content: bytes, other: bytes, chance: random.Random) -> bytes:
    source = chance.choice((content, other))
    start, end = sorted(chance.randrange(len(source) + 1) for _ in range(2))
    place = _place(content, chance)
    kept = chance.choice((place, min(len(content), place + end - start)))  # inserted, or written over
    return content[:place] + source[start:end] + content[kept:]


def _fields(content: bytes, _: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        width = chance.choice(_WIDTHS)
        most = 256**width - 1
        value = chance.choice((0, 1, most, most // 2)).to_bytes(width, chance.choice(("little", "big")))
        place = _place(damaged, chance)
        damaged[place : place + width] = value
    return bytes(damaged)


def _place(content: bytes | bytearray, chance: random.Random) -> int:
    """In the header as often as anywhere."""
    reach = min(len(content), _HEADER) if chance.random() < 0.5 else len(content)
    return chance.randrange(reach) if reach else 0


def write_formats(folder: Path) -> list[Path]:
    """Writes a file of each of `FORMATS`, and gives their paths."""
    for name, form in FORMATS.items():
        (folder / name).write_bytes(encoded(*form))
    return [folder / name for name in FORMATS]
