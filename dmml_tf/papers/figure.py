"""`table.png`: a dot a row with its interval, and the paper's figure beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ml_collections
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmml_tf.papers.summary import Cell, Outcome
from tfrecords_tools.files import whole_file

_OURS, _PAPER = "#1f77b4", "#d62728"


def plot_table(
    table: ml_collections.ConfigDict, outcomes: Sequence[Outcome], by_name: Mapping[str, Mapping[str, Cell]], path: Path
) -> None:
    """One panel for each figure that `table.shown` names, the rows from top to bottom.

    Args:
        table: its `shown` holds pairs of a figure and a title; `paper` names the paper's marks.
        outcomes: the rows, from top to bottom.
        by_name: from `cells`.
        path: PNG to write.
    """
    figure = Figure(figsize=(2.6 + 3.4 * len(table.shown), 1.4 + 0.3 * len(outcomes)), layout="constrained")
    panels = figure.subplots(1, len(table.shown), sharey=True, squeeze=False)[0]
    for axes, (key, title) in zip(panels, table.shown):
        for place, outcome in enumerate(outcomes):
            _draw(axes, place, by_name[outcome.row.name].get(key), outcome.row.paper.get(key), table.paper)
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(outcomes)), [outcome.row.label for outcome in outcomes])
    panels[0].set_ylim(len(outcomes) - 0.5, -0.5)
    handles, labels = _marks(panels)
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, facecolor="white", metadata={"Software": None})


def _draw(axes: Axes, place: int, cell: Cell | None, printed: float | None, paper: str) -> None:
    if printed is not None:
        axes.plot(printed, place, "D", color=_PAPER, markerfacecolor="none", markersize=5, label=paper)
    if cell is None:
        return
    if cell.low is not None and cell.high is not None:
        axes.plot([cell.low, cell.high], [place, place], "-", color=_OURS, alpha=0.5, linewidth=2)
    axes.plot(cell.value, place, "o", color=_OURS, markersize=5, label="here, with its 95 % interval")


def _marks(panels: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """One legend entry a kind of mark."""
    seen: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            seen.setdefault(label, handle)
    return list(seen.values()), list(seen)
