"""What the tests of odd files share: what a file gives, notes and all, and files encoded by FFmpeg."""

import mmap
from typing import Any

import av
import numpy as np

from tfrecords_tools.audio.decode import mono_blocks
from tfrecords_tools.notes import Note

RATE = 22_050


def listen(path, rate: int = RATE) -> tuple[np.ndarray, list[Note]]:
    """The samples of a file, and what was noted of it."""
    notes: list[Note] = []
    return np.concatenate(list(mono_blocks(path, rate, notes=notes))), notes


def kinds(notes) -> list[str]:
    """The kinds of the notes."""
    return [note.kind for note in notes]


def hertz(samples: np.ndarray, rate: int = RATE) -> float:
    """The pitch of a tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


def tone(frequency: float, seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """float32 [frames, channels] of a sine of .3."""
    sine = 0.3 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return np.repeat(sine[:, None], channels, 1).astype(np.float32)


def encode(path, codec: str, samples: np.ndarray, rate: int, form: str | None = None, muxing=None, **options):
    """Writes float [frames, channels] by FFmpeg; returns the path."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(str(path), "w", format=form, options=muxing or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        for name, value in options.items():
            setattr(stream, name, value)
        convert = av.AudioResampler(stream.codec_context.format, layout, rate)
        for start in range(0, len(samples), 4096):
            block = np.ascontiguousarray(samples[start : start + 4096].T.astype(np.float32))
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            fifo = convert.resample(frame)
            for part in fifo:
                container.mux(stream.encode(part))
        for part in convert.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def mapped(path) -> mmap.mmap:
    """The bytes of a file as the walks take them."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
