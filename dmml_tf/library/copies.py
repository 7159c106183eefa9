"""The files of one recording: what each is, which seems best, and how they are printed."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dmml_tf.search.show import printable

_LOSSLESS = frozenset(
    (".flac", ".wav", ".aif", ".aiff", ".aifc", ".w64", ".rf64", ".caf", ".au", ".wv", ".ape", ".tta")
)
_WHOLE = 0.95  # of the longest file: a shorter one has been cut


@dataclasses.dataclass(frozen=True)
class Copy:
    """One file of a recording that has several.

    Attributes:
        track_id: its id in the library.
        path: the file.
        seconds: its length.
        bytes: its size.
        begins: seconds after the beginning of the group's best file at which this one begins.
        similarity: with the file that it was compared with; 1 of the best file, from which the others are told.
    """

    track_id: str
    path: Path
    seconds: float
    bytes: int
    begins: float = 0.0
    similarity: float = 1.0

    @property
    def format(self) -> str:
        """The end of its name, such as `flac`."""
        return self.path.suffix[1:].lower()

    @property
    def lossless(self) -> bool:
        """Whether files so called keep every sample. What they were made from is another question."""
        return self.path.suffix.lower() in _LOSSLESS

    @property
    def kbit_per_second(self) -> float:
        """Its size over its length, pictures and tags included."""
        return self.bytes * 8 / 1000 / self.seconds


def best_first(copies: Iterable[Copy]) -> list[Copy]:
    """Whole files before those that were cut, then lossless ones, longer ones (by whole seconds), higher bit rates.

    By what the files are, not by how they sound: a FLAC that was made from an MP3 is taken for what it is called.
    """
    several = list(copies)
    longest = max(copy.seconds for copy in several)
    return sorted(
        several,
        key=lambda copy: (
            copy.seconds < _WHOLE * longest,
            not copy.lossless,
            -round(copy.seconds),
            -copy.kbit_per_second,
            copy.track_id,
        ),
    )


def groups_table(groups: Sequence[Sequence[Copy]]) -> str:
    """A block of lines a group, a line a file, the one that seems best first."""
    lines: list[str] = []
    for number, group in enumerate(groups, 1):
        lines.append(f"{number}: one recording in {len(group)} files")
        for copy in group:
            minutes, seconds = divmod(round(copy.seconds), 60)
            what = f"{copy.format:<5} {minutes:>3}:{seconds:02}  {copy.kbit_per_second:>5.0f} kbit/s"
            where = "seems best" if copy is group[0] else f"{copy.similarity:.3f}{_begins(copy.begins)}"
            lines.append(f"   {what}  {printable(copy.track_id)}  ({where})")
    return "\n".join(lines)


def groups_json(groups: Sequence[Sequence[Copy]]) -> list[list[dict[str, Any]]]:
    """Plain dictionaries: id, path, format, lossless, seconds, bytes, kbit_per_second, begins, similarity."""
    return [
        [
            {
                "id": copy.track_id,
                "path": str(copy.path),
                "format": copy.format,
                "lossless": copy.lossless,
                "seconds": round(copy.seconds, 2),
                "bytes": copy.bytes,
                "kbit_per_second": round(copy.kbit_per_second, 1),
                "begins": round(copy.begins, 2),
                "similarity": round(copy.similarity, 4),
            }
            for copy in group
        ]
        for group in groups
    ]


def _begins(seconds: float) -> str:
    if abs(seconds) < 0.05:
        return ""
    return f", begins {abs(seconds):.1f} s {'later' if seconds > 0 else 'earlier'}"
