"""Audio that libsndfile reads (wav, flac, ogg, mp3, ...)."""

import os
from collections.abc import Iterator

import soundfile

from tfrecords_tools.audio.blocks import BLOCK_FRAMES, Block, DecodeError, channel_names
from tfrecords_tools.audio.part import Part, PartFile


class SndFile:
    """One stream in libsndfile, read from one place to its end; a context manager.

    Attributes:
        rate: Hz.
        channels: how many.
        format: libsndfile's name of the container: WAV, FLAC, OGG, MP3, ...
        frames: how many it takes the stream to have, as its header says or by a guess; it reads no more than that.

    Raises:
        DecodeError: if libsndfile cannot open it.
        OSError: if the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike, part: Part):
        name = os.fspath(path)
        # By a name that ends so, soundfile would ask for rate and channels.
        is_raw = os.fsencode(name).lower().endswith(b".raw")
        self._bytes = PartFile(path, part) if is_raw or not part.is_file else None
        try:
            self._file = soundfile.SoundFile(self._bytes or name)
        except soundfile.LibsndfileError as error:
            self._close_bytes()
            raise DecodeError(_reason(error)) from error
        # soundfile seeks to where it is after each read, unless it is told that it cannot. In an mp3 that loses the
        # decoder's state, and the next block begins with a tenth of a second of wrong samples.
        self._file.seekable = lambda: False
        self.rate, self.channels, self.frames = self._file.samplerate, self._file.channels, self._file.frames
        self.format = self._file.format
        self._announced = part.announced

    def __enter__(self) -> "SndFile":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        self._close_bytes()

    def blocks(self, first: int = 0, size: int = BLOCK_FRAMES) -> Iterator[Block]:
        """The frames from `first` on, `size` at a time.

        Raises:
            DecodeError: if they cannot be decoded.
        """
        names = channel_names(self.channels)
        try:
            if first:
                self._file.seek(first)
            while len(samples := self._file.read(self._next(first, size), dtype="float32", always_2d=True)):
                first += len(samples)
                yield Block(self.rate, names, samples)
        except soundfile.LibsndfileError as error:
            raise DecodeError(_reason(error)) from error

    def ends_at(self, frames: int) -> bool:
        """Whether the stream has that many frames and no more, by its own decoder."""
        try:
            self._file.seek(max(0, frames - 1))
            return len(self._file.read(2, always_2d=True)) == 1
        except soundfile.LibsndfileError:
            return False

    def _next(self, place: int, size: int) -> int:
        """Frames to be read: none beyond those that are announced at once with them, in case that junk stands there."""
        left = (self._announced or 0) - place
        return min(size, left) if left > 0 else size

    def _close_bytes(self) -> None:
        if self._bytes is not None:
            self._bytes.close()


def _reason(error: soundfile.LibsndfileError) -> str:
    reason = error.error_string.strip(" .")
    # What libsndfile says of a file named .mp3 that is something else; the file was looked at before.
    return "Format not recognised" if reason.startswith("File does not exist") else reason
