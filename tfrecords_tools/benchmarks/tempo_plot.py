"""A picture of estimated against true tempi."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from tfrecords_tools.benchmarks.tempo import OCTAVE_FACTORS, TOLERANCE, matches
from tfrecords_tools.check.plots import save_picture, tidy

_TICKS = (20, 30, 40, 60, 80, 120, 160, 240, 360)


def plot_tempo_accuracy(true: np.ndarray, estimated: np.ndarray, path: Path) -> None:
    """Estimated against true tempo (float [N] beats a minute, NaN for none), with the lines of Accuracy 2."""
    known = ~np.isnan(estimated)
    right = matches(true, estimated)
    octave = matches(true, estimated, OCTAVE_FACTORS) & ~right
    figure = Figure(figsize=(5.8, 5.4), layout="constrained")
    axes = figure.subplots()
    every = np.concatenate([true, estimated[known]])
    low, high = float(every.min()) / 1.1, float(every.max()) * 1.1
    for factor in OCTAVE_FACTORS:
        line = np.array([low, high])
        axes.fill_between(
            line, line * factor * (1 - TOLERANCE), line * factor * (1 + TOLERANCE), color="#dfe7ef", linewidth=0
        )
        # Written where the line leaves the picture, at its right or its upper edge.
        at = min(high, high / factor)
        if at * factor > low:
            axes.annotate(
                f"× {factor:.3g}" if factor >= 1 else f"× 1/{1 / factor:.0f}",
                (at, at * factor),
                (3, 3),
                textcoords="offset points",
                fontsize=8,
                color="#707070",
                annotation_clip=False,
            )
    for rows, label, colour, mark in (
        (right, "within 4 %", "#1f77b4", "o"),
        (octave, "octave error", "#ff7f0e", "s"),
        (known & ~right & ~octave, "wrong", "#d62728", "x"),
    ):
        axes.scatter(
            true[rows],
            estimated[rows],
            s=24,
            c=colour,
            marker=mark,
            alpha=0.8,
            zorder=3,
            label=f"{label}: {int(rows.sum())}",
        )
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    for axis, name in ((axes.xaxis, "true"), (axes.yaxis, "estimated")):
        axis.set_major_locator(FixedLocator(_TICKS))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axis.set_label_text(f"{name} tempo (beats a minute)")
    missing = int((~known).sum())
    axes.set_title(f"{len(true)} tracks" + (f"; {missing} without an estimate" if missing else ""), fontsize=11, pad=16)
    # Outside: every corner of the picture may hold a point.
    figure.legend(fontsize=9, frameon=False, loc="outside lower center", ncols=3)
    tidy(axes, "both")
    save_picture(figure, path)
