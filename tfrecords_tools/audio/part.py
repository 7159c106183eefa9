"""A stretch of a file that is one stream by itself, and the same as a file for a decoder."""

import dataclasses
import io
import os
from collections.abc import Mapping

CUT_SHORT = "is cut short: {}; copy or encode it again"

# A file in more pieces is in shreds: each costs the opening of a decoder.
MOST_PARTS = 10_000


@dataclasses.dataclass(frozen=True)
class Part:
    """One stream within a file.

    Attributes:
        start, end: its first byte, and the byte behind its last; None is the end of the file.
        replaced: place in the file -> bytes that a decoder shall see there: fields of a header that are wrong.
        before: bytes that a decoder shall see before the first: the header that an mp3 lacks.
        announced: frames that its header says there are; None where it does not say, or is known to be wrong.
            A part that gives fewer was cut short.
        counted: whether the length that libsndfile sees agrees with a walk over the pages or frames, or with the size.
        whole: whether libsndfile would read all of it; FFmpeg must read what it would not.
    """

    start: int = 0
    end: int | None = None
    replaced: Mapping[int, bytes] = dataclasses.field(default_factory=dict)
    before: bytes = b""
    announced: int | None = None
    counted: bool = False
    whole: bool = True

    @property
    def is_file(self) -> bool:
        """Whether a decoder may be given the file as it is."""
        return not (self.start or self.end is not None or self.replaced or self.before)


WHOLE = Part()


class PartFile(io.RawIOBase):
    """The bytes of a part, to be read and sought in as a file of their own.

    Raises:
        OSError: if the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike, part: Part):
        self._file = open(path, "rb")
        self._part = part
        self._shift = part.start - len(part.before)
        size = os.fstat(self._file.fileno()).st_size
        self._size = (size if part.end is None else min(part.end, size)) - self._shift
        self._place = 0
        # From here on the bytes are the file's own.
        self._plain = max([len(part.before), *(at + len(new) - self._shift for at, new in part.replaced.items())])

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place from the first byte of the part, or of what stands before it."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place, and returns it."""
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        if place < 0:
            raise OSError("a place before the beginning")
        self._place = place
        return place

    def readinto(self, buffer) -> int:
        """Fills the buffer from the place on; less than all of it at the end."""
        view = memoryview(buffer).cast("B")[: max(0, self._size - self._place)]
        before = self._part.before[self._place : self._place + len(view)]
        view[: len(before)] = before
        done, place = len(before), self._place + self._shift
        if done < len(view):
            self._file.seek(place + done)
            done += self._file.readinto(view[done:])
        if self._place < self._plain:
            for at, new in self._part.replaced.items():
                first, last = max(at, place), min(at + len(new), place + done)
                if first < last:
                    view[first - place : last - place] = new[first - at : last - at]
        self._place += done
        return done
