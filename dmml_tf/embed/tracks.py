"""Any number of tracks -> their embeddings, in a Parquet file or a folder of such; it goes on where it was interrupted.

Source of the mean over windows: Lee et al., ICASSP 2020, section 3.3. While a file is made there is a folder
`OUT.parts` (see `dmml_tf.embed.parts`); where `OUT` is to be a folder, it is that.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import shutil
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parquet import embeddings_schema, join_parts
from dmml_tf.embed.parts import Parts
from dmml_tf.embed.sounds import Source
from tfrecords_tools.errors import UserError
from tfrecords_tools.notes import RowNote
from tfrecords_tools.program import progress
from tfrecords_tools.tables.rows import Reject

SUFFIX = ".parquet"  # of an `OUT` that is one file
# Writes the parts of these numbers, and yields of each, once it is there, how many items it has.
Engine = Callable[[Parts, Sequence[int]], Generator[int, None, None]]
PART = 256  # items that an interruption, or the death of a worker, may cost
_FORM = 2  # of a part's note: it has notes beside rejects


@dataclasses.dataclass(frozen=True)
class EmbedOptions:
    """What is stored of each track.

    Attributes:
        windows: keeps each 3 s window beside the mean.
        dtype: `float32` or `float16`.
    """

    windows: bool = False
    dtype: str = "float32"


@dataclasses.dataclass(frozen=True)
class EmbeddedTracks:
    """What came of a source: tracks written, the rows that could not be used, and what was odd."""

    tracks: int
    rejects: list[Reject]
    notes: list[RowNote]


def embed_tracks(
    embedder: Embedder,
    model: str,
    source: Source,
    key: str,
    out: Path,
    options: EmbedOptions,
    engine: Engine | None = None,
) -> EmbeddedTracks:
    """Writes `out`; in memory are one batch, one track and the vectors of one part.

    Args:
        embedder: of the trained network.
        model: SHA-256 of its weights.
        source: the tracks, with the sound that the network takes.
        key: says what the source is; parts of another key, model or options are done again.
        out: a .parquet file, or any other name: a folder of parts, which stays.
        options: see there.
        engine: makes the parts in place of this process, such as `dask.dask_engine`.

    Raises:
        UserError: if `out` is a folder of something else, or what the engine raises.
    """
    one_file = out.suffix == SUFFIX
    schema = embeddings_schema(
        source.columns, embedder.size, options.dtype, options.windows, model, bool(source.excerpts)
    )
    parts = Parts(out.with_name(f"{out.name}.parts") if one_file else out, schema, source.count(), PART)
    settings = {**dataclasses.asdict(options), "batch": embedder.batch_size}
    parts.begin([key, model, settings, parts.size, _FORM], one_file)
    if engine is None:
        _embed_here(parts, source, embedder)
    else:
        _embed_elsewhere(parts, engine)
    rejects, notes = parts.findings()
    if one_file:
        rows = join_parts(parts.files(), out, schema)
        shutil.rmtree(parts.folder)
    else:
        rows = sum(pq.read_metadata(file).num_rows for file in parts.files())
        parts.finish(rows)
    return EmbeddedTracks(rows, rejects, [*source.notes, *notes])


def _embed_here(parts: Parts, source: Source, embedder: Embedder) -> None:
    missing = parts.missing()
    wanted = parts.wanted(missing)
    items = progress(source.items(wanted), sum(wanted), "embed")
    for number in missing:
        parts.write(number, items, embedder)
    for _ in items:  # lets the progress say that it is done
        pass


def _embed_elsewhere(parts: Parts, engine: Engine) -> None:
    missing = parts.missing()
    with contextlib.closing(engine(parts, missing)) as done:
        items = itertools.chain.from_iterable(map(range, done))
        for _ in progress(items, sum(map(parts.items, missing)), "embed"):
            pass
    if left := len(parts.missing()):
        raise UserError(
            f"{parts.folder}: the workers are done, and {left} of {len(missing)} parts are not there; all machines "
            "must see the same folder under the same path"
        )


def key_of(file: Path) -> str:
    """SHA-256 of a table, or of a dataset's `dataset.json`, which holds its shards' checksums."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
