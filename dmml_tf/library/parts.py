"""The embeddings of a library: Parquet parts, each written whole, one row a sound, which is known by its content.

    models/KEY/embeddings/000000.parquet   columns content (hexadecimal digest), seconds, vector (float32 [E])

All parts but the last hold `PART` rows; the last is written anew with what is added. Rows are never taken out: what is
gone may come back.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

PARTS_FOLDER = "embeddings"
PART = 1024  # rows: at most that many are written again when one is added
_MODEL = b"dmml_model"
_CONTENT, _SECONDS, _VECTOR = "content", "seconds", "vector"


class Parts:
    """The parts of one model.

    Attributes:
        places: content -> its row, counted through all parts.
        seconds: of each row, float.
    """

    def __init__(self, folder: Path, model: str):
        """Opens the parts in `folder`, or begins there; `model` is the SHA-256 of the weights.

        Raises:
            UserError: if a part cannot be read, or is of other weights.
        """
        self._folder, self._model = folder, model
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting: list[tuple[bytes, float, np.ndarray]] = []
        self.places: dict[bytes, int] = {}
        self.seconds: list[float] = []
        self._files = sorted(folder.glob("[0-9]*.parquet"))
        self._last = 0  # rows of the last part
        for path in self._files:
            table = self._read(path, [_CONTENT, _SECONDS])
            self._last = len(table)
            self._take_in(map(bytes.fromhex, table[_CONTENT].to_pylist()), table[_SECONDS].to_pylist())

    def __contains__(self, content: bytes) -> bool:
        return content in self.places

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return len(self._waiting)

    def add(self, content: bytes, seconds: float, vector: np.ndarray) -> None:
        """Takes in a sound; it is written with the next `write`."""
        self._waiting.append((content, seconds, vector))

    def write(self) -> None:
        """Writes what was added, into the last part and into new ones."""
        while self._waiting:
            if not self._files or self._last >= PART:
                number = int(self._files[-1].stem) + 1 if self._files else 0
                self._files.append(self._folder / f"{number:06d}.parquet")
                self._last = 0
            added = self._waiting[: PART - self._last]
            table = self._table(added)
            if self._last:
                table = pa.concat_tables([self._read(self._files[-1], table.schema.names), table])
            with whole_file(self._files[-1], durable=True) as temporary:
                pq.write_table(table.combine_chunks(), temporary, use_dictionary=False)
            self._last = len(table)
            del self._waiting[: len(added)]
            self._take_in([content for content, _, _ in added], [seconds for _, seconds, _ in added])

    def vectors(self) -> Iterator[np.ndarray]:
        """Yields float32 [rows, E] of part after part."""
        for path in self._files:
            column = self._read(path, [_VECTOR])[_VECTOR].combine_chunks()
            flat = column.flatten().to_numpy(zero_copy_only=False)
            yield np.asarray(flat, np.float32).reshape(len(column), -1)

    def _take_in(self, contents: Iterable[bytes], seconds: Sequence[float]) -> None:
        for place, content in enumerate(contents, len(self.seconds)):
            self.places[content] = place
        self.seconds += seconds

    def _table(self, rows: Sequence[tuple[bytes, float, np.ndarray]]) -> pa.Table:
        vectors = np.stack([vector for _, _, vector in rows]).astype(np.float32)
        columns = {
            _CONTENT: pa.array([content.hex() for content, _, _ in rows], pa.string()),
            _SECONDS: pa.array([seconds for _, seconds, _ in rows], pa.float64()),
            _VECTOR: pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), vectors.shape[1]),
        }
        return pa.table(columns).replace_schema_metadata({_MODEL: self._model.encode()})

    def _read(self, path: Path, columns: Sequence[str]) -> pa.Table:
        try:
            with pq.ParquetFile(path) as file:
                if (file.schema_arrow.metadata or {}).get(_MODEL, b"").decode() != self._model:
                    raise UserError(f"{path}: made by other weights than the library's; remove the file and scan again")
                return file.read(list(columns))
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise UserError(
                f"{path}: cannot be read as Parquet ({error}); remove the file and scan again, which embeds its songs"
            ) from error
