"""What a source found, as the table that `dmml-records build` reads, with a count of what was left out and why."""

import contextlib
import csv
import dataclasses
import gzip
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file
from tfrecords_tools.names import is_unprintable
from tfrecords_tools.notes import Note, RowNote, counted, of_row
from tfrecords_tools.tables.findings import NOTES_FILE, write_notes
from tfrecords_tools.tables.formats import TAG_SEPARATOR

_SUFFIXES = (".csv", ".csv.gz")
_DROPPED = ".dropped.csv"


@dataclasses.dataclass(frozen=True, slots=True)
class Track:
    """One row of the manifest.

    `tags` maps a dimension to its tags, `values` to its number; a dimension in neither is unlabelled. `notes` say what
    was odd in the track.
    """

    track_id: str
    path: str
    artist: str = ""
    title: str = ""
    split: str = ""
    tags: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    values: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped:
    """One track or line left out: `place` is the file (and line), `kind` is counted, `reason` says more."""

    track_id: str
    place: str
    kind: str
    reason: str


@dataclasses.dataclass
class Summary:
    """What was written: counts of tracks per split, tags per dimension, what was dropped per kind; and what was odd."""

    path: Path
    dropped_path: Path
    tracks: Counter[str]
    tags: dict[str, Counter[str]]
    labelled: Counter[str]
    dropped: Counter[str]
    notes: list[RowNote] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        total = self.tracks.total()
        splits = ", ".join(f"{count} {split or 'without split'}" for split, count in self.tracks.items())
        lines = [f"{self.path}: {total} tracks ({splits})"]
        shares = {
            name: f"{count} tracks ({count / total:.1%})"
            for name in (*self.tags, "artist")
            for count in [self.labelled[name]]
        }
        lines += [f"  {name}: {len(tags)} tags, labelled {shares[name]}" for name, tags in self.tags.items()]
        lines.append(f"  artist: known of {shares['artist']}")
        lines += [f"  dropped: {count} {kind}" for kind, count in self.dropped.most_common()]
        if self.notes:
            lines.append(f"  noted: {counted(Counter(note.kind for note in self.notes))} (see {self.notes_path})")
        return "\n".join([*lines, f"  dropped in all: {self.dropped.total()} (see {self.dropped_path})"])

    @property
    def notes_path(self) -> Path:
        """Where the notes are written, if there are any."""
        return self.dropped_path.with_name(self.dropped_path.name.removesuffix(_DROPPED) + f".{NOTES_FILE}")


def check_tag(tag: str, place: str) -> str:
    """Returns `tag`; raises `UserError` naming it and `place` if a table could not hold it."""
    if not tag or TAG_SEPARATOR in tag or is_unprintable(tag):
        raise UserError(
            f"{place}: the tag {tag!r} is empty or holds '{TAG_SEPARATOR}' or a control character, which a "
            "table of tags cannot hold; rename it"
        )
    return tag


def write_manifest(
    items: Iterable[Track | Dropped], out: str | os.PathLike, dimensions: Sequence[str], values: Sequence[str] = ()
) -> Summary:
    """Writes the table, and beside it NAME.dropped.csv, and NAME.notes.csv if there are any: each whole or not at all.

    Args:
        items: consumed once, row by row.
        out: ends in .csv or .csv.gz.
        dimensions: tag columns, in this order.
        values: columns of numbers after them; an empty one is for the build to estimate (tempo).

    Raises:
        UserError: if the name has another suffix, or no track is left; then nothing is written.
    """
    out = Path(out)
    suffix = next((suffix for suffix in sorted(_SUFFIXES, key=len, reverse=True) if out.name.endswith(suffix)), None)
    if suffix is None:
        raise UserError(f"--out {out}: must end in {' or '.join(_SUFFIXES)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    dropped_path = out.with_name(out.name.removesuffix(suffix) + _DROPPED)
    summary = Summary(out, dropped_path, Counter(), {name: Counter() for name in dimensions}, Counter(), Counter())
    with _whole(dropped_path) as dropped_file:
        dropped = csv.writer(dropped_file, lineterminator="\n")
        dropped.writerow(["track_id", "place", "kind", "reason"])
        with _whole(out) as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["track_id", "path", "artist", "title", "split", *dimensions, *values])
            for item in items:
                if isinstance(item, Dropped):
                    summary.dropped[item.kind] += 1
                    dropped.writerow([item.track_id, item.place, item.kind, item.reason])
                else:
                    table.writerow([*_cells(item, summary), *(item.values.get(name, "") for name in values)])
                    # The header is line 1; no cell holds a line break.
                    summary.notes.extend(of_row(1 + summary.tracks.total(), item.track_id, item.notes))
            if not summary.tracks:
                raise UserError(_nothing_left(summary))
    if summary.notes:
        write_notes(summary.notes_path, summary.notes)
    else:
        summary.notes_path.unlink(missing_ok=True)
    return summary


def _nothing_left(summary: Summary) -> str:
    reasons = ", ".join(f"{count} {kind}" for kind, count in summary.dropped.most_common()) or "nothing was found"
    return f"{summary.path}: no track is left ({reasons}); look at --audio and --labels"


def _cells(track: Track, summary: Summary) -> list[str]:
    summary.tracks[track.split] += 1
    summary.labelled["artist"] += bool(track.artist)
    cells = [track.track_id, track.path, track.artist, track.title, track.split]
    for name, counts in summary.tags.items():
        tags = track.tags.get(name, ())
        counts.update(tags)
        summary.labelled[name] += bool(tags)
        cells.append(TAG_SEPARATOR.join(tags))
    return cells


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[str]]:
    """A text file that gets its name when the block ends well, and leaves nothing when it does not."""
    opener: Callable[..., Any] = gzip.open if path.name.endswith(".gz") else open
    with whole_file(path, shared=True) as temporary:
        # What is listed as dropped may be a name that is no UTF-8: it is shown escaped.
        with opener(temporary, "wt", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
