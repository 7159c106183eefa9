"""Rows of a table in any of the formats users keep theirs in: CSV, TSV, JSON Lines, Parquet; streamed."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tfrecords_tools.errors import UserError

TAG_SEPARATOR = "|"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".jsonl", ".ndjson")
_PARQUET = ".parquet"
KNOWN_SUFFIXES = (*_DELIMITERS, *_JSON, _PARQUET)
# Characters; a document of one line, which is no JSON Lines, must not be read into memory whole.
_LONGEST_LINE = 1 << 20
_BATCH_ROWS = 1024
_LIST_TYPES = ("is_list", "is_large_list", "is_fixed_size_list")

Line = tuple[int, list[str] | str]


def artists_of(cell: str) -> list[str]:
    """The artists that a cell names, separated as tags are; none of an empty cell."""
    return [artist for part in cell.split(TAG_SEPARATOR) if (artist := part.strip())]


def table_lines(path: str | Path) -> Iterator[Line]:
    """Yields the header and then the rows of a table, one at a time: memory does not grow with their number.

    Args:
        path: ends in .csv, .tsv (both quoted as RFC 4180 has it), .jsonl, .ndjson (one object a line), each
            also with .gz after it, or in .parquet. Text is UTF-8, with or without a byte order mark.

    Yields:
        (line, cells) or (line, what makes that line unreadable). `line` is where the record starts, from 1;
        in a Parquet file, whose header is line 1, the row's number + 1. Cells of CSV and TSV come as they
        are: a blank line has none, a broken row too few or too many. JSON Lines: the header is the keys of the
        first object, blank lines are passed over. In JSON Lines and Parquet a null or missing cell is "", a
        list of tags its members joined with "|", a number its text.

    Raises:
        UserError: if the suffix is unknown, or the file cannot be read to its end, or is not UTF-8.
    """
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packed = suffixes[-1:] == [".gz"]
    suffix = suffixes[-1 - packed] if len(suffixes) > packed else ""
    if suffix not in KNOWN_SUFFIXES or (packed and suffix == _PARQUET):
        raise UserError(
            f"{path}: cannot be read as a table (its name ends in '{''.join(suffixes[-1 - packed :])}'); "
            f"known are {', '.join(KNOWN_SUFFIXES)}, all but the last also with .gz after it"
        )
    if suffix == _PARQUET:
        yield from _parquet_lines(path)
        return
    line = 1
    try:
        with _opened(path, packed) as file:
            rows = _json_lines(path, file) if suffix in _JSON else _separated_lines(file, _DELIMITERS[suffix])
            for line, cells in rows:
                yield line, cells
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: near line {line}: not UTF-8 text ({error.reason}); save the table as UTF-8"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or error) from error


def _opened(path: Path, packed: bool) -> IO[str]:
    # utf-8-sig: spreadsheets begin their exports with a byte order mark.
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _unreadable(path: Path, reason: object) -> UserError:
    return UserError(
        f"{path}: cannot be read as a table ({reason}); give the path of a whole CSV, TSV, JSON Lines or Parquet file"
    )


def _separated_lines(file: IO[str], delimiter: str) -> Iterator[Line]:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            # The one loop that sees a million rows: nothing else belongs in it.
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
            return
        except csv.Error as error:
            yield line, f"is not readable as {'CSV' if delimiter == ',' else 'TSV'} ({error}); is a quote left open?"
            line = reader.line_num + 1


class _Wrong(ValueError):
    """What makes one line unreadable."""


def _json_lines(path: Path, file: IO[str]) -> Iterator[Line]:
    header: list[str] = []
    line = 0
    while text := file.readline(_LONGEST_LINE):
        line += 1
        if len(text) == _LONGEST_LINE and not text.endswith(("\n", "\r")):
            raise UserError(
                f"{path}: line {line} has more than {_LONGEST_LINE} characters; write one JSON object a line"
            )
        if text.isspace():
            continue
        try:
            row = _json_object(text)
            if not header:
                header = [_text(name, name) for name in row]
                yield line, header
                # The first object is both: the names of the columns, and a row.
            yield line, _cells_of(row, header)
        except (ValueError, RecursionError) as error:
            yield line, str(error) if isinstance(error, _Wrong) else f"is not readable as JSON ({error})"


def _json_object(text: str) -> dict[str, Any]:
    # Numbers stay the text they are: nothing is rounded on the way.
    row = json.loads(text, object_pairs_hook=_dictionary, parse_float=str, parse_int=str, parse_constant=str)
    if not isinstance(row, dict) or not row:
        raise _Wrong('is no JSON object with keys; write one object a line: {"track_id": ..., "path": ...}')
    return row


def _dictionary(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Wrong(f"has the key '{next(key for key in keys if keys.count(key) > 1)}' twice; keep one")
    return row


def _cells_of(row: Mapping[str, Any], header: Sequence[str]) -> list[str]:
    cells = [_cell(name, row.get(name)) for name in header]
    if not row.keys() <= set(header):
        unknown = next(key for key in row if key not in header)
        raise _Wrong(f"has the key '{unknown}', which the first object lacks; give it there, null where unknown")
    return cells


def _cell(name: str, value: Any) -> str:
    if not isinstance(value, list):
        return _text(name, value)
    tags = [_text(name, tag) for tag in value]
    for tag in tags:
        if TAG_SEPARATOR in tag:
            raise _Wrong(
                f"'{name}' holds the tag '{tag}' with a '{TAG_SEPARATOR}' in it, which separates tags; rename the tag"
            )
    return TAG_SEPARATOR.join(tags)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        raise _Wrong(
            f"'{name}' holds a nested {'object' if isinstance(value, dict) else 'list'}; write text, a number "
            "or a list of tags"
        )
    text = str(value)
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise _Wrong(f"'{name}' holds half of a character (a lone \\u surrogate); write it as UTF-8") from None
    return text


def _parquet_lines(path: Path) -> Iterator[Line]:
    # Imported here: who has a CSV does not wait for it.
    import pyarrow
    import pyarrow.parquet

    line = 1
    try:
        # Mapped: read any other way, with a buffer too, Arrow keeps what it has read until the file is closed.
        with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            yield line, _parquet_header(file.schema_arrow)
            for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                columns = [_column(name, column) for name, column in zip(batch.schema.names, batch.columns)]
                for cells in zip(*columns):
                    line += 1
                    wrong = next((cell for cell in cells if isinstance(cell, _Wrong)), None)
                    yield line, str(wrong) if wrong else list(cells)
    except (OSError, UnicodeDecodeError, ValueError, pyarrow.ArrowException) as error:
        where = f"after line {line}: " if line > 1 else ""
        raise _unreadable(path, where + (getattr(error, "strerror", None) or str(error))) from error


def _parquet_header(schema: Any) -> list[str] | str:
    import pyarrow.types as types

    for field in schema:
        kind = field.type
        if any(getattr(types, is_list)(kind) for is_list in _LIST_TYPES):
            kind = kind.value_type
        if types.is_nested(kind):
            return f"has the column '{field.name}' of type {field.type}; write text, numbers or lists of tags"
    return list(schema.names)


def _column(name: str, column: Any) -> list[str | _Wrong]:
    """A column's cells as text; what is wrong with a cell stands in its place."""
    import pyarrow
    import pyarrow.types as types

    if not types.is_nested(column.type):
        return column.cast(pyarrow.string()).fill_null("").to_pylist()
    return [_cell_or_wrong(name, value) for value in column.to_pylist()]


def _cell_or_wrong(name: str, value: Any) -> str | _Wrong:
    try:
        return _cell(name, value)
    except _Wrong as wrong:
        return wrong
