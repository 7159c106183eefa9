"""The hidden work folder of a build: finished shards wait there with what is known of them, until all are.

`remote_folder.py` has the one of a build whose dataset lies in an object store; what both answer stands here.
"""

import contextlib
import dataclasses
import fcntl
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from tfrecords_tools.build.plan import PlannedShard
from tfrecords_tools.dataset import FILE_NAME, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import move_file, whole_file, write_text
from tfrecords_tools.notes import RowNote
from tfrecords_tools.tables.rows import Reject

WORK_FOLDER = ".build"
KEY_FILE, _LOCK_FILE, _PLAN_FILE = "key", "lock", "plan.sqlite"


@dataclasses.dataclass(frozen=True)
class FinishedShard:
    """A shard that is whole, and what only its writing told.

    Attributes:
        shard: name, records, SHA-256.
        split: the one it belongs to.
        size: bytes.
        seconds: how much audio it holds.
        tempi: how many were estimated.
        rejects: tracks that could not be used, and segments that lie outside of theirs.
        notes: what was odd in tracks' files.
        digests: `same_sound.sound_digest` of each of its rows, in hexadecimal; of rejects `NO_SOUND`.
        segments: how many its tracks have.
    """

    shard: Shard
    split: str
    size: int
    seconds: float
    tempi: int
    rejects: Sequence[Reject]
    notes: Sequence[RowNote] = ()
    digests: str = ""
    segments: int = 0


class WorkFolder:
    """`OUT/.build` (`folder`) of a dataset's folder (`out`, in messages `place`), entered by one process at a time.

    Leaving it removes it, unless a build has begun there and is not done: then the next one can go on. A
    shard counts as finished when its note (a JSON file, renamed into place last) is there, so that a process
    may be killed at any instant.

    Raises:
        UserError: on entering, if another process is at work there.
    """

    _lock: IO[str]

    def __init__(self, out: Path):
        self.folder, self.out, self.place = out / WORK_FOLDER, out, str(out)
        self._made = False

    def __enter__(self) -> "WorkFolder":
        self._made = not self.out.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.folder / _LOCK_FILE, "w", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise UserError(
                f"{self.place}: another build is at work there; wait for it, or give another --out"
            ) from error
        return self

    def __exit__(self, *_) -> None:
        self.plan_file.unlink(missing_ok=True)
        if self.unfinished_key() is None:
            shutil.rmtree(self.folder)
            if self._made:
                # Not empty where the build wrote something.
                with contextlib.suppress(OSError):
                    self.out.rmdir()
        if self._lock is not None:
            self._lock.close()

    @property
    def plan_file(self) -> Path:
        """File of the plan's rows."""
        return self.folder / _PLAN_FILE

    def unfinished_key(self) -> str | None:
        """`Plan.key` of a build that has begun and is not done."""
        # dataset.json is written last: what is here beside it was not removed for want of an instant.
        if (self.out / FILE_NAME).exists() or not (self.folder / KEY_FILE).exists():
            return None
        return (self.folder / KEY_FILE).read_text(encoding="utf-8")

    def begin(self, key: str) -> None:
        """Forgets an earlier build and begins one."""
        (self.folder / KEY_FILE).unlink(missing_ok=True)
        for entry in self.folder.iterdir():
            if entry.name not in (_LOCK_FILE, _PLAN_FILE):
                entry.unlink()
        write_text(self.folder / KEY_FILE, key)

    def end(self) -> None:
        """Says that nothing is left to go on with."""
        (self.folder / KEY_FILE).unlink(missing_ok=True)

    def table(self, file: str) -> Path:
        """A shard's part of tracks.csv."""
        return self.folder / f"{file}.csv"

    def segments(self, file: str) -> Path:
        """A shard's part of track_segments.csv."""
        return self.folder / f"{file}.segments.csv"

    def parts(self, file: str) -> list[Path]:
        """The files of a finished shard, its note last; without segments it has no table of them."""
        parts = [self.folder / file, self.table(file), self.segments(file), self.note(file)]
        return [path for path in parts if path.exists()]

    def keep(self, finished: FinishedShard) -> None:
        """Notes a shard that lies in the folder under its own name, beside its table."""
        # In ASCII, because the path in a reject's reason may hold bytes that are no text.
        with whole_file(self.note(finished.shard.file), durable=True) as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(finished)), encoding="ascii")

    def finished(self, shard: PlannedShard) -> FinishedShard | None:
        """What is known of a shard, or None if it is yet to be written."""
        try:
            content = json.loads(self.note(shard.file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        rejects = [Reject(**reject) for reject in content.pop("rejects")]
        notes = [RowNote(**note) for note in content.pop("notes", ())]
        finished = FinishedShard(Shard(**content.pop("shard")), rejects=rejects, notes=notes, **content)
        return finished if self._is_whole(finished) else None

    def look_again(self) -> None:
        """Takes notice of what others have put there since."""

    def has(self, file: str) -> bool:
        """Whether a file is in the dataset's folder."""
        return (self.out / file).exists()

    def clear(self, files: re.Pattern[str]) -> None:
        """Removes the dataset that was there: dataset.json first, so that no half of it counts; then `files`."""
        (self.out / FILE_NAME).unlink(missing_ok=True)
        for entry in sorted(self.out.iterdir()):
            if files.fullmatch(entry.name):
                entry.unlink()

    def bytes_at_once(self, shards: Iterable[float]) -> float:
        """Of shards of so many bytes, how much will lie on this machine's disk at once."""
        return sum(shards)

    def publish(self, files: Iterable[str]) -> None:
        """Moves finished shards into the dataset's folder; those moved before are passed over."""
        for file in files:
            hidden, final = self._places(file)
            if hidden.exists():
                move_file(hidden, final)

    def deliver(self, *files: str) -> None:
        """Says that these files of the dataset, beside its shards, are written; one may be missing."""

    def _is_whole(self, finished: FinishedShard) -> bool:
        file = finished.shard.file
        sizes = [path.stat().st_size for path in self._places(file) if path.exists()]
        return finished.size in sizes and self.table(file).exists()

    def _places(self, file: str) -> tuple[Path, Path]:
        return self.folder / file, self.out / file

    def note(self, file: str) -> Path:
        """What is known of a finished shard, in JSON."""
        return self.folder / f"{file}.json"
