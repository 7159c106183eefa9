"""People's judgements of similarity, read from the files they are published in.

dim-sim (Lee et al., ICASSP 2020; Zenodo record 3889149): an anchor and two songs, clips of 3 s; people voted for
the song that is closer to the anchor. `raw-dim-sim` holds vote counts, `clean-dim-sim` 0 and 1, each as CSV and JSON.

MagnaTagATune (Law et al., ISMIR 2009), `comparisons_final.csv`: three clips; people voted for the odd one out.
"""

import csv
import dataclasses
import itertools
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal

AGREEMENT = 0.9
_SIDES = ("anchor", "song1", "song2")
_CLIPS = ("clip1", "clip2", "clip3")


@dataclasses.dataclass(frozen=True)
class Clip:
    """A stretch of a song.

    Attributes:
        song: its id, which names its file.
        start: seconds into the song.
        seconds: length; None takes what the file holds.
        file: path of its audio inside the folder of clips, where the judgements name one; else empty.
    """

    song: str
    start: float = 0.0
    seconds: float | None = None
    file: str = ""


@dataclasses.dataclass(frozen=True)
class Judgements:
    """What people said.

    Attributes:
        triplets: (anchor, the clip closer to it, the other one) of each judgement that was kept.
        left_out: rows without a majority, or whose majority is smaller than the agreement asked for.
    """

    triplets: tuple[tuple[Clip, Clip, Clip], ...]
    left_out: int


def read_dim_sim(path: str | os.PathLike[str], agreement: float = AGREEMENT) -> Judgements:
    """Reads `raw-dim-sim` or `clean-dim-sim`, `.csv` or `.json`.

    Args:
        path: the file. JSON may be a list of rows, rows by name, or columns of rows (pandas' three forms).
        agreement: least share of a row's votes that its majority must have (paper: 0.9).

    Raises:
        UserError: naming the file, the row and the field that cannot be read.
    """
    kept, left_out = [], 0
    for place, row in _rows(Path(path)):
        clips = [
            Clip(
                _text(row, f"{side}_id", place),
                _number(row, f"{side}_start_seconds", place),
                _number(row, "clip_lengths_seconds", place),
            )
            for side in _SIDES
        ]
        votes = [_number(row, f"{side}_vote", place) for side in _SIDES[1:]]
        closer = _majority(votes, agreement)
        if closer is None:
            left_out += 1
            continue
        kept.append((clips[0], clips[1 + closer], clips[2 - closer]))
    return Judgements(tuple(kept), left_out)


def read_odd_one_out(path: str | os.PathLike[str], agreement: float = 0.0) -> Judgements:
    """Reads MagnaTagATune's `comparisons_final.csv` (tabs or commas between the columns).

    The clip with the most votes is the odd one; the other two are each an anchor whose closer clip is the
    other, so that a row gives two triplets (Wolff and Weyde, ISMIR 2011).

    Args:
        path: the file, with the columns `clip1_id`, `clip1_numvotes`, and so on to 3; `clip1_mp3_path` if there.
        agreement: least share of a row's votes that the odd one must have; 0 asks for more votes than
            either of the others.

    Raises:
        UserError: naming the file, the row and the field that cannot be read.
    """
    kept, left_out = [], 0
    for place, row in _rows(Path(path)):
        clips = [Clip(_text(row, f"{clip}_id", place), file=str(row.get(f"{clip}_mp3_path") or "")) for clip in _CLIPS]
        odd = _majority([_number(row, f"{clip}_numvotes", place) for clip in _CLIPS], agreement)
        if odd is None:
            left_out += 1
            continue
        outsider = clips.pop(odd)
        kept += [(clips[0], clips[1], outsider), (clips[1], clips[0], outsider)]
    return Judgements(tuple(kept), left_out)


def _majority(votes: list[float], agreement: float) -> int | None:
    """Position of the most votes; None on a tie for the most, no vote, or a share below `agreement`."""
    most = max(votes)
    # A share such as 9 of 10 must not fail by rounding.
    if most <= 0 or votes.count(most) > 1 or most < agreement * sum(votes) - 1e-9:
        return None
    return votes.index(most)


def _rows(path: Path) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yields ("file: row N", row) of a table."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); name a CSV or JSON file of judgements") from error
    rows = _from_json(path, text) if path.suffix.lower() == ".json" else _from_csv(text)
    number = 0
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise UserError(f"{path}: row {number} is no object; each row must hold named fields")
        yield f"{path}: row {number}", row
    if not number:
        raise UserError(f"{path}: holds no judgement; download the file again")


def _from_csv(text: str) -> Iterable[Mapping[str, Any]]:
    lines = text.splitlines()
    return csv.DictReader(lines, delimiter="\t" if lines and "\t" in lines[0] else ",")


def _from_json(path: Path, text: str) -> Iterable[Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UserError(f"{path}: is no JSON ({error}); download the file again") from error
    if isinstance(content, list):
        return content
    if not isinstance(content, dict) or not all(isinstance(value, (dict, list)) for value in content.values()):
        raise UserError(f"{path}: is neither a list of rows nor a table of columns; download the file again")
    if "anchor_id" not in content:
        return list(content.values())
    columns = {name: column.values() if isinstance(column, dict) else column for name, column in content.items()}
    return [dict(zip(columns, cells)) for cells in itertools.zip_longest(*columns.values())]


def _text(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if value is None or not str(value).strip():
        raise UserError(f"{place}: '{field}' is missing; the table must have that column, filled in")
    return normal(str(value))


def _number(row: Mapping[str, Any], field: str, place: str) -> float:
    text = _text(row, field, place)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise UserError(f"{place}: '{field}' is '{text[:40]}'; it must be a number that is not negative")
    return value
