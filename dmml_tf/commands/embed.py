"""`dmml embed`: a table of audio files, or records, of any number into a Parquet file of embeddings."""

import csv
import os
from pathlib import Path

from absl import flags

from dmml_tf.run import Run
from dmml_tf.search.build import weights_sha256
from dmml_tf.search.embed_tracks import EmbedOptions, embed_tracks, key_of
from dmml_tf.search.embeddings import DTYPES
from dmml_tf.search.sounds import FilesSource, RecordsSource
from tfrecords_tools.dataset import FILE_NAME, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.manifest import Reject, read_manifest


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("run", None, "Folder of a trained run.", flag_values=fv, required=True)
    flags.DEFINE_string("out", None, "File to write, ending in .parquet.", flag_values=fv, required=True)
    flags.DEFINE_string("manifest", None, "Table of audio files: CSV, TSV, JSON Lines or Parquet with at least "
                        "track_id, path and artist; dmml-records makes one of a folder.", flag_values=fv)
    flags.DEFINE_string("audio_root", None, "Folder that the table's paths are in; default: the table's.",
                        flag_values=fv)
    flags.DEFINE_string("data", None, "Folder of records to embed in place of audio files.", flag_values=fv)
    flags.DEFINE_bool("windows", False, "Store each 3 s window too.", flag_values=fv)
    flags.DEFINE_enum("dtype", "float32", DTYPES, "Of the numbers stored.", flag_values=fv)
    flags.DEFINE_integer("batch", 64, "Windows a call of the network.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("workers", 0, "Processes that decode; 0: one a core.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the file, and beside it what could not be used and why."""
    if bool(fv.manifest) == bool(fv.data):
        raise UserError("give either --manifest TABLE or --data FOLDER")
    out = Path(fv.out)
    if out.suffix != ".parquet":
        raise UserError(f"--out={out}: the file's name must end in .parquet")
    trained = Run.load(fv.run)
    if fv.manifest:
        source, read = FilesSource(read_manifest(fv.manifest, fv.audio_root), fv.workers), Path(fv.manifest)
    else:
        source, read = RecordsSource(Dataset.load(fv.data, trained.features)), Path(fv.data) / FILE_NAME
    out.parent.mkdir(parents=True, exist_ok=True)
    key = key_of(read) + (fv.audio_root or "")
    tracks, rejects = embed_tracks(trained.embedding(), weights_sha256(trained), trained.features.window_frames, source,
                                   key, out, EmbedOptions(fv.windows, fv.dtype, fv.batch))
    note = write_rejects(out, rejects)
    print(f"{out}: {tracks} tracks of {trained.conditions.size or trained.network['size']} numbers ({fv.dtype}){note}")


def write_rejects(out: Path, rejects: list[Reject]) -> str:
    """Writes `OUT.rejected.csv` if there are any, or removes an older one; says so."""
    path = out.with_name(f"{out.name}.rejected.csv")
    if not rejects:
        path.unlink(missing_ok=True)
        return ""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "track_id", "field", "reason"))
        writer.writerows((reject.line, reject.track_id, reject.field, reject.reason) for reject in rejects)
    os.replace(temporary, path)
    return f"; {len(rejects)} rows could not be used, see {path}"
