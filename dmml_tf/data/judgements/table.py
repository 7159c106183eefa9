"""Tables of judgements as they are published: CSV, tabs or three forms of JSON, and their cells."""

import csv
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal


def table_rows(path: Path) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yields ("file: row N", row) of a table.

    Args:
        path: the file. JSON may be a list of rows, rows by name, or columns of rows (pandas' three forms).

    Raises:
        UserError: if it cannot be read or holds no row.
    """
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
        raise UserError(f"{path}: holds no judgement; ask people, or download the file again")


def text_of(row: Mapping[str, Any], field: str, place: str) -> str:
    """A cell's text, spelled as ids are; `UserError`, which names `place`, if it is missing or empty."""
    value = row.get(field)
    if value is None or not str(value).strip():
        raise UserError(f"{place}: '{field}' is missing; the table must have that column, filled in")
    return normal(str(value))


def number_of(row: Mapping[str, Any], field: str, place: str) -> float:
    """A cell's number; `UserError`, which names `place`, if it is missing, negative or none."""
    text = text_of(row, field, place)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise UserError(f"{place}: '{field}' is '{text[:40]}'; it must be a number that is not negative")
    return value


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
