"""Reliability of what is heard as a picture: the share that was said against the share that is so."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dmml_tf.pictures.plots import save_figure
from tfrecords_tools.errors import UserError

_BEFORE, _AFTER, _LINE = "#b5bce0", "#d62728", "#8a8a94"


def plot_reliability(figures: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """One panel a condition; on the diagonal a share means what it says.

    Args:
        figures: as `dmml_tf.heard.fit.fit_heard_as` gives them; conditions without bins have no panel.
        path: PNG to write.

    Raises:
        UserError: if no condition has bins.
    """
    shown = {name: row for name, row in figures.items() if "after" in row}
    if not shown:
        raise UserError("no condition was calibrated: there is nothing to draw")
    figure = Figure(figsize=(3.4 * len(shown), 3.5), layout="constrained")
    for axes, (name, row) in zip(np.ravel(figure.subplots(1, len(shown), squeeze=False)), shown.items()):
        axes.plot([0, 1], [0, 1], ":", color=_LINE, linewidth=1)
        for when, colour in (("before", _BEFORE), ("after", _AFTER)):
            bins = row[when]
            error = row[f"error_{when}"]
            said, true = [one["said"] for one in bins], [one["true"] for one in bins]
            label = f"{when} calibration, error {error:.3f}"
            axes.plot(said, true, "-o", color=colour, label=label, markersize=4, linewidth=1.2)
            if when == "after":
                for one in bins:
                    axes.annotate(f"{one['n']}", (one["said"], one["true"]), fontsize=7, xytext=(3, -9), color=_LINE,
                                  textcoords="offset points")  # fmt: skip
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="share that is said", ylabel="share that is so")
        axes.set_title(f"{name}, {row['valid']} songs" + ("" if row["kept"] else " (left out)"), fontsize=10)
        axes.legend(fontsize=7, frameon=False, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)
