"""`dmml-records tempo_accuracy`: madmom against the true tempo of a table."""

from pathlib import Path

from absl import flags

from tfrecords_tools.audio.tempo import ESTIMATORS, LICENCE_NOTE, MADMOM, MOST_SECONDS
from tfrecords_tools.benchmarks.tempo import format_scores
from tfrecords_tools.benchmarks.tempo_report import REPORT_FILE, report_tempo_accuracy, table_of
from tfrecords_tools.errors import UserError


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "manifest",
        None,
        f"table with a column tempo that holds the true beats a minute; {LICENCE_NOTE}",
        flag_values=fv,
    )
    flags.DEFINE_string("data", None, "or: folder of a dataset whose tempi came from its table", flag_values=fv)
    flags.DEFINE_string(
        "out",
        None,
        "folder of tempo_accuracy.json and its picture; default: DATA/tempo_accuracy, or "
        "tempo_accuracy beside the table",
        flag_values=fv,
    )
    flags.DEFINE_integer("limit", 100, "tracks, drawn by a seeded order; 0 takes all", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "of that order", flag_values=fv)
    flags.DEFINE_string("by", "", "tag dimension to score by, such as genre", flag_values=fv)
    flags.DEFINE_integer("workers", 0, "processes; 0 takes one a core", lower_bound=0, flag_values=fv)
    flags.DEFINE_float(
        "tempo_seconds",
        MOST_SECONDS,
        "seconds of each track's middle that madmom listens to, at most",
        lower_bound=3.0,
        flag_values=fv,
    )
    flags.DEFINE_enum(
        "tempo",
        MADMOM,
        ESTIMATORS,
        "who estimates: this package with madmom's networks, or madmom itself",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "tempo_cache", None, "folder that keeps estimates; default: the user's cache folder", flag_values=fv
    )


def run(fv: flags.FlagValues) -> None:
    """Measures and prints the table."""
    if bool(fv.manifest) == bool(fv.data):
        raise UserError("give --manifest a table with true tempi, or --data a dataset, and not both")
    table = Path(fv.manifest) if fv.manifest else table_of(fv.data)
    out = Path(fv.out) if fv.out else table.parent / "tempo_accuracy"
    report = report_tempo_accuracy(
        table,
        out,
        limit=fv.limit,
        seed=fv.seed,
        by=fv.by,
        workers=fv.workers,
        seconds=fv.tempo_seconds,
        cache=fv.tempo_cache,
        estimator=fv.tempo,
    )
    print(format_scores([("all", report["overall"]), *report["by"].items()]))
    if report["failed"]:
        print(f"{len(report['failed'])} file(s) could not be used and count as wrong: see 'failed' in {REPORT_FILE}")
    print(
        f"Accuracy 1: within 4 %; Accuracy 2: of 1/3, 1/2, 1, 2 or 3 times the tempo too; in brackets 95 % "
        f"intervals. {out / REPORT_FILE}"
    )
