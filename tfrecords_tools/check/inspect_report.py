"""An inspected dataset as tables of text, as inspect.json and as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfrecords_tools.check import plots
from tfrecords_tools.check.inspect import picture_name
from tfrecords_tools.check.mutual_information import format_table
from tfrecords_tools.files import write_json

REPORT_FILE = "inspect.json"
# Rows of a tag table on the terminal; inspect.json has all.
_MOST_ROWS = 20
_BAR = 40


def format_report(report: Mapping) -> str:
    """The tables of `inspect_dataset`'s report as lines of text."""
    parts = [_splits(report), _dimensions(report)]
    parts += [_tags(name, counts) for name, counts in report["tags"].items()]
    parts += [_histogram(name, **histogram) for name, histogram in report["histograms"].items()]
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
    shared = report["mutual_information"]
    if len(shared["bits"]) > 1:
        written.append(out / "mutual_information.png")
        plots.plot_mutual_information(shared["bits"], shared["chance"], written[-1])
    return written


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    )


def _splits(report: Mapping) -> str:
    tracks, hours = report["tracks"], report["hours"]
    rows = [(split, str(tracks[split]), f"{hours[split]:.2f}") for split in tracks]
    total = ("all", str(sum(tracks.values())), f"{sum(hours.values()):.2f}")
    return _table([("split", "tracks", "hours"), *rows, total])


def _dimensions(report: Mapping) -> str:
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


def _tags(name: str, counts: Mapping[str, Mapping[str, int]]) -> str:
    order = sorted(counts["train"], key=lambda tag: (-sum(tags[tag] for tags in counts.values()), tag))
    rows = [(tag, *(str(tags[tag]) for tags in counts.values())) for tag in order[:_MOST_ROWS]]
    more = f"\n... {len(order) - _MOST_ROWS} more in {REPORT_FILE}" if len(order) > _MOST_ROWS else ""
    return _table([(name, *counts), *rows]) + more


def _histogram(name: str, edges: Sequence[float], counts: Mapping[str, Sequence[int]]) -> str:
    totals = [sum(heights) for heights in zip(*counts.values())]
    most = max(totals, default=0) or 1
    rows = [
        (f"{low:g} to {high:g}", str(total), "#" * round(_BAR * total / most))
        for low, high, total in zip(edges, edges[1:], totals)
    ]
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    lines = (f"{span:>{widths[0]}}  {total:>{widths[1]}}  {bar}".rstrip() for span, total, bar in rows)
    return "\n".join([name, *lines])
