"""Pictures of a dataset as PNG: splits, coverage, tags, values, mutual information."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from tfrecords_tools.files import whole_file

COLOURS = {"train": "#1f77b4", "valid": "#ff7f0e", "test": "#2ca02c"}
TRACKS = "tracks"  # what is counted
MOST_TAGS = 40  # bars of more cannot be told apart


def plot_splits(tracks: Mapping[str, int], hours: Mapping[str, float], path: Path) -> None:
    """Tracks and hours of each split, two panels of bars."""
    figure = Figure(figsize=(7.0, 1.3 + 0.35 * len(tracks)), layout="constrained")
    for axes, (title, figures, form) in zip(
        figure.subplots(1, 2), (("tracks", tracks, "{:,.0f}"), ("hours", hours, "{:,.1f}"))
    ):
        bars = axes.barh(list(figures), list(figures.values()), color=[COLOURS[name] for name in figures], height=0.7)
        axes.bar_label(bars, [form.format(value) for value in figures.values()], padding=3, fontsize=9)
        axes.set_title(title, fontsize=11)
        axes.margins(x=0.2)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(4))
        tidy(axes, "x")
    save_picture(figure, path)


def plot_coverage(coverage: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Share of labelled tracks: a group of bars a dimension, a bar a split (`coverage[dimension][split]`)."""
    splits = [name for name in COLOURS if any(name in shares for shares in coverage.values())]
    figure = Figure(figsize=(max(4.5, 1.8 + 1.1 * len(coverage)), 3.2), layout="constrained")
    axes = figure.subplots()
    for place, split in enumerate(splits):
        shares = [shares.get(split, 0.0) for shares in coverage.values()]
        at = np.arange(len(coverage)) + (place - (len(splits) - 1) / 2) * 0.27
        axes.bar(at, shares, 0.25, color=COLOURS[split], label=split)
    axes.set_xticks(range(len(coverage)), [_short(name) for name in coverage])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("tracks with a label", fontsize=11)
    _legend(axes)
    tidy(axes, "y")
    save_picture(figure, path)


def plot_tags(name: str, counts: Mapping[str, Mapping[str, float]], path: Path, unit: str = TRACKS) -> None:
    """How many tracks, or of another unit, each tag has, a bar's colours the splits (`counts[split][tag]`).

    The most frequent come first, and beyond 40 tags they alone are shown.
    """
    totals = np.sum([list(tags.values()) for tags in counts.values()], axis=0)
    names = list(next(iter(counts.values())))
    shown = np.argsort(-totals, kind="stable")[:MOST_TAGS]
    figure = Figure(figsize=(6.4, 1.2 + 0.23 * len(shown)), layout="constrained")
    axes = figure.subplots()
    start = np.zeros(len(shown))
    for split, tags in counts.items():
        width = np.array([tags[names[place]] for place in shown], float)
        axes.barh(range(len(shown)), width, 0.75, start, color=COLOURS[split], label=split)
        start += width
    axes.set_yticks(range(len(shown)), [_short(names[place]) for place in shown], fontsize=9)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    which = f"the {MOST_TAGS} most frequent of {len(names)} tags" if len(names) > MOST_TAGS else f"{len(names)} tags"
    axes.set_title(f"{name}: {which}", fontsize=11)
    axes.set_xlabel(unit, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=unit == TRACKS, steps=[1, 2, 5, 10]))
    _legend(axes)
    tidy(axes, "x")
    save_picture(figure, path)


def plot_values(
    name: str, edges: Sequence[float], counts: Mapping[str, Sequence[float]], path: Path, unit: str = TRACKS
) -> None:
    """Histogram of a value dimension, the splits stacked (`counts[split]` of a unit, one fewer than `edges`)."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    start = np.zeros(len(edges) - 1)
    for split, heights in counts.items():
        axes.bar(
            edges[:-1],
            heights,
            np.diff(edges),
            start,
            align="edge",
            color=COLOURS[split],
            label=split,
            edgecolor="white",
            linewidth=0.6,
        )
        start += heights
    axes.set_xlabel(f"{name} (beats a minute)" if name == "tempo" else name, fontsize=10)
    axes.set_ylabel(unit, fontsize=10)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=unit == TRACKS, steps=[1, 2, 5, 10]))
    _legend(axes)
    tidy(axes, "y")
    save_picture(figure, path)


def plot_mutual_information(
    bits: Mapping[str, Mapping[str, float]], chance: Mapping[str, Mapping[str, float]], path: Path
) -> None:
    """Bits that each pair of dimensions shares, with its chance level below; the diagonal is left grey."""
    names = list(bits)
    table = np.array([[np.nan if a == b else bits[a][b] for b in names] for a in names])
    figure = Figure(figsize=(2.2 + 1.1 * len(names), 1.4 + 0.85 * len(names)), layout="constrained")
    axes = figure.subplots()
    colours = matplotlib.colormaps["Blues"].with_extremes(bad="#ededed")
    # What is no more than chance stays pale.
    most = max(np.nanmax(table, initial=1e-9), 2 * max(chance[a][b] for a in names for b in names if a != b))
    image = axes.imshow(table, cmap=colours, vmin=0.0, vmax=most, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        a, b = names[row], names[column]
        text = f"H = {bits[a][b]:.2f}" if a == b else f"{value:.3f}\nchance {chance[a][b]:.3f}"
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if value > 0.6 * most else "#707070" if a == b else "black",
        )
    axes.set_xticks(range(len(names)), [_short(name) for name in names])
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("mutual information (bits); H: entropy", fontsize=11)
    figure.colorbar(image, label="bits")
    save_picture(figure, path)


def _short(name: str) -> str:
    return textwrap.shorten(name, 28, placeholder="...") if " " in name else name[:28]


def _legend(axes: Axes) -> None:
    axes.legend(fontsize=9, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def tidy(axes: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Leaves out the upper and right spines, and draws a pale grid across these axes behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, alpha=0.25)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)


def save_picture(figure: Figure, path: Path) -> None:
    """Writes a PNG, whole or not at all."""
    # No version or date in the file: same data, same bytes.
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, facecolor="white", metadata={"Software": None})
