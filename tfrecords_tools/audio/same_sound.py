"""Tracks that are the same sound under two ids: found by a digest of their log-mel, 16 bytes a track.

The same samples have the same log-mel, whatever file they come in and whatever its tags say: a wav and its flac are the
same sound, an mp3 of it is not. Two of a million different tracks share a digest once in 10^26 datasets.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tfrecords_tools.errors import UserError

DIGEST_BYTES = 16
NO_SOUND = bytes(DIGEST_BYTES)  # stands for a track of which nothing is kept
ALLOW = "--allow_duplicates"
_NAMED = 3  # pairs in an error


def sound_digest(log_mel: np.ndarray) -> bytes:
    """Digest of a track's sound, float16 [frames, 128] as its record holds it."""
    return hashlib.blake2b(np.ascontiguousarray(log_mel).data, digest_size=DIGEST_BYTES).digest()


def same_sounds(digests: bytes | bytearray) -> Iterator[list[int]]:
    """Groups of tracks that are the same sound, by their first; some 60 bytes a track are in memory.

    Args:
        digests: of all tracks, one after the other; `NO_SOUND` is like no other.

    Yields:
        The ascending places of each group's tracks, two or more.
    """
    halves = np.frombuffer(digests, np.uint64).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    ordered = halves[order]
    as_before = (ordered[1:] == ordered[:-1]).all(axis=1) & ordered[1:].any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], as_before, [False]])))
    # The sort is stable: places ascend within a group.
    groups = [order[begin : end + 1].tolist() for begin, end in edges.reshape(-1, 2)]
    yield from sorted(groups)


@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """One track of a group: its id, its split, and where it is, for a message."""

    track_id: str
    split: str
    where: str

    def __str__(self) -> str:
        return f"'{self.track_id}' ({self.split}, {self.where})"


def pairs(group: Sequence[Copy]) -> Iterator[tuple[Copy, Copy]]:
    """Each track of a group but the first, with one that it is a copy of: of another split, if there is one."""
    for copy in group[1:]:
        yield next((other for other in group if other.split != copy.split), group[0]), copy


def refuse_across_splits(source: str, groups: Iterable[Sequence[Copy]], mend: str) -> None:
    """Checks that no sound is in two splits.

    Args:
        source: the table's or the dataset's name, for the message.
        groups: tracks that are the same sound.
        mend: what to do, for the message.

    Raises:
        UserError: if one is; names some.
    """
    leaks = [(first, copy) for group in groups for first, copy in pairs(group) if first.split != copy.split]
    if leaks:
        named = ", ".join(f"{copy} is {first}" for first, copy in leaks[:_NAMED])
        more = f" and {len(leaks) - _NAMED} more" if len(leaks) > _NAMED else ""
        raise UserError(
            f"{source}: {len(leaks)} track(s) are the same sound as one of another split: {named}{more}; {mend}"
        )
