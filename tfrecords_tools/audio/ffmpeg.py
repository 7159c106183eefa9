"""Audio that libsndfile does not read (m4a, aac, wma, opus in webm, ...), through PyAV's FFmpeg."""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

from tfrecords_tools.audio.blocks import BLOCK_FRAMES, Block, DecodeError, channel_names
from tfrecords_tools.audio.part import WHOLE, Part, PartFile

# Containers of sound, and no network: a play list in disguise would make FFmpeg open what it names.
CONTAINERS = (
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
    "iff",
    "dtshd",
    "mlp",
    "truehd",
    "shn",
    "rm",
    "voc",
)
# Of these, what FFmpeg calls the duration is a guess from the bit rate, or from times that need not begin at 0.
_GUESSING = ("aac", "ac3", "eac3", "amr", "dts", "mp3", "mpeg", "mpegts", "flv", "ogg", "loas")
# Share of the size by which a duration times the bit rate may differ from it where it is such a guess.
_GUESS_APART = 0.002
# Share by which the durations of a stream's packets may differ from their times: not all durations are exact.
_APART = 0.1
# FFmpeg counts the time of a container in microseconds.
_PER_SECOND = 1_000_000
# Of a stream, the seconds and the share that may be damaged.
_MOST_LOST, _MOST_DAMAGED = 0.5, 0.01
# Of so many planes of samples PyAV looks for one too many, and the process ends; where channels alternate there is one.
_MOST_PLANES = 8
_NEW_STREAM = "a stream begins in its middle"
_SAFE = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS)}


