"""Audio that libsndfile reads (wav, flac, ogg, mp3, ...)."""

import os
from collections.abc import Iterator

import soundfile

from tfrecords_tools.audio.blocks import BLOCK_FRAMES, Block, DecodeError, channel_names


class SndFile:
    """One file in libsndfile, read from one place to its end; a context manager.

    Attributes:
        rate: Hz.
        channels: how many.
        format: libsndfile's name of the container: WAV, FLAC, OGG, MP3, ...
        frames: how many it takes the file to have, as its header says or by a guess; it reads no more than that.

    Raises:
        DecodeError: if libsndfile cannot open it.
    """

    def __init__(self, path: str | os.PathLike):
        try:
            self._file = soundfile.SoundFile(os.fspath(path))
        except soundfile.LibsndfileError as error:
            raise DecodeError(_reason(error)) from error
        # soundfile seeks to where it is after each read, unless it is told that it cannot. In an mp3 that loses the
        # decoder's state, and the next block begins with a tenth of a second of wrong samples.
        self._file.seekable = lambda: False
        self.rate, self.channels, self.frames = self._file.samplerate, self._file.channels, self._file.frames
        self.format = self._file.format

    def __enter__(self) -> "SndFile":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def blocks(self, first: int = 0) -> Iterator[Block]:
        """The frames from `first` on.

        Raises:
            DecodeError: if they cannot be decoded.
        """
        names = channel_names(self.channels)
        try:
            if first:
                self._file.seek(min(first, self.frames))
            while len(samples := self._file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                yield Block(self.rate, names, samples)
        except soundfile.LibsndfileError as error:
            raise DecodeError(_reason(error)) from error


def _reason(error: soundfile.LibsndfileError) -> str:
    reason = error.error_string.strip(" .")
    # What libsndfile says of a file named .mp3 that is something else; the file was looked at before.
    return "Format not recognised" if reason.startswith("File does not exist") else reason
