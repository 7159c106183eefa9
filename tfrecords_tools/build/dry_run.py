"""What a build would do: tracks, hours, bytes, time; nothing is written."""

import contextlib
import dataclasses
import itertools
import os
import time
from collections.abc import Mapping, Sequence

from tfrecords_tools.audio.extract import Extracted, Task, extract
from tfrecords_tools.audio.tempo import MADMOM
from tfrecords_tools.build.duplicates import refuse_shared_files
from tfrecords_tools.build.plan import Options, Plan, make_plan
from tfrecords_tools.build.pool import default_workers
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.tables.findings import table_notes
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject
from tfrecords_tools.tables.segment_table import read_segments

# Tracks that are extracted to learn the speed; the first is not counted: libraries are loaded with it.
_TIMED = 4
# Times real time a core, without and with madmom: stated where no file could be timed.
_ASSUMED_RATES = (300.0, 100.0)
_SHOWN_REJECTS = 10


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a build would do.

    Attributes:
        tracks, shards: how many each split gets.
        rejected: rows left out, as far as is known before their audio is decoded.
        rejects: the first of them, and the columns left out.
        odd: what is odd in the table and taken all the same, as lines.
        track_seconds: mean length of a track (s).
        measured: headers that this was read from; 0: it is assumed.
        bytes: size of all shards.
        rate: seconds of audio that one core works through in a second.
        timed: tracks that this was measured on; 0: it is assumed.
        tempi: how many would be estimated.
        seconds: how long the build takes with that many workers.
        workers: number of processes.
        segments: how many there are, of how many tracks, and the dimensions that they label; None without a table of
            them.
    """

    tracks: Mapping[str, int]
    shards: Mapping[str, int]
    rejected: int
    rejects: Sequence[Reject]
    odd: Sequence[str]
    track_seconds: float
    measured: int
    bytes: float
    rate: float
    timed: int
    tempi: int
    seconds: float
    workers: int
    segments: tuple[int, int, tuple[str, ...]] | None = None


def dry_run(
    manifest: str | os.PathLike,
    options: Options = Options(),
    *,
    segments: str | os.PathLike | None = None,
    audio_root: str | os.PathLike | None = None,
    skip_audio_check: bool = False,
    allow_duplicates: bool = False,
    workers: int = 0,
) -> Estimate:
    """Plans a build and times the extraction of a few tracks; arguments as of `build_dataset`.

    Raises:
        UserError: as `read_manifest` and `make_plan` do, and if a file is in two splits and duplicates are not allowed.
    """
    table = read_manifest(manifest, audio_root, not skip_audio_check)
    parts = None if segments is None else read_segments(segments, table.types)
    options = dataclasses.replace(options, name=options.name or "dataset")
    with contextlib.closing(make_plan(table, options, table=parts)) as plan:
        if not allow_duplicates:
            refuse_shared_files(plan, os.fspath(manifest))
        tempi = plan.store.lacking_tempo() if plan.estimates else 0
        tracks = {split: plan.tracks(split) for split in SPLITS}
        rate, timed = _rate(plan, bool(tempi))
        workers = workers or default_workers()
        return Estimate(
            tracks,
            {split: sum(shard.split == split for shard in plan.shards) for split in SPLITS},
            plan.store.rejected(),
            list(itertools.islice(plan.store.rejects(), _SHOWN_REJECTS)),
            table_notes(plan.store.noted(), plan.store.notes()),
            plan.seconds,
            plan.measured,
            plan.bytes(plan.shards),
            rate,
            timed,
            tempi,
            sum(tracks.values()) * plan.seconds / rate / workers,
            workers,
            (plan.segments.count, plan.segments.tracks, plan.schema.segmented) if plan.segments else None,
        )


def describe(estimate: Estimate) -> str:
    """The estimate as lines of text."""
    total = sum(estimate.tracks.values())
    hours, minutes = divmod(round(estimate.seconds / 60), 60)
    length = f"mean of {estimate.measured} lengths" if estimate.measured else "assumed: no length is known"
    timed = f"measured on {estimate.timed} tracks" if estimate.timed else "assumed: no track could be timed"
    lines = [
        f"would be built: {total} tracks; rejected: {estimate.rejected}",
        *(f"  {split}: {estimate.tracks[split]} tracks in {estimate.shards[split]} shards" for split in SPLITS),
        f"audio: {total * estimate.track_seconds / 3600:.1f} h, {estimate.track_seconds:.1f} s a track ({length})",
        f"disk: {estimate.bytes / 1e9:.2f} GB",
        f"tempo: {estimate.tempi} to be estimated by madmom",
        f"time: about {hours} h {minutes:02d} min with {estimate.workers} workers; {estimate.rate:.0f} times real "
        f"time a core ({timed})",
    ]
    if estimate.segments is not None:
        count, tracks, names = estimate.segments
        lines.append(f"segments: {count} in {tracks} tracks label {', '.join(names) or 'nothing'}")
    lines += [f"{reject.where}, {reject.field or 'row'}: {reject.reason}" for reject in estimate.rejects]
    hidden = estimate.rejected - sum(reject.line > 1 for reject in estimate.rejects)
    if hidden > 0:
        lines.append(f"and {hidden} more rejected")
    return "\n".join([*lines, *estimate.odd])


def _rate(plan: Plan, tempo: bool) -> tuple[float, int]:
    options = plan.options
    longest = options.tempo_seconds if tempo else None
    seconds = spent = 0.0
    timed = 0
    for place, path in enumerate(plan.store.sample(_TIMED)):
        # No cache of tempi: what it has would make the rest look as fast.
        task = Task(path, longest, "", options.tempo or MADMOM, options.max_seconds, options.audio, plan.features)
        start = time.perf_counter()
        result = extract(task)
        if place and isinstance(result, Extracted):
            spent += time.perf_counter() - start
            seconds += result.duration
            timed += 1
    return (seconds / spent, timed) if timed else (_ASSUMED_RATES[tempo], 0)
