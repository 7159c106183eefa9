"""Audio that libsndfile does not read (m4a, aac, wma, opus in webm, ...), through PyAV's FFmpeg."""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

from tfrecords_tools.audio.blocks import BLOCK_FRAMES, Block, DecodeError, channel_names

# Containers of sound, and no network: a play list in disguise would make FFmpeg open what it names.
_CONTAINERS = (
    "mov",
    "matroska",
    "asf",
    "aac",
    "ac3",
    "eac3",
    "ape",
    "wv",
    "mpc",
    "mpc8",
    "tta",
    "tak",
    "dsf",
    "amr",
    "caf",
    "aiff",
    "au",
    "avi",
    "flv",
    "mpeg",
    "mpegts",
    "ogg",
    "mp3",
    "wav",
    "flac",
    "dts",
    "w64",
    "oma",
)
_SAFE = {"protocol_whitelist": "file", "format_whitelist": ",".join(_CONTAINERS)}


class FFmpegFile:
    """One file in FFmpeg, read to its end; a context manager.

    Attributes:
        frames: how many the container announces, or None where it does not.

    Args:
        path: any file; its first audio stream is taken.

    Raises:
        DecodeError: if FFmpeg cannot open it or it holds no audio.
    """

    def __init__(self, path: str | os.PathLike):
        import av  # here: few files need it, and every worker would pay for it

        with _reasons():
            self._container = av.open(os.fspath(path), options=_SAFE)
        if not self._container.streams.audio:
            self._container.close()
            raise DecodeError("holds no audio")
        self._stream = self._container.streams.audio[0]
        self.rate = self._stream.codec_context.sample_rate
        duration, time_base = self._stream.duration, self._stream.time_base
        self.frames = None
        if duration is not None and time_base is not None:
            self.frames = int(duration * time_base * self.rate)

    def __enter__(self) -> "FFmpegFile":
        return self

    def __exit__(self, *exception) -> None:
        self._container.close()

    def blocks(self) -> Iterator[Block]:
        """All of the sound, each frame at its own rate and with its own channels.

        Raises:
            DecodeError: if it cannot be decoded.
        """
        import av

        # Only the sample format changes. Channels alternate: of eight or more planes PyAV looks for one too many, and
        # the process ends.
        floats = av.AudioResampler(format="flt")
        form: tuple = ()
        parts: list[np.ndarray] = []
        frames = self._container.decode(self._stream)
        while True:
            with _reasons():
                frame = next(frames, None)
            new = () if frame is None else (frame.sample_rate, _names(frame), frame.format.name)
            # An encoder's frame is a fiftieth of a second: joined, they cost less in what follows.
            if parts and (new != form or sum(map(len, parts)) >= BLOCK_FRAMES // 2):
                yield Block(form[0], form[1], np.concatenate(parts))
                parts = []
            if frame is None:
                return
            if form != new:
                floats, form = av.AudioResampler(format="flt"), new
            with _reasons():
                parts += [part.to_ndarray().reshape(-1, part.layout.nb_channels) for part in floats.resample(frame)]


def _names(frame) -> tuple[str, ...]:
    names = tuple(channel.name for channel in frame.layout.channels)
    return channel_names(len(names)) if "NONE" in names else names


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise DecodeError(error.strerror) from error
