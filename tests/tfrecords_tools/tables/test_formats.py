"""Tables: every format gives the same rows; a bad line is named, a bad file is one error, memory stays where it is."""

import gzip
import json
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import table_lines

HEADER = ["track_id", "path", "artist", "genre", "tempo"]
ROWS = [["t1", "a b.wav", 'Ann, "B"', "rock|hip, hop", "120"], ["t2", "ü.wav", "two\nlines", "", ""]]
OBJECTS = [
    {"track_id": "t1", "path": "a b.wav", "artist": 'Ann, "B"', "genre": ["rock", "hip, hop"], "tempo": 120},
    {"track_id": "t2", "path": "ü.wav", "artist": "two\nlines", "genre": None},
]
CSV = 'track_id,path,artist,genre,tempo\nt1,a b.wav,"Ann, ""B""","rock|hip, hop",120\nt2,ü.wav,"two\nlines",,\n'
TSV = (
    'track_id\tpath\tartist\tgenre\ttempo\nt1\ta b.wav\t"Ann, ""B"""\trock|hip, hop\t120\nt2\tü.wav\t"two\nlines"\t\t\n'
)
JSONL = "".join(json.dumps(row) + "\n" for row in OBJECTS)


def _parquet(to, **columns):
    # A dictionary and a page grow to a mebibyte each before they stop: here they are full in the smaller file too.
    pq.write_table(pa.table(columns), to, use_dictionary=False, data_page_size=8192)
    return to


