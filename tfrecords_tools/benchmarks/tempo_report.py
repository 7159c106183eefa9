"""The table madmom against true tempo: tracks drawn from a manifest, estimated, scored, written and drawn."""

import dataclasses
import heapq
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfrecords_tools.audio import tempo, tempo_cache
from tfrecords_tools.benchmarks.tempo import OCTAVE_FACTORS, TOLERANCE, Track, estimate_all, score, scores_by_tag
from tfrecords_tools.benchmarks.tempo_plot import plot_tempo_accuracy
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import cache_folder, write_json
from tfrecords_tools.tables.manifest import Manifest, read_manifest
from tfrecords_tools.tables.rows import Row
from tfrecords_tools.tables.splits import seeded_order
from tfrecords_tools.tables.tracks import TRACKS_FILE

REPORT_FILE, PICTURE_FILE = "tempo_accuracy.json", "tempo_accuracy.png"


def table_of(data: str | os.PathLike) -> Path:
    """A dataset's `tracks.csv`, if its tempi are the manifest's own.

    Raises:
        UserError: if madmom estimated some of them (comparing it with itself says nothing), or the
            folder's `build.json` cannot be read.
    """
    path = Path(data) / "build.json"
    try:
        estimated = json.loads(path.read_text(encoding="utf-8")).get("tempo_estimated", 0)
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); give --manifest a table with true tempi") from error
    if estimated:
        raise UserError(
            f"{data}: {estimated} of its tempi are madmom's own estimates; give --manifest a table with true tempi"
        )
    return Path(data) / TRACKS_FILE


def choose_tracks(manifest: Manifest, limit: int, seed: int, by: str = "") -> list[Track]:
    """The `limit` first tracks with a tempo in a seeded order of their ids; 0 takes all.

    Reads the table as a stream and holds the chosen tracks only.

    Raises:
        UserError: if the table has no tempo column, no tag column `by`, or no usable row with a tempo.
    """
    if "tempo" not in manifest.values:
        raise UserError(f"{manifest.source}: has no column tempo with the true beats a minute; add one")
    if by and by not in manifest.tags:
        raise UserError(
            f"{manifest.source}: has no tag column '{by}' for --by; its tag columns: "
            f"{', '.join(manifest.tags) or 'none'}"
        )
    keyed = (
        (
            seeded_order(seed, row.track_id),
            row.line,
            Track(row.track_id, row.path, row.values["tempo"], row.tags[by] if by else ()),
        )
        for row in manifest
        if isinstance(row, Row) and row.values["tempo"] is not None
    )
    chosen = heapq.nsmallest(limit, keyed) if limit else sorted(keyed)
    if not chosen:
        raise UserError(f"{manifest.source}: no row has both a tempo and a readable path; dmml-records build lists why")
    return [track for *_, track in chosen]


def report_tempo_accuracy(
    table: Path,
    out: Path,
    *,
    limit: int = 100,
    seed: int = 0,
    by: str = "",
    workers: int = 0,
    seconds: float = tempo.MOST_SECONDS,
    cache: str | os.PathLike | None = None,
    estimator: str = tempo.MADMOM,
) -> Mapping:
    """Measures, and writes `tempo_accuracy.json` and a scatter plot into `out`.

    Args:
        table: manifest with a tempo column, see `read_manifest`.
        out: folder; made where missing.
        limit: tracks, drawn by a seeded order; 0 takes all.
        seed: decides that order.
        by: tag dimension to score by, or empty.
        workers: processes; 0 takes one a core.
        seconds: madmom listens to at most this much of each track's middle.
        cache: folder of the tempo cache; None takes the user's.
        estimator: one of `tempo.ESTIMATORS`.

    Returns:
        What the JSON file holds, with `Score` objects under `overall` and `by`.

    Raises:
        UserError: on a table that cannot be used, or without madmom.
    """
    tempo.require_madmom()
    tracks = choose_tracks(read_manifest(table), limit, seed, by)
    folder = os.fspath(cache or cache_folder())
    tempo_cache.require_cache(folder)
    out.mkdir(parents=True, exist_ok=True)
    tempi, failed = estimate_all(tracks, folder, seconds, workers, estimator)
    true = np.array([track.tempo for track in tracks])
    overall, groups = score(true, tempi), scores_by_tag(tracks, tempi) if by else {}
    report = {
        "tolerance": TOLERANCE,
        "octave_factors": list(OCTAVE_FACTORS),
        "seed": seed,
        "seconds": seconds,
        "madmom": tempo.estimator_version(estimator),
        "dimension": by,
        "overall": dataclasses.asdict(overall),
        "by": {tag: dataclasses.asdict(group) for tag, group in groups.items()},
        "failed": failed,
        "tracks": {
            track.track_id: {"true": track.tempo, "estimated": None if np.isnan(bpm) else float(bpm)}
            for track, bpm in zip(tracks, tempi)
        },
    }
    write_json(out / REPORT_FILE, report)
    plot_tempo_accuracy(true, tempi, out / PICTURE_FILE)
    return {**report, "overall": overall, "by": groups}
