"""What a dataset holds: counts per split and tag, coverage, histograms, shared information; in words and pictures."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator
from tabulate import tabulate

from tfrecords_tools.check import plots
from tfrecords_tools.check.digests import Places
from tfrecords_tools.check.mutual_information import chance_level, format_table, mutual_information_table
from tfrecords_tools.check.segment_hours import TrackIds, segment_hours
from tfrecords_tools.dataset import SPLITS, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json
from tfrecords_tools.notes import counted
from tfrecords_tools.program import progress
from tfrecords_tools.tables.findings import NOTES_FILE, count_notes
from tfrecords_tools.tables.tracks import TRACKS_FILE, Tracks, load_tracks, track_rows

# Tracks that mutual information is taken on: pairs of tags cost their product, and a larger sample tells no more.
MOST_TRACKS = 20_000
_SHUFFLES = 5
_BINS = 24
REPORT_FILE = "inspect.json"
# Rows of a tag table on the terminal; inspect.json has all.
_MOST_ROWS = 20
_BAR = 40


def inspect_dataset(dataset: Dataset, seed: int = 0) -> dict:
    """Reads `tracks.csv`, and `track_segments.csv` where there is one, as streams and counts; no shard is opened.

    Args:
        dataset: its shards may lie elsewhere.
        seed: draws at most 20,000 tracks for mutual information, and the shuffles of its chance level.

    Returns:
        What `inspect.json` holds: `tracks` and `hours` (split -> number), `tags` (dimension -> split ->
        tag -> tracks), `coverage` (dimension -> split, and `all` -> share of tracks with a label),
        `tags_per_track` (dimension -> mean over the labelled), `histograms` (value dimension -> `edges`
        and `counts` by split), `mutual_information` (`tracks`, `bits`, `chance`), `noted` (kind -> lines of
        `notes.csv`); and where segments label dimensions `segments`: what `segment_hours` returns, its `values` as
        `histograms` of hours (`edges` and `counts` by split).

    Raises:
        UserError: if `tracks.csv` cannot be read or has not as many rows of a split as the shards records.
    """
    total = sum(map(dataset.tracks, SPLITS))
    ids = TrackIds()
    rows = progress(track_rows(dataset.folder, dataset.schema), total, "tracks")
    tracks = load_tracks(ids.seen(rows) if dataset.schema.segmented else rows, dataset.schema)
    counts = np.bincount(tracks.splits, minlength=len(SPLITS))
    for split, rows_of_split in zip(SPLITS, counts):
        if rows_of_split != dataset.tracks(split):
            raise UserError(
                f"{dataset.folder / TRACKS_FILE}: {rows_of_split} rows of the split {split}, dataset.json has "
                f"{dataset.tracks(split)}; dmml-records verify says more"
            )
    seconds = np.bincount(tracks.splits, tracks.durations.astype(float), len(SPLITS))
    vocabularies = dataset.schema.vocabularies
    return {
        "name": dataset.name,
        "tracks": dict(zip(SPLITS, counts.tolist())),
        "hours": dict(zip(SPLITS, (seconds / 3600).tolist())),
        "tags": {name: _tag_counts(tracks, name, vocabularies[name]) for name in tracks.tags},
        "coverage": {name: _coverage(labelled, tracks.splits) for name, labelled in _labelled(tracks).items()},
        "tags_per_track": {name: _mean_tags(column.counts) for name, column in tracks.tags.items()},
        "histograms": {name: _histogram(column, tracks.splits) for name, column in tracks.values.items()},
        "mutual_information": _shared_information(tracks, seed),
        "noted": dict(count_notes(dataset.folder / NOTES_FILE)),
        **({"segments": _segments(dataset, ids.places(), tracks)} if dataset.schema.segmented else {}),
    }


def _segments(dataset: Dataset, places: Places, tracks: Tracks) -> dict:
    report = segment_hours(dataset, places, tracks.splits)
    of_values = report.pop("values").items()
    return {**report, "histograms": {name: _hours_histogram(by_split) for name, by_split in of_values}}


def _hours_histogram(by_split: Mapping[str, np.ndarray]) -> dict:
    edges = _edges(np.concatenate([numbers for numbers, _ in by_split.values()]))
    counts = {k: np.histogram(numbers, edges, weights=hours)[0].tolist() for k, (numbers, hours) in by_split.items()}
    return {"edges": edges.tolist(), "counts": counts}


def _labelled(tracks: Tracks) -> dict[str, np.ndarray]:
    return {
        **{name: column.counts > 0 for name, column in tracks.tags.items()},
        **{name: ~np.isnan(column) for name, column in tracks.values.items()},
    }


def _coverage(labelled: np.ndarray, splits: np.ndarray) -> dict[str, float]:
    filled = {split: labelled[splits == place] for place, split in enumerate(SPLITS)}
    return {split: float(rows.mean()) if len(rows) else 0.0 for split, rows in {**filled, "all": labelled}.items()}


def _tag_counts(tracks: Tracks, name: str, tags: tuple[str, ...]) -> dict[str, dict[str, int]]:
    column = tracks.tags[name]
    owners = np.repeat(tracks.splits, column.counts)
    return {
        split: dict(zip(tags, np.bincount(column.ids[owners == place], minlength=len(tags)).tolist()))
        for place, split in enumerate(SPLITS)
    }


def _mean_tags(counts: np.ndarray) -> float:
    return float(counts[counts > 0].mean()) if (counts > 0).any() else 0.0


def _histogram(column: np.ndarray, splits: np.ndarray) -> dict:
    edges = _edges(column[~np.isnan(column)])
    return {
        "edges": edges.tolist(),
        "counts": {
            split: np.histogram(known_of, edges)[0].tolist()
            for split, known_of in (
                (split, column[(splits == place) & ~np.isnan(column)]) for place, split in enumerate(SPLITS)
            )
        },
    }


def _edges(numbers: np.ndarray) -> np.ndarray:
    """Round edges of bins; a single number gets a bin around it."""
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
    return np.asarray(MaxNLocator(_BINS).tick_values(low, high if high > low else math.nextafter(low, math.inf) + 1.0))


def _shared_information(tracks: Tracks, seed: int) -> dict:
    rows = np.arange(len(tracks.splits))
    if len(rows) > MOST_TRACKS:
        rows = np.sort(np.random.default_rng([seed]).choice(rows, MOST_TRACKS, replace=False))
    labels: Mapping[str, np.ndarray] = {
        **{name: column.padded(rows) for name, column in tracks.tags.items()},
        **{name: column[rows] for name, column in tracks.values.items()},
    }
    names, bits = list(labels), mutual_information_table(labels)
    chance = {a: {a: bits[a][a]} for a in names}  # shuffling leaves an entropy as it is
    for place, a in enumerate(names):
        for b in names[:place]:
            chance[a][b] = chance[b][a] = chance_level(labels[a], labels[b], shuffles=_SHUFFLES, seed=seed)
    return {"tracks": len(rows), "bits": bits, "chance": chance}


def picture_name(kind: str, dimension: str) -> Path:
    """File name of a dimension's picture; a name from a foreign `dataset.json` cannot leave the folder."""
    return Path(f"{kind}-{''.join(c if c.isalnum() or c in '_-' else '_' for c in dimension)}.png")


