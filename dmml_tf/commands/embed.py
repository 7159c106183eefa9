"""`dmml embed`: a folder or a table of audio files, or records, of any number into a Parquet file of embeddings."""

import importlib
import shutil
from collections import Counter
from pathlib import Path

from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.data.signal import Signal
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.parquet import DTYPES
from dmml_tf.embed.sounds import FilesSource, RecordsSource, Source
from dmml_tf.embed.tracks import SUFFIX, EmbedOptions, Engine, embed_tracks, key_of
from dmml_tf.run import Run
from tfrecords_tools.audio.excerpts import HELP
from tfrecords_tools.commands.runner_flags import BEAM, LOCAL, check_runner, define_runner_flags
from tfrecords_tools.dataset import FILE_NAME, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.notes import RowNote, counted
from tfrecords_tools.sources.folder import read_folder
from tfrecords_tools.sources.manifest_out import write_manifest
from tfrecords_tools.stores.address import is_address, joined, parent, require_local
from tfrecords_tools.stores.local_copy import work_file
from tfrecords_tools.stores.store import put, remove, require_bucket
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE, write_notes, write_rejects
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "out",
        None,
        "File to write, ending in .parquet, or its address; a name without a suffix: a folder of such files.",
        flag_values=fv,
        required=True,
    )
    flags.DEFINE_string(
        "audio",
        None,
        "Folder whose audio files, at any depth, are embedded; a table of them is written beside OUT.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "manifest",
        None,
        "Table of audio files, or its address: CSV, TSV, JSON Lines or Parquet with track_id, path, artist.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "audio_root", None, "Folder, or address, that the table's paths are in; default: the table's.", flag_values=fv
    )
    flags.DEFINE_string(
        "data", None, "Folder, or address, of records to embed in place of audio files.", flag_values=fv
    )
    flags.DEFINE_bool("windows", False, "Store each 3 s window too.", flag_values=fv)
    flags.DEFINE_enum("dtype", "float32", DTYPES, "Of the numbers stored.", flag_values=fv)
    flags.DEFINE_integer("excerpts", 0, HELP, lower_bound=0, flag_values=fv)
    flags.DEFINE_integer("batch", 64, "Windows a call of the network.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("workers", 0, "Processes that decode; 0: one a core.", lower_bound=0, flag_values=fv)
    define_runner_flags(fv, "the audio, the run and --out")


def run(fv: flags.FlagValues) -> None:
    """Writes the file, and beside it what could not be used and why."""
    if [bool(fv.audio), bool(fv.manifest), bool(fv.data)].count(True) != 1:
        raise UserError("give one of --audio FOLDER, --manifest TABLE and --data FOLDER")
    _check_out(fv.out)
    _check_runner(fv)
    out = work_file(fv.out) if is_address(fv.out) else Path(fv.out)
    trained = Run.load(chosen_run(fv))
    out.parent.mkdir(parents=True, exist_ok=True)
    embedder = Embedder.of_run(trained, fv.batch)
    source, read, odd = _source(fv, trained, embedder.signal, out)
    key = key_of(read) + (fv.audio_root or "") + (f" {fv.excerpts} excerpts" if fv.excerpts else "")
    embedded = embed_tracks(
        embedder,
        trained.weights_sha256(),
        source,
        key,
        out,
        EmbedOptions(fv.windows, fv.dtype),
        _engine(fv, trained, source),
    )
    findings = write_findings(out, embedded.rejects, [*odd, *embedded.notes])
    size = trained.conditions.size or trained.network["size"]
    if is_address(fv.out):
        _deliver(out, fv.out)
    print(f"{fv.out}: {embedded.tracks} tracks of {size} numbers ({fv.dtype}){findings}")


def _deliver(out: Path, address: str) -> None:
    """Puts the file where it belongs, after what stands beside it; then nothing of it is left here."""
    folder, beside = parent(address), sorted(out.parent.glob(f"{out.name}.*.csv"))
    there = {path.name for path in beside}
    remove(folder, [f"{out.name}.{file}" for file in (REJECTED_FILE, NOTES_FILE) if f"{out.name}.{file}" not in there])
    for path in (*beside, out):
        put(path, joined(folder, path.name))
    shutil.rmtree(out.parent)


def _check_out(out: str) -> None:
    if is_address(out):
        require_bucket(out)
    if Path(out).suffix not in (SUFFIX, "") or (is_address(out) and Path(out).suffix != SUFFIX):
        raise UserError(
            f"--out={out}: the file's name must end in {SUFFIX}; without a suffix it is a folder of "
            "such files, which has no address"
        )


def _check_runner(fv: flags.FlagValues) -> None:
    if fv.runner != LOCAL and is_address(fv.out):
        raise UserError(f"--out={fv.out}: with --runner={fv.runner} give a folder that all machines see")
    if fv.runner != LOCAL and fv.data:
        raise UserError(f"--runner={fv.runner} is for audio files; the records of --data are embedded here")
    check_runner(fv)


def _engine(fv: flags.FlagValues, trained: Run, source: Source) -> Engine | None:
    if fv.runner == LOCAL or not isinstance(source, FilesSource):
        return None
    # Imported on demand: they are extras.
    if fv.runner == BEAM:
        return importlib.import_module("dmml_tf.embed.beam").beam_engine(fv.beam_args, trained, source, fv.batch)
    return importlib.import_module("dmml_tf.embed.dask").dask_engine(fv.scheduler, trained, source, fv.batch)


def _source(fv: flags.FlagValues, trained: Run, signal: Signal, out: Path) -> tuple[Source, Path, list[RowNote]]:
    """The tracks asked for, with the sound that the network takes; the file that says which they are; what is odd."""
    if fv.data and fv.excerpts:
        raise UserError("--excerpts is of audio files; the records of --data are heard whole, leave it out")
    if fv.data:
        dataset = Dataset.load(fv.data, trained.features)
        return RecordsSource(dataset, signal), dataset.folder / FILE_NAME, []
    table, odd = fv.manifest, []
    if fv.audio:
        require_local(fv.audio, "--audio")
        table = out.with_name(f"{out.name}.songs.csv")
        summary = write_manifest(read_folder(fv.audio), table, dimensions=())
        print(summary)
        odd = summary.notes
    manifest = read_manifest(table, fv.audio_root)
    return FilesSource(manifest, signal, fv.workers, fv.excerpts), manifest.path, odd


def write_findings(out: Path, rejects: list[Reject], notes: list[RowNote]) -> str:
    """Writes `OUT.rejected.csv` and `OUT.notes.csv` where there is something to say, or removes older ones; says so."""
    rejected, noted = (out.with_name(f"{out.name}.{file}") for file in (REJECTED_FILE, NOTES_FILE))
    said = ""
    if rejects:
        write_rejects(rejected, rejects)
        said += f"; {len(rejects)} rows could not be used, see {rejected}"
    else:
        rejected.unlink(missing_ok=True)
    if notes:
        write_notes(noted, sorted(notes, key=lambda note: note.line))
        said += f"; noted: {counted(Counter(note.kind for note in notes))}, see {noted}"
    else:
        noted.unlink(missing_ok=True)
    return said
