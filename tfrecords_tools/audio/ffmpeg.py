"""Audio that libsndfile does not read (m4a, aac, wma, opus in webm, ...), through PyAV's FFmpeg."""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

# Frames of a file that does not say how many it has.
UNKNOWN_FRAMES = 1 << 62
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


class FFmpegError(Exception):
    """FFmpeg cannot open or decode a file; the message is its reason."""


class FFmpegFile:
    """The part of `soundfile.SoundFile` that `decode.mono_blocks` needs; a context manager.

    Attributes:
        samplerate: Hz.
        frames: how many the container announces, or `UNKNOWN_FRAMES`.

    Args:
        path: any file; its first audio stream is taken.

    Raises:
        FFmpegError: if FFmpeg cannot open it or it holds no audio.
    """

    def __init__(self, path: str | os.PathLike):
        import av  # here: few files need it, and every worker would pay for it

        with _reasons():
            self._container = av.open(os.fspath(path), options=_SAFE)
        if not self._container.streams.audio:
            self._container.close()
            raise FFmpegError("holds no audio")
        self._stream = self._container.streams.audio[0]
        self.samplerate = self._stream.codec_context.sample_rate
        duration, time_base = self._stream.duration, self._stream.time_base
        self.frames = UNKNOWN_FRAMES
        if duration is not None and time_base is not None:
            self.frames = int(duration * time_base * self.samplerate)
        self._blocks = self._decoded()
        self._left = np.zeros((0, 1), np.float32)

    def __enter__(self) -> "FFmpegFile":
        return self

    def __exit__(self, *exception) -> None:
        self._container.close()

    def seek(self, frames: int) -> None:
        """Skips that many frames from the beginning, by decoding them: FFmpeg's own seek is not exact to the frame."""
        while frames > 0:
            skipped = len(self.read(min(frames, 1 << 16), np.float32, True))
            if not skipped:
                return
            frames -= skipped

    def read(self, frames: int, dtype, always_2d: bool) -> np.ndarray:
        """float32 [at most `frames`, channels]; empty at the end. `dtype` and `always_2d` are as soundfile has them."""
        while not len(self._left):
            with _reasons():
                block = next(self._blocks, None)
            if block is None:
                return np.zeros((0, 1), np.float32)
            self._left = block
        taken, self._left = self._left[:frames], self._left[frames:]
        return taken.astype(dtype, copy=False)

    def _decoded(self) -> Iterator[np.ndarray]:
        import av

        # Only the sample format changes: float in planes, one row a channel.
        planes = av.AudioResampler(format="fltp")
        for frame in self._container.decode(self._stream):
            for converted in planes.resample(frame):
                yield converted.to_ndarray().T


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise FFmpegError(error.strerror) from error
