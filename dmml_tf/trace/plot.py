"""The picture of a trace: one row a sub-space."""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmml_tf.trace.novelty import self_similarity
from dmml_tf.trace.trace import Trace
from tfrecords_tools.files import whole_file

_BOUNDARY = "#d62728"
_MAX_PIXELS = 1200  # a self-similarity of more rows is shown at every second, third, ...


def plot_trace(trace: Trace, content: dict, path: Path) -> None:
    """Draws novelty with boundaries and labels over time, the self-similarity, the trajectory.

    Args:
        trace: the song.
        content: the same as `dmml_tf.trace.trace.describe` gives it.
        path: PNG to write.
    """
    names = list(trace.subspaces)
    figure = Figure(figsize=(13.0, 0.6 + 2.7 * len(names)), layout="constrained")
    grid = figure.subplots(len(names), 3, squeeze=False, width_ratios=(2.6, 1.0, 1.0))
    for (over_time, square, plane), name in zip(grid, names):
        subspace = content["subspaces"][name]
        _draw_novelty(over_time, trace, name, subspace)
        _draw_similarity(square, trace, name, subspace["boundaries"])
        points = _draw_path(plane, trace, np.array(subspace["trajectory"]))
    for axes, title in zip(grid[0], (None, "self-similarity", "trajectory")):
        axes.set_title(title, fontsize=10)
    for axes in grid[-1][:2]:
        axes.set_xlabel("seconds", fontsize=9)
    # One scale for all, so that a sub-space that stays in its place is seen to.
    reach = 1.08 * max(np.abs(subspace["trajectory"]).max() for subspace in content["subspaces"].values()) or 1.0
    for axes in grid[:, 2]:
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
    figure.colorbar(points, ax=list(grid[:, 2]), label="seconds", shrink=0.6)
    name = _plain(textwrap.shorten(trace.name, 80))
    figure.suptitle(f"{name}: {trace.seconds:.0f} s, a window every {trace.hop:.2f} s", fontsize=12)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, facecolor="white", metadata={"Software": None})


def _draw_novelty(axes: Axes, trace: Trace, name: str, subspace: dict) -> None:
    times, values = trace.times, np.array(subspace["novelty"])
    axes.fill_between(times - trace.hop / 2, values, color="#1f77b4", alpha=0.25, linewidth=0)
    axes.plot(times - trace.hop / 2, values, color="#1f77b4", linewidth=1.2)
    top = max(1.0, 1.15 * values.max(initial=0.0))
    for second in subspace["boundaries"]:
        axes.axvline(second, color=_BOUNDARY, linestyle="--", linewidth=1.2)
        axes.annotate(
            f"{second:.1f} s",
            (second, top),
            xytext=(3, -3),
            textcoords="offset points",
            va="top",
            color=_BOUNDARY,
            fontsize=8,
        )
    axes.set_ylim(-0.3 * top, top)
    axes.set_xlim(0.0, trace.seconds)
    axes.set_yticks([0.0, 0.5, 1.0])
    axes.set_ylabel(f"{_plain(name)}\nnovelty", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    _draw_labels(axes, trace, subspace.get("nearest", []), -0.27 * top, 0.2 * top)


def _draw_labels(axes: Axes, trace: Trace, labels: list[str], bottom: float, height: float) -> None:
    """A strip of stretches of one label; a stretch of values is one that stays within 5 % of its first."""
    stretches: list[list] = []
    for start, label in zip(trace.times - trace.hop / 2, labels):
        if not stretches or not _alike(stretches[-1][2], label):
            stretches.append([start, start, label])
        stretches[-1][1] = start + trace.hop
    shown = sorted({label for _, _, label in stretches})
    colours = {label: matplotlib.colormaps["tab20"](2 * k % 20 + 1) for k, label in enumerate(shown)}
    for start, end, label in stretches:
        axes.broken_barh([(start, end - start)], (bottom, height), facecolor=colours[label], edgecolor="white")
        # A text wider than its stretch would run into the next.
        if len(label) * trace.seconds / 110 < end - start:
            axes.text((start + end) / 2, bottom + height / 2, _plain(label), ha="center", va="center", fontsize=8)


def _alike(first: str, label: str) -> bool:
    try:
        return abs(float(label) - float(first)) <= 0.05 * abs(float(first))
    except ValueError:
        return first == label


def _draw_similarity(axes: Axes, trace: Trace, name: str, boundaries: list[float]) -> None:
    step = -(-len(trace.vectors) // _MAX_PIXELS)
    similarity = self_similarity(trace.subspaces[name][::step])
    ends = (trace.times[0] - trace.hop / 2, trace.times[-1] + trace.hop / 2)
    axes.imshow(similarity, cmap="magma", vmin=-1.0, vmax=1.0, extent=(*ends, *ends), origin="lower", aspect="equal")
    for second in boundaries:
        axes.plot([second, second], ends, [*ends], [second, second], color="white", linestyle=":", linewidth=0.9)
    axes.tick_params(labelsize=8)


def _draw_path(axes: Axes, trace: Trace, path: np.ndarray):
    x, y = path.T
    axes.plot(x, y, color="#bbbbbb", linewidth=0.8, zorder=1)
    points = axes.scatter(x, y, c=trace.times, s=16, cmap="viridis", linewidths=0, zorder=2)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_box_aspect(1.0)
    axes.spines[:].set_color("#dddddd")
    return points


def _plain(text: str) -> str:
    # matplotlib would read what stands between two dollar signs as a formula.
    return text.replace("$", r"\$")