class FFmpegFile:
    """One stream in FFmpeg, read to its end; a context manager.

    Attributes:
        rate: Hz, of its beginning.
        format: FFmpeg's name of the container.
        damaged: packets that could not be decoded and were left out, once the blocks have been read.
        is_followed: whether something else stands behind all the sound that is announced, once the blocks were read.

    Args:
        path: any file; its first audio stream of a known codec is taken.
        part: the bytes of it that are read.

    Raises:
        DecodeError: if FFmpeg cannot open it or it holds no audio.
        OSError: if the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike, part: Part = WHOLE):
        import av  # here: few files need it, and every worker would pay for it

        self._bytes = None if part.is_file else PartFile(path, part)
        with _reasons():
            self._container = av.open(
                self._bytes or os.fspath(path), mode="r", options=_SAFE, metadata_errors="replace"
            )
        streams = self._container.streams.audio
        # Without a decoder a stream has no context.
        known = [stream for stream in streams if stream.codec_context is not None]
        if not known:
            self.close()
            raise DecodeError("holds no audio" if not streams else "is of a codec that FFmpeg does not know")
        self._stream = known[0]
        self.rate = self._stream.codec_context.sample_rate
        self.format = self._container.format.name
        self.damaged = self._packets = 0
        self.is_followed = False

    def __enter__(self) -> "FFmpegFile":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._container.close()
        if self._bytes is not None:
            self._bytes.close()

    def blocks(self) -> Iterator[Block]:
        """All of the sound, each frame at its own rate and with its own channels.

        Raises:
            DecodeError: if it cannot be decoded.
        """
        import av

        form: tuple = ()
        parts: list[np.ndarray] = []
        for frame in self._frames():
            new = (frame.sample_rate, _names(frame), frame.layout.nb_channels, frame.format.name)
            # An encoder's frame is a fiftieth of a second: joined, they cost less in what follows.
            if parts and (new != form or sum(part.shape[1] for part in parts) >= BLOCK_FRAMES // 2):
                yield Block(form[0], form[1], np.concatenate(parts, 1).T)
                parts = []
            if form != new:
                # Only the sample format changes.
                planar, form = new[2] < _MOST_PLANES, new
                floats = av.AudioResampler(format="fltp" if planar else "flt")
            with _reasons():
                arrays = [part.to_ndarray() for part in floats.resample(frame)]
            parts += arrays if planar else [array.reshape(-1, new[2]).T for array in arrays]
        if parts:
            yield Block(form[0], form[1], np.concatenate(parts, 1).T)

    def _frames(self) -> Iterator:
        """What the decoder makes of the packets; those that are damaged are left out and counted."""
        import av

        packets = self._container.demux(self._stream)
        total = lost = 0
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                if not self._is_all(total):
                    raise DecodeError(_reason(error)) from error
                self.is_followed = True
                yield from self._stream.codec_context.decode(None)
                return
            except IndexError as error:  # PyAV knows the streams of the beginning alone
                raise DecodeError(_NEW_STREAM) from error
            if packet is None:
                return
            self._packets += 1
            total += packet.duration or 0
            try:
                yield from packet.decode()
            except av.error.MemoryError as error:
                raise DecodeError(_reason(error)) from error
            except av.FFmpegError as error:  # invalid data, or one of the decoders' own numbers
                self.damaged += 1
                lost += packet.duration or 0
                if lost * (self._stream.time_base or 0) > _MOST_LOST and lost > _MOST_DAMAGED * total:
                    raise DecodeError(_reason(error)) from error

    def _is_all(self, ticks: int) -> bool:
        """Whether packets of that duration are all the sound that a file announces; not where it announces none."""
        duration, time_base = self._stream.duration, self._stream.time_base
        if duration is None or time_base is None or self.format in _GUESSING:
            return False
        return float((duration - ticks) * time_base) < _MOST_LOST

    def missing(self, seconds: float) -> float:
        """Seconds that the container announces beyond the `seconds` that were read to its end; 0 where it does not say.

        A table of all packets that were read is better evidence than a duration.
        """
        if self.format in _GUESSING or self._is_film() or self._is_guess():
            return 0.0
        # One packet more ends the decoding.
        if 0 < self._stream.frames <= self._packets - 1 and not self.damaged:
            return 0.0
        duration, time_base = self._stream.duration, self._stream.time_base
        if duration is not None and time_base is not None:
            return float(duration * time_base) - seconds
        return 0.0 if self._container.duration is None else self._container.duration / _PER_SECOND - seconds

    def count_seconds(self) -> float | None:
        """Seconds of sound by a walk over the packets; None where their durations and times differ. Decodes nothing."""
        total, first, last = 0, None, 0
        with _reasons():
            for packet in self._container.demux(self._stream):
                total += packet.duration or 0
                if packet.pts is not None:
                    first = packet.pts if first is None else first
                    last = packet.pts + (packet.duration or 0)
        if self._stream.time_base is None or not total:
            return None
        by_durations = float(total * self._stream.time_base)
        by_times = by_durations if first is None else float((last - first) * self._stream.time_base)
        return by_times if abs(by_times - by_durations) < _APART * by_durations else None

    def _is_guess(self) -> bool:
        """Whether a duration in a file of Windows Media is its size by the bit rate: one from a pipe has none."""
        duration, size = self._container.duration, self._container.size
        if self.format != "asf" or not duration or len(self._container.streams) > 1:
            return False
        announced = duration / _PER_SECOND * (self._stream.bit_rate or 0) / 8
        return abs(announced - size) < _GUESS_APART * size

    def _is_film(self) -> bool:
        """Whether a duration may be that of the pictures: only mov says one for each stream."""
        return len(self._container.streams) > 1 and not self.format.startswith("mov")


def _names(frame) -> tuple[str, ...]:
    names = tuple(channel.name for channel in frame.layout.channels)
    return channel_names(len(names)) if "NONE" in names else names


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise DecodeError(_reason(error)) from error
    except IndexError as error:  # PyAV knows the streams of the beginning alone
        raise DecodeError(_NEW_STREAM) from error


def _reason(error) -> str:
    # FFmpeg has no words for the numbers that some decoders make up.
    return "damaged data" if error.strerror.startswith("Error number") else error.strerror
