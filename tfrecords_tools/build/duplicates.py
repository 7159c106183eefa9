"""The same sound under two ids: what a table shows before the first file is decoded, and what its records show."""

from collections.abc import Sequence

from tfrecords_tools.audio.same_sound import ALLOW, DIGEST_BYTES, Copy, pairs, refuse_across_splits, same_sounds
from tfrecords_tools.build.plan import Plan
from tfrecords_tools.build.work_folder import FinishedShard
from tfrecords_tools.notes import RowNote
from tfrecords_tools.stores.address import joined
from tfrecords_tools.tables.findings import NOTES_FILE
from tfrecords_tools.tables.rows import Row

_MEND = f"remove one of the rows, give both the same artist and split, or give {ALLOW}"


def refuse_shared_files(plan: Plan, source: str) -> None:
    """Checks that no file is in two splits: the paths tell it before hours of work.

    Raises:
        UserError: if one is.
    """
    groups = [[_copy(row) for row in rows] for rows in plan.store.shared_files()]
    refuse_across_splits(source, groups, _MEND)


class SameSounds:
    """The tracks of a plan whose shards are all there, and which of them are the same sound.

    Args:
        plan: what was planned.
        finished: its shards, in its order.
        allowed: whether a sound may be in two splits.
    """

    def __init__(self, plan: Plan, finished: Sequence[FinishedShard], allowed: bool):
        self._allowed = allowed
        # Of shards that an older version has finished nothing is known.
        digests = b"".join(
            bytes.fromhex(shard.digests).ljust(planned.count * DIGEST_BYTES, b"\0")
            for planned, shard in zip(plan.shards, finished)
        )
        groups = ([next(plan.store.rows(place, 1)) for place in group] for group in same_sounds(digests))
        self._groups = [sorted(group, key=lambda row: row.line) for group in groups]

    def notes(self) -> list[RowNote]:
        """A note for each track but the first of its kind."""
        notes = []
        for group in self._groups:
            rows = {row.track_id: row for row in group}
            for first, copy in pairs([_copy(row) for row in group]):
                across = f"kept in both splits ({ALLOW})" if self._allowed else "refused: they are in two splits"
                done = "kept" if first.split == copy.split else across
                notes.append(
                    RowNote(rows[copy.track_id].line, copy.track_id, "duplicates", f"the sound of {first}", done)
                )
        return notes

    def refuse_across_splits(self, out: str) -> None:
        """Raises `UserError` if a sound is in two splits and may not be."""
        if not self._allowed:
            mend = f"{_MEND} with --resume, which keeps what is done; all are in {joined(out, NOTES_FILE)}"
            refuse_across_splits(out, [[_copy(row) for row in group] for group in self._groups], mend)


def _copy(row: Row) -> Copy:
    return Copy(row.track_id, row.split, f"line {row.line}")
