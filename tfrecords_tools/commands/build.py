"""`dmml-records build`: a table of audio files -> TFRecords."""

import importlib
import json

from absl import flags

from tfrecords_tools.audio.tempo import LICENCE_NOTE, MOST_SECONDS
from tfrecords_tools.build.build import Engine, build_dataset
from tfrecords_tools.build.dry_run import describe, dry_run
from tfrecords_tools.build.plan import FEATURES, TEMPO_MODES, Options
from tfrecords_tools.commands.runner_flags import BEAM, DASK, check_runner, define_runner_flags
from tfrecords_tools.dataset import BUILD_FILE, SPLITS
from tfrecords_tools.notes import counted
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    _define_table_and_records(fv)
    _define_features(fv)
    _define_running(fv)


def _define_table_and_records(fv: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "manifest",
        None,
        "table (CSV, TSV, JSON Lines, Parquet), or its address such as s3://BUCKET/songs.csv: track_id, path, artist, "
        "optionally title and split, one column a dimension (name, name:tag or name:value)",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string(
        "segments",
        None,
        "table, or its address, of parts of songs that have labels of their own: track_id, start, end (seconds) and "
        "columns of dimensions as the manifest has them",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "out", None, "folder of the dataset, or its address in an object store", required=True, flag_values=fv
    )
    flags.DEFINE_string(
        "audio_root",
        None,
        "folder, or address, that the table's paths are relative to and must lie in; default: "
        "relative paths lie in the table's folder, absolute ones anywhere",
        flag_values=fv,
    )
    flags.DEFINE_string("name", None, "first part of the shards' names; default: the folder's name", flag_values=fv)
    flags.DEFINE_integer("seed", 0, "of the split by artist and of the order in the shards", flag_values=fv)
    flags.DEFINE_integer("workers", 0, "processes; 0 takes one a core", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer(
        "shards", None, "shards of the training split; default: about 128 MiB each", lower_bound=1, flag_values=fv
    )
    flags.DEFINE_boolean("resplit", False, "split by artist although the table has a split column", flag_values=fv)
    flags.DEFINE_string("licence", "", "what to say in dataset.json of the audio and its labels", flag_values=fv)


def _define_features(fv: flags.FlagValues) -> None:
    flags.DEFINE_list(
        "features",
        ["log_mel"],
        f"what to write of the audio, from {', '.join(FEATURES)}; audio is PCM, int16 at 22,050 Hz",
        flag_values=fv,
    )
    flags.DEFINE_float(
        "max_seconds", None, "at most that much from a track's beginning; default: the whole", flag_values=fv
    )
    flags.DEFINE_float(
        "loudness",
        None,
        "LUFS (ITU-R BS.1770, of the mono mix) that every track is brought to, such as -20; whoever is asked by a file "
        "does the same. Default: tracks stay as loud as they are, as in the paper",
        flag_values=fv,
    )
    flags.DEFINE_enum(
        "tempo",
        None,
        TEMPO_MODES,
        "madmom: estimate the tempo where the tempo column is empty or "
        f"missing; {LICENCE_NOTE}. madmom_reference: the same by madmom's own code, a tenth as fast. "
        "column: leave such tracks unlabelled. none: leave the column out. "
        "Default: madmom where there is a tempo column, else none",
        flag_values=fv,
    )
    flags.DEFINE_float(
        "tempo_seconds", MOST_SECONDS, "madmom listens to at most that much of a track's middle", flag_values=fv
    )
    flags.DEFINE_string(
        "tempo_cache",
        None,
        "folder, or address, that keeps tempo estimates between builds; default: $XDG_CACHE_HOME/dmml or ~/.cache/dmml",
        flag_values=fv,
    )


def _define_running(fv: flags.FlagValues) -> None:
    flags.DEFINE_boolean(
        "overwrite", False, "replace another dataset or unfinished build in the folder", flag_values=fv
    )
    flags.DEFINE_boolean("resume", False, "go on with the unfinished build in the folder", flag_values=fv)
    flags.DEFINE_boolean("dry_run", False, "only say what would be built: counts, hours, bytes, time", flag_values=fv)
    flags.DEFINE_boolean("skip_audio_check", False, "do not look at each audio file before the build", flag_values=fv)
    flags.DEFINE_integer(
        "max_rejected",
        None,
        "fail when more rows than that cannot be used; default: any number may",
        lower_bound=0,
        flag_values=fv,
    )
    flags.DEFINE_boolean(
        "allow_duplicates",
        False,
        "let the same sound be in two splits under two ids; default: refuse it",
        flag_values=fv,
    )
    define_runner_flags(fv, "the audio and --out")


def run(fv: flags.FlagValues) -> None:
    """Builds, and says what came of it."""
    options = Options(
        name=fv.name or "",
        seed=fv.seed,
        shards=fv.shards,
        tempo=fv.tempo,
        tempo_seconds=fv.tempo_seconds,
        resplit=fv.resplit,
        licence=fv.licence,
        features=tuple(fv.features),
        max_seconds=fv.max_seconds,
        loudness=fv.loudness,
    )
    if fv.dry_run:
        print(
            describe(
                dry_run(
                    fv.manifest,
                    options,
                    segments=fv.segments,
                    audio_root=fv.audio_root,
                    skip_audio_check=fv.skip_audio_check,
                    allow_duplicates=fv.allow_duplicates,
                    workers=fv.workers,
                )
            )
        )
        return
    dataset = build_dataset(
        fv.manifest,
        fv.out,
        options,
        segments=fv.segments,
        audio_root=fv.audio_root,
        skip_audio_check=fv.skip_audio_check,
        allow_duplicates=fv.allow_duplicates,
        workers=fv.workers,
        overwrite=fv.overwrite,
        resume=fv.resume,
        max_rejected=fv.max_rejected,
        tempo_cache=fv.tempo_cache,
        engine=_engine(fv),
    )
    counts = ", ".join(f"{dataset.tracks(split)} {split}" for split in SPLITS)
    report = json.loads((dataset.folder / BUILD_FILE).read_text(encoding="utf-8"))
    noted = report.get("noted")  # not in builds of before
    odd = f"; noted: {counted(noted)} (see {NOTES_FILE})" if noted else ""
    segments = f"; segments: {report['segments']}" if fv.segments else ""
    print(
        f"{dataset.place}: tracks: {counts}{segments}; rejected: {report['rejected']} (see {REJECTED_FILE}){odd}; "
        f"details: {BUILD_FILE}"
    )


def _engine(fv: flags.FlagValues) -> Engine | None:
    check_runner(fv)
    # Imported on demand: they are extras, and slow to import.
    if fv.runner == BEAM:
        return importlib.import_module("tfrecords_tools.build.beam").beam_engine(fv.beam_args)
    if fv.runner == DASK:
        return importlib.import_module("tfrecords_tools.build.dask").dask_engine(fv.scheduler)
    return None
