"""The Parquet file of embeddings: one row a track; id, title, artist, split, labels, vector and, if asked, windows.

The columns before `vector` are text; tags are joined by `|`, unlabelled is empty. `vector` is a list of E
numbers; `windows` a list of such lists, the track's 3 s windows in order.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dmml_tf.embed.embedder import mean_of_windows
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

DTYPES = ("float32", "float16")
VECTOR, WINDOWS = "vector", "windows"
WHOLE_FILE = "whole.json"  # of a folder of parts: that all are there
_MODEL = b"dmml_model"
_APART = b"dmml_windows_apart"
_BLOCK = 16_384  # vectors in memory at a time
_TRACKS = 256  # of which the windows are, some 20 MB


def embeddings_schema(
    columns: Sequence[str], size: int, dtype: str, windows: bool, model: str, excerpts: bool = False
) -> pa.Schema:
    """Schema of a file.

    Args:
        columns: the text columns.
        size: numbers of a vector.
        dtype: of them, `float32` or `float16`.
        windows: whether there is a column of windows.
        model: SHA-256 of the weights that make the vectors.
        excerpts: whether the windows are spread over a track, which is noted where they are kept.

    Raises:
        UserError: if a label has the name of a column of vectors.
    """
    taken = {VECTOR, WINDOWS} & set(columns)
    if taken:
        raise UserError(f"a label is called '{taken.pop()}', as a column of embeddings is; rename it")
    vector = pa.list_(pa.float16() if dtype == "float16" else pa.float32(), size)
    fields = [*((name, pa.string()) for name in columns), (VECTOR, vector)]
    apart = {_APART: b"1"} if windows and excerpts else {}
    return pa.schema(fields + [(WINDOWS, pa.list_(vector))] * windows, {_MODEL: model.encode(), **apart})


def table_of(schema: pa.Schema, tracks: Sequence[Mapping[str, str]], windows: Sequence[np.ndarray]) -> pa.Table:
    """Rows of `schema` from metadata and each track's windows float32 [W, E]; the vector is their mean."""
    kind = schema.field(VECTOR).type
    dtype = np.float16 if kind.value_type == pa.float16() else np.float32

    def lists(rows: Iterable[np.ndarray]) -> pa.Array:
        flat = np.concatenate([np.zeros(0, dtype), *(np.asarray(row, dtype).ravel() for row in rows)])
        return pa.FixedSizeListArray.from_arrays(pa.array(flat, kind.value_type), kind.list_size)

    columns = {
        name: pa.array([track[name] for track in tracks], pa.string())
        for name in schema.names
        if name not in (VECTOR, WINDOWS)
    }
    columns[VECTOR] = lists(mean_of_windows(part, np.float64) for part in windows)
    if WINDOWS in schema.names:
        offsets = np.cumsum([0, *map(len, windows)]).astype(np.int32)
        columns[WINDOWS] = pa.ListArray.from_arrays(offsets, lists(windows))
    return pa.Table.from_arrays([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def write_table(path: Path, table: pa.Table) -> None:
    """Writes a Parquet file whole, or not at all."""
    with whole_file(path) as temporary, _writer(temporary, table.schema) as writer:
        writer.write_table(table)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # A dictionary of numbers that hardly two vectors share would take half as much space again.
    texts = [name for name in schema.names if name not in (VECTOR, WINDOWS)]
    return pq.ParquetWriter(path, schema, use_dictionary=texts)


def part_name(number: int) -> str:
    """File name of a part of a folder; by name, they are in order."""
    return f"{number:06d}.parquet"


def join_parts(parts: Iterable[Path], out: Path, schema: pa.Schema) -> int:
    """One file of several, one of them in memory at a time; returns its rows."""
    rows = 0
    with whole_file(out) as temporary, _writer(temporary, schema) as writer:
        for part in parts:
            table = pq.read_table(part)
            writer.write_table(table.replace_schema_metadata(schema.metadata))
            rows += len(table)
    return rows


@dataclasses.dataclass(frozen=True)
class EmbeddingsFile:
    """A file of embeddings, or a folder of parts as if they were one.

    Attributes:
        path: of the file or folder.
        files: what it consists of, in order.
        size: numbers of a vector.
        model: SHA-256 of the weights.
        tracks: Arrow table of the text columns, one of them `id`; N rows.
    """

    path: str | os.PathLike
    files: Sequence[Path]
    size: int
    model: str
    tracks: pa.Table

    @classmethod
    def open(cls, path: str | os.PathLike) -> "EmbeddingsFile":
        """Reads all but the vectors.

        Raises:
            UserError: if it is no such file, or a folder whose parts are not all there or of different kinds.
        """
        files, schema, tables = _files(Path(path)), None, []
        for part in files:
            with _parquet(part) as file:
                if schema is not None and not file.schema_arrow.equals(schema, check_metadata=True):
                    raise UserError(f"{part}: has other columns, or is by another model, than {files[0].name}")
                schema = file.schema_arrow
                if VECTOR not in schema.names or not pa.types.is_fixed_size_list(schema.field(VECTOR).type):
                    raise UserError(f"{part}: has no column '{VECTOR}' of embeddings; make it with: dmml embed")
                tables.append(file.read([name for name in schema.names if name not in (VECTOR, WINDOWS)]))
        tracks = pa.concat_tables(tables).combine_chunks()
        if schema is None or "id" not in tracks.column_names or not len(tracks):
            raise UserError(f"{path}: holds no track with an id; make it with: dmml embed")
        model = (schema.metadata or {}).get(_MODEL, b"").decode()
        return cls(path, files, schema.field(VECTOR).type.list_size, model, tracks)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yields the vectors, float32 [n, E], in the order of the tracks.

        Raises:
            UserError: if they cannot be read.
        """
        for part in self.files:
            with _parquet(part) as file:
                for batch in file.iter_batches(_BLOCK, columns=[VECTOR]):
                    numbers = batch.column(0).flatten().to_numpy(zero_copy_only=False)
                    yield numbers.astype(np.float32).reshape(-1, self.size)

    def windows(self) -> Iterator[np.ndarray]:
        """Yields the windows of each track, float32 [W, E], side by side in time, in the order of the tracks.

        Raises:
            UserError: if they were not kept, are of excerpts, or cannot be read.
        """
        for part in self.files:
            with _parquet(part) as file:
                if WINDOWS not in file.schema_arrow.names:
                    raise UserError(f"{part}: holds no windows; make it again with: dmml embed --windows")
                if _APART in (file.schema_arrow.metadata or {}):
                    raise UserError(f"{part}: its windows are excerpts; make it again without --excerpts")
                for batch in file.iter_batches(_TRACKS, columns=[WINDOWS]):
                    column = batch.column(0)
                    numbers = column.flatten().flatten().to_numpy(zero_copy_only=False)
                    every = numbers.astype(np.float32).reshape(-1, self.size)
                    yield from np.split(every, np.cumsum(column.value_lengths().to_numpy())[:-1])


def _files(path: Path) -> list[Path]:
    """The file, or the parts of a folder.

    Raises:
        UserError: if the folder is not whole.
    """
    if not path.is_dir():
        return [path]
    try:
        count = json.loads((path / WHOLE_FILE).read_text(encoding="utf-8"))["parts"]
        files = [path / part_name(number) for number in range(count)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: is no folder of embeddings, or not whole ({WHOLE_FILE}: {error}); make it, or go on, with: "
            "dmml embed"
        ) from error
    missing = [file.name for file in files if not file.exists()]
    if missing or not files:
        raise UserError(f"{path}: {len(missing)} of {count} parts are not there: {', '.join(missing[:3])}")
    return files


@contextlib.contextmanager
def _parquet(path: str | os.PathLike) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            yield file
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as Parquet ({error}); make it with: dmml embed") from error


def read_embeddings(path: str | os.PathLike) -> tuple[np.ndarray, list[dict[str, str]], str]:
    """All of a file: vectors float32 [N, E], N rows of metadata, and the SHA-256 of the weights.

    Raises:
        UserError: if it is no such file.
    """
    file = EmbeddingsFile.open(path)
    return np.concatenate(list(file.blocks())), file.tracks.to_pylist(), file.model
