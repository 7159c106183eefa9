"""Pictures of a run as PNG: learning curves, the cross table, a 2-D map of each sub-space."""

import csv
import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from dmml_tf.conditions import Condition, Conditions, Labels
from dmml_tf.pictures.layout import MAX_COLOURS, MAX_POINTS, map_2d, shown_tag
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

_UNLABELLED = "#c8c8c8"


def plot_learning_curves(history: Path, path: Path) -> None:
    """One panel a measure of `history.csv` over its epochs, training as a line, validation dashed.

    Args:
        history: CSV with a column `epoch`; `val_x` is shown in the panel of `x`. Empty cells are gaps.
        path: PNG to write.

    Raises:
        UserError: if the file is missing, has no row, or holds text where a number belongs.
    """
    columns = _read_history(history)
    names = [name for name in columns if name != "epoch" and not name.startswith("val_")]
    names += [name[4:] for name in columns if name.startswith("val_") and name[4:] not in names]
    across = min(len(names), 4)
    down = -(-len(names) // across)
    figure = Figure(figsize=(3.4 * across, 2.6 * down), layout="constrained")
    for axes, name in zip(np.ravel(figure.subplots(down, across, squeeze=False)), names):
        for column, label, style in ((name, "training", "-"), (f"val_{name}", "validation", "--")):
            if column in columns:
                axes.plot(
                    columns["epoch"],
                    columns[column],
                    style,
                    marker=".",
                    label=label,
                    color="#1f77b4" if style == "-" else "#d62728",
                )
        axes.set_title(name.replace("_", " "), fontsize=10)
        axes.set_xlabel("epoch", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in figure.axes[len(names) :]:
        axes.remove()
    figure.axes[0].legend(fontsize=8, frameon=False)
    save_figure(figure, path)


def plot_cross_table(table: Mapping[str, Mapping[str, float | None]], path: str | os.PathLike[str]) -> None:
    """The cross table as a heat map with its figures; white is chance (0.5), empty cells are grey.

    >>> scores = dmml.load("runs/mine").evaluate("data/mine", split="test", triplets=100)
    >>> dmml.plot_cross_table(scores.cross_table, "cross_table.png")

    Raises:
        UserError: if the table is empty.
    """
    if not table:
        raise UserError("the cross table is empty: no condition owns a slice of the embedding")
    rows, columns = list(table), list(next(iter(table.values())))
    values = np.array([[np.nan if table[r][c] is None else table[r][c] for c in columns] for r in rows], float)
    figure = Figure(figsize=(1.9 + 1.0 * len(columns), 1.5 + 0.8 * len(rows)), layout="constrained")
    axes = figure.subplots()
    colours = matplotlib.colormaps["RdBu"].with_extremes(bad=_UNLABELLED)
    image = axes.imshow(values, cmap=colours, vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        shade = "white" if abs(value - 0.5) > 0.3 else "black"
        axes.text(
            column,
            row,
            "none" if np.isnan(value) else f"{value:.2f}",
            ha="center",
            va="center",
            color=shade,
            fontsize=12,
            fontweight="bold" if rows[row] == columns[column] else "normal",
        )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("triplets of")
    axes.set_ylabel("sub-space")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="triplet accuracy")
    save_figure(figure, path)


def plot_map(
    vectors: np.ndarray, condition: Condition, labels: Labels, tags: Sequence[str], path: Path, seed: int = 0
) -> None:
    """A 2-D map (t-SNE) of one sub-space, coloured by its own label.

    A value (tempo) takes a colour scale. A tag takes a colour; a track with several shows its rarest,
    which tells most about it; beyond the ten most frequent tags they are "other". Of more than 2,000
    tracks a seeded sample is shown.

    Args:
        vectors: float [N, D], `dmml_tf.spaces.project` of the tracks' vectors, or the slice itself.
        condition: one that compares labels of tracks, such as `shared_tag` or `within`.
        labels: columns of the N tracks.
        tags: names of the condition's vocabulary ids; ids beyond its end are shown as numbers.
        path: PNG to write.
        seed: of the sample and the map.
    """
    chosen = _sample(len(vectors), seed)
    points = map_2d(vectors[chosen], seed)
    column = labels[condition.column][chosen]
    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    axes = figure.subplots()
    note = _draw(axes, points, column, condition, tags)
    if condition.reads_values and len(axes.collections) > 1:
        figure.colorbar(axes.collections[1], label=condition.column)
    elif axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_title(f"{condition.name} sub-space, {len(chosen)} tracks{note}", fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#dddddd")
    save_figure(figure, path)


def plot_map_grid(
    vectors: np.ndarray,
    conditions: Conditions,
    labels: Labels,
    tags: Mapping[str, Sequence[str]],
    path: Path,
    seed: int = 0,
) -> None:
    """Each sub-space (row) in 2-D, coloured by each condition's label (column).

    A row has one layout, so that its panels differ in colour alone: what a sub-space heard is in order
    there, what it did not hear is mixed. Colours and the sample as in `plot_map`.

    Args:
        vectors: float [N, D], `dmml_tf.spaces.search_vectors` of the tracks' vectors.
        conditions: whose sub-spaces are drawn: those that compare labels of tracks.
        labels: columns of the N tracks.
        tags: column -> names of its vocabulary ids.
        path: PNG to write.
        seed: of the sample and the maps.

    Raises:
        UserError: if no such condition owns a sub-space.
    """
    shown = [c for c in conditions if c.name in conditions.subspaces and c.by_label]
    if not shown:
        raise UserError("no map to draw: no condition with a label owns a slice of the embedding")
    chosen = _sample(len(vectors), seed)
    figure = Figure(figsize=(2.9 * len(shown), 2.6 * len(shown) + 1.1), layout="constrained")
    grid = figure.subplots(len(shown), len(shown), squeeze=False)
    for row, space in zip(grid, shown):
        points = map_2d(vectors[chosen][:, conditions.subspaces[space.name]], seed)
        for axes, condition in zip(row, shown):
            _draw(axes, points, labels[condition.column][chosen], condition, tags.get(condition.column, ()), size=20)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(color="#333333" if condition is space else "#dddddd")
        row[0].set_ylabel(f"{space.name} sub-space", fontsize=11)
    for number, condition in enumerate(shown):
        grid[0, number].set_title(f"coloured by {condition.column}", fontsize=11)
        _key(figure, grid[:, number], condition)
    save_figure(figure, path)


def _sample(count: int, seed: int) -> np.ndarray:
    """int: all of `count` places, or a seeded sample of `MAX_POINTS` of them, in order."""
    if count <= MAX_POINTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:MAX_POINTS])


def _draw(
    axes, points: np.ndarray, column: np.ndarray, condition: Condition, tags: Sequence[str], size: float = 30
) -> str:
    """Scatters tracks in their labels' colours, without a key, and returns what its reader must know."""
    if condition.reads_values:
        return _draw_values(axes, points, column, size)
    return _draw_tags(axes, points, column, tags, size)


def _draw_values(axes, points: np.ndarray, values: np.ndarray, size: float) -> str:
    known = ~np.isnan(values)
    axes.scatter(*points[~known].T, s=0.6 * size, c=_UNLABELLED, linewidths=0)
    if known.any():
        axes.scatter(*points[known].T, s=size, c=values[known], cmap="viridis", linewidths=0)
    return _missing(known)


def _draw_tags(axes, points: np.ndarray, ids: np.ndarray, tags: Sequence[str], size: float) -> str:
    shown = shown_tag(ids)
    frequent, counts = np.unique(shown[shown >= 0], return_counts=True)
    frequent = np.sort(frequent[np.argsort(-counts, kind="stable")[:MAX_COLOURS]])
    axes.scatter(*points[shown < 0].T, s=0.6 * size, c=_UNLABELLED, linewidths=0)
    other = (shown >= 0) & ~np.isin(shown, frequent)
    for number, tag in enumerate(frequent):
        name = tags[tag] if tag < len(tags) else str(tag)
        axes.scatter(
            *points[shown == tag].T, s=size, color=f"C{number}", label=textwrap.shorten(name, 24), linewidths=0
        )
    if other.any():
        axes.scatter(*points[other].T, s=size, color="#555555", label="other", marker="x")
    several = "; of several tags the rarest" if ((ids >= 0).sum(axis=1) > 1).any() else ""
    return several + _missing(shown >= 0)


def _key(figure: Figure, column: np.ndarray, condition: Condition) -> None:
    """What the colours of a column of panels mean, below its last."""
    if condition.reads_values and len(column[-1].collections) > 1:
        # Drawn as an inset: a bar of its own would lie below the longest of the legends.
        place = column[-1].inset_axes((0.05, -0.1, 0.9, 0.05))
        figure.colorbar(column[-1].collections[1], cax=place, orientation="horizontal", label=condition.column)
    elif column[-1].get_legend_handles_labels()[0]:
        column[-1].legend(
            fontsize=8,
            frameon=False,
            ncols=2,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            columnspacing=0.8,
            handletextpad=0.1,
            borderaxespad=0.3,
        )


def _missing(known: np.ndarray) -> str:
    return "" if known.all() else f"; grey: {int((~known).sum())} unlabelled"


def _read_history(path: Path) -> dict[str, list[float]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {name: [float(row[name]) if row[name] else np.nan for row in rows] for name in (rows or [{}])[0]}
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: cannot be read as learning history ({error}); train the run again") from error
    if len(columns) < 2 or "epoch" not in columns:
        raise UserError(f"{path}: no epoch in it yet; train the run for at least one")
    return columns


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a PNG without version or date: same data, same bytes."""
    with whole_file(Path(path)) as temporary:
        figure.savefig(temporary, format="png", dpi=130, facecolor="white", metadata={"Software": None})