def format_report(report: Mapping) -> str:
    """The tables of `inspect_dataset`'s report as lines of text."""
    parts = [_split_table(report), _dimension_table(report)]
    if report["noted"]:
        parts.append(f"noted: {counted(report['noted'])} (see {NOTES_FILE})")
    parts += [_tag_table(name, counts) for name, counts in report["tags"].items()]
    parts += [_histogram_text(name, **histogram) for name, histogram in report["histograms"].items()]
    parts += _segment_tables(report["segments"]) if "segments" in report else []
    shared = report["mutual_information"]
    if len(shared["bits"]) > 1:
        parts += [
            f"mutual information of {shared['tracks']} tracks, entropy in brackets\n" + format_table(shared["bits"]),
            "the same by chance (labels shuffled)\n" + format_table(shared["chance"]),
        ]
    return "\n\n".join(parts)


def write_report(report: Mapping, out: Path) -> list[Path]:
    """Writes `inspect.json` and a PNG of each table into `out` (made where missing); returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / REPORT_FILE, report)
    written = [out / REPORT_FILE, out / "splits.png"]
    plots.plot_splits(report["tracks"], report["hours"], out / "splits.png")
    if report["coverage"]:
        written.append(out / "coverage.png")
        plots.plot_coverage(report["coverage"], out / "coverage.png")
    for name, counts in report["tags"].items():
        if counts["train"]:
            written.append(out / picture_name("tags", name))
            plots.plot_tags(name, counts, written[-1])
    for name, histogram in report["histograms"].items():
        written.append(out / picture_name("values", name))
        plots.plot_values(name, histogram["edges"], histogram["counts"], written[-1])
    for name, hours in report.get("segments", {}).get("tags", {}).items():
        written.append(out / picture_name("segments", name))
        plots.plot_tags(name, hours, written[-1], "hours of segments")
    for name, histogram in report.get("segments", {}).get("histograms", {}).items():
        written.append(out / picture_name("segments", name))
        plots.plot_values(name, histogram["edges"], histogram["counts"], written[-1], "hours of segments")
    shared = report["mutual_information"]
    if len(shared["bits"]) > 1:
        written.append(out / "mutual_information.png")
        plots.plot_mutual_information(shared["bits"], shared["chance"], written[-1])
    return written


def _table(rows: Sequence[Sequence[str]]) -> str:
    sides = ["left", *["right"] * (len(rows[0]) - 1)]
    return tabulate(rows, tablefmt="plain", colalign=sides, disable_numparse=True)


def _split_table(report: Mapping) -> str:
    tracks, hours = report["tracks"], report["hours"]
    rows = [(split, str(tracks[split]), f"{hours[split]:.2f}") for split in tracks]
    total = ("all", str(sum(tracks.values())), f"{sum(hours.values()):.2f}")
    return _table([("split", "tracks", "hours"), *rows, total])


def _dimension_table(report: Mapping) -> str:
    rows = [("labelled", "tags", "tags a track", *next(iter(report["coverage"].values()), {}))]
    for name, shares in report["coverage"].items():
        tags = report["tags"].get(name)
        rows.append(
            (
                name,
                str(len(tags["train"])) if tags else "value",
                f"{report['tags_per_track'][name]:.2f}" if tags else "",
                *(f"{share:.1%}" for share in shares.values()),
            )
        )
    return _table(rows)


def _segment_tables(segments: Mapping) -> list[str]:
    counts = [(what, *map(str, segments[what].values())) for what in ("segments", "tracks")]
    hours = [(f"hours of {name}", *(f"{h:.3f}" for h in by.values())) for name, by in segments["hours"].items()]
    tags = [_tag_table(f"{name}, hours of segments", by, "{:.3f}".format) for name, by in segments["tags"].items()]
    values = [
        _histogram_text(f"{name}, hours of segments", **by, number="{:.3f}".format)
        for name, by in segments["histograms"].items()
    ]
    return [_table([("labelled by segments", *segments["segments"]), *counts, *hours]), *tags, *values]


def _tag_table(name: str, counts: Mapping[str, Mapping[str, float]], number: Callable[[float], str] = str) -> str:
    order = sorted(counts["train"], key=lambda tag: (-sum(tags[tag] for tags in counts.values()), tag))
    rows = [(tag, *(number(tags[tag]) for tags in counts.values())) for tag in order[:_MOST_ROWS]]
    more = f"\n... {len(order) - _MOST_ROWS} more in {REPORT_FILE}" if len(order) > _MOST_ROWS else ""
    return _table([(name, *counts), *rows]) + more


def _histogram_text(
    name: str, edges: Sequence[float], counts: Mapping[str, Sequence[float]], number: Callable[[float], str] = str
) -> str:
    totals = [sum(heights) for heights in zip(*counts.values())]
    most = max(totals, default=0) or 1
    rows = [
        (f"{low:g} to {high:g}", number(total), "#" * round(_BAR * total / most))
        for low, high, total in zip(edges, edges[1:], totals)
    ]
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    lines = (f"{span:>{widths[0]}}  {total:>{widths[1]}}  {bar}".rstrip() for span, total, bar in rows)
    return "\n".join([name, *lines])