def _json(tmp_path, *lines: str):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return [cells for _, cells in table_lines(path)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "name, text",
    [
        ("x.csv", CSV),
        ("X.CSV", CSV.replace("\n", "\r\n").replace("two\r", "two")),
        ("x.tsv", TSV),
        ("my.songs.jsonl", JSONL),
        ("x.ndjson", "\ufeff" + JSONL),
    ],
)
def test_text_formats_give_the_same_rows(tmp_path, name, text, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert [cells for _, cells in table_lines(path)] == [HEADER, *ROWS]


def test_parquet_gives_the_same_rows(tmp_path):
    columns = {name: [row.get(name) for row in OBJECTS] for name in HEADER}
    lines = list(table_lines(_parquet(tmp_path / "x.parquet", **columns)))
    assert lines == [(1, HEADER), (2, ROWS[0]), (3, ROWS[1])]


def test_line_numbers_are_where_a_record_starts(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('a,b\n"1\n1",2\n\n3,4\n')
    assert list(table_lines(path)) == [(1, ["a", "b"]), (2, ["1\n1", "2"]), (4, []), (5, ["3", "4"])]


@pytest.mark.parametrize("text", ['a,b\n"x"y,1\n2,3\n', f"a,b\n{'y' * 200_000},1\n2,3\n"])
def test_a_bad_line_of_csv_is_said_and_the_rest_goes_on(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text)
    _header, bad, good = table_lines(path)
    assert bad[0] == 2 and "not readable as CSV" in bad[1] and good == (3, ["2", "3"])


def test_json_numbers_and_null_are_their_text(tmp_path):
    line = (
        '{"a": 0.1000000000000000055, "b": 123456789012345678901, "c": null, "d": true, "e": NaN, "f": ["x", 1, null]}'
    )
    assert _json(tmp_path, line)[1] == ["0.1000000000000000055", "123456789012345678901", "", "true", "NaN", "x|1|"]


@pytest.mark.parametrize(
    "line, reason",
    [
        ('{"a": 1, "x": 2}', "the key 'x', which the first object lacks"),
        ('{"a": ["rock|pop"]}', "the tag 'rock|pop' with a '|' in it"),
        ('{"a": {"x": 1}}', "'a' holds a nested object"),
        ('{"a": [["x"]]}', "'a' holds a nested list"),
        ('{"a": 1, "a": 2}', "the key 'a' twice"),
        ("[1]", "no JSON object"),
        ("{}", "no JSON object"),
        ('{"a": 1', "not readable as JSON"),
        ('{"a": ' + "[" * 100_000, "not readable as JSON"),
        ('{"a": "\\ud800"}', "half of a character"),
    ],
)
def test_a_bad_line_of_json_is_said_and_the_rest_goes_on(tmp_path, line, reason):
    header, first, bad, last = _json(tmp_path, '{"a": "1", "b": 2}', line, "", '{"b": "3"}')
    assert (header, first, last) == (["a", "b"], ["1", "2"], ["", "3"])
    assert isinstance(bad, str) and reason in bad


def test_json_of_one_endless_line_is_not_read_whole(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("[" + '{"a": 1}, ' * 200_000 + "]")
    with pytest.raises(UserError, match="one JSON object a line"):
        list(table_lines(path))


def test_a_tag_with_the_separator_is_a_bad_line_of_parquet(tmp_path):
    path = _parquet(tmp_path / "x.parquet", track_id=["1", "2"], genre=[["a|b"], ["c", None]])
    _header, bad, good = table_lines(path)
    assert bad[0] == 2 and "the tag 'a|b'" in bad[1] and good == (3, ["2", "c|"])


def test_parquet_types(tmp_path):
    path = _parquet(
        tmp_path / "x.parquet",
        a=pa.array(["x", None]).dictionary_encode(),
        b=[1.5, None],
        c=[True, None],
        d=pa.array([b"y", b"z"]),
        e=pa.array([None, None]),
    )
    assert [cells for _, cells in table_lines(path)][1:] == [["x", "1.5", "true", "y", ""], ["", "", "", "z", ""]]


def test_a_nested_column_of_parquet_makes_the_header_unreadable(tmp_path):
    path = _parquet(tmp_path / "x.parquet", track_id=["1"], audio=[{"bytes": b""}])
    line, reason = next(table_lines(path))
    assert line == 1 and "the column 'audio' of type struct" in reason


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("x.csv", b"a,b\n1,\xff\xfe\n", "not UTF-8"),
        ("x.csv.gz", b"a,b\n", "[Nn]ot a gzipped"),
        ("x.csv.gz", _cut(gzip.compress(CSV.encode() * 50, mtime=0)), "end-of-stream"),
        ("x.csv.gz", gzip.compress(b"x" * 999, mtime=0)[:10] + b"\xff" * 99, "cannot be read as a table"),
        ("x.jsonl.gz", gzip.compress(b'{"a": "\xff"}', mtime=0), "not UTF-8"),
        ("x.parquet", b"PAR1 but not really, only text", "cannot be read as a table"),
        ("x.parquet", b"", "cannot be read as a table"),
        ("x.xlsx", b"PK", "ends in '.xlsx'.*known are .csv, .tsv"),
        ("x.parquet.gz", b"", "ends in '.parquet.gz'"),
        ("x.gz", b"", "ends in '.gz'"),
        ("x", b"", "ends in ''"),
    ],
)
def test_a_bad_file_is_one_error_that_names_it(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        list(table_lines(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["gone.csv", "gone.jsonl.gz", "gone.parquet", "nul\0.csv"])
def test_no_file_to_read(tmp_path, name):
    with pytest.raises(UserError, match="cannot be read as a table"):
        list(table_lines(tmp_path / name))


def test_text_of_parquet_that_is_not_utf8(tmp_path):
    path = _parquet(tmp_path / "x.parquet", a=pa.array([b"good", b"\xff"]))
    with pytest.raises(UserError, match="cannot be read as a table"):
        list(table_lines(path))


def _write(path, rows: int):
    if path.suffix == ".parquet":
        return _parquet(path, track_id=[f"t{k}" for k in range(rows)], genre=[["rock", "pop"]] * rows)
    line = '{"track_id": "t", "genre": ["rock", "pop"]}\n' if path.suffix == ".jsonl" else "t,rock|pop\n"
    path.write_text(line * rows)
    return path


def _peak(path) -> tuple[int, int]:
    """Bytes that Python holds at most, and bytes that Arrow holds at most, while the table is read."""
    arrow = 0
    tracemalloc.start()
    for line, _ in table_lines(path):
        if line % 512 == 0:
            arrow = max(arrow, pa.total_allocated_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, arrow


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_memory_does_not_grow_with_rows(tmp_path, suffix):
    _peak(_write(tmp_path / f"warm{suffix}", 3_000))
    few, many = _peak(_write(tmp_path / f"few{suffix}", 3_000)), _peak(_write(tmp_path / f"many{suffix}", 18_000))
    assert many[0] < 1.2 * few[0] + 50_000 and many[1] < 1.2 * few[1] + 10_000
