"""Pictures of a run as PNG: learning curves, the cross table, a 2-D map of each sub-space."""

import csv
import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from dmml_tf.conditions import Condition, Labels
from tfrecords_tools.errors import UserError

MAX_POINTS = 2000  # t-SNE of more takes minutes and shows no more
MAX_COLOURS = 10
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
                axes.plot(columns["epoch"], columns[column], style, marker=".", label=label, color="#1f77b4"
                          if style == "-" else "#d62728")
        axes.set_title(name.replace("_", " "), fontsize=10)
        axes.set_xlabel("epoch", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in figure.axes[len(names):]:
        axes.remove()
    figure.axes[0].legend(fontsize=8, frameon=False)
    _save(figure, path)


def plot_cross_table(table: Mapping[str, Mapping[str, float | None]], path: Path) -> None:
    """The cross table as a heat map with its figures; white is chance (0.5), empty cells are grey.

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
        axes.text(column, row, "none" if np.isnan(value) else f"{value:.2f}", ha="center", va="center", color=shade,
                  fontsize=12, fontweight="bold" if rows[row] == columns[column] else "normal")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("triplets of")
    axes.set_ylabel("sub-space")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="triplet accuracy")
    _save(figure, path)


def plot_map(
    vectors: np.ndarray, condition: Condition, labels: Labels, tags: Sequence[str], path: Path, seed: int = 0
) -> None:
    """A 2-D map (t-SNE) of one sub-space, coloured by its own label.

    A value (tempo) takes a colour scale. A tag takes a colour; a track with several shows its rarest,
    which tells most about it; beyond the ten most frequent tags they are "other". Of more than 2,000
    tracks a seeded sample is shown.

    Args:
        vectors: float [N, D], `dmml_tf.spaces.project` of the tracks' vectors, or the slice itself.
        condition: a `shared_tag` or a `within` condition.
        labels: columns of the N tracks.
        tags: names of the condition's vocabulary ids; ids beyond its end are shown as numbers.
        path: PNG to write.
        seed: of the sample and the map.
    """
    chosen = np.arange(len(vectors))
    if len(chosen) > MAX_POINTS:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:MAX_POINTS])
    points = flatten(vectors[chosen], seed)
    column = labels[condition.column][chosen]
    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    axes = figure.subplots()
    note = _draw_values(figure, axes, points, column, condition) if condition.kind == "within" else _draw_tags(
        axes, points, column, tags)
    axes.set_title(f"{condition.name} sub-space, {len(chosen)} tracks{note}", fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#dddddd")
    _save(figure, path)


def flatten(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """[N, D] -> float [N, 2] by t-SNE from a PCA start; PCA alone under ten points; zeros where all coincide."""
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0)
    distinct = len(np.unique(np.round(centred, 9), axis=0))
    if distinct < 2:
        return np.zeros((len(vectors), 2))
    if distinct < 10:
        flat = PCA(min(2, *centred.shape), random_state=seed).fit_transform(centred)
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    perplexity = min(30.0, (len(centred) - 1) / 3.0)
    start = PCA(2, random_state=seed).fit_transform(centred) if centred.shape[1] > 1 else np.repeat(centred, 2, axis=1)
    start = start / start[:, 0].std() * 1e-4
    # Its threads wait for each other actively: on a busy machine one is faster than two, by 8 times and more.
    with threadpool_limits(1):
        return TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(centred)


def shown_tag(ids: np.ndarray) -> np.ndarray:
    """int [N] of [N, M] padded ids: each track's rarest tag among all tracks, -1 for an unlabelled one."""
    frequency = np.bincount(ids[ids >= 0], minlength=1)
    rarity = np.where(ids >= 0, frequency[np.maximum(ids, 0)], np.iinfo(np.int64).max)
    return ids[np.arange(len(ids)), rarity.argmin(axis=1)]


def _draw_values(figure, axes, points: np.ndarray, values: np.ndarray, condition: Condition) -> str:
    known = ~np.isnan(values)
    axes.scatter(*points[~known].T, s=18, c=_UNLABELLED, linewidths=0)
    if known.any():
        drawn = axes.scatter(*points[known].T, s=30, c=values[known], cmap="viridis", linewidths=0)
        figure.colorbar(drawn, label=condition.column)
    return _missing(known)


def _draw_tags(axes, points: np.ndarray, ids: np.ndarray, tags: Sequence[str]) -> str:
    shown = shown_tag(ids)
    frequent, counts = np.unique(shown[shown >= 0], return_counts=True)
    frequent = np.sort(frequent[np.argsort(-counts, kind="stable")[:MAX_COLOURS]])
    axes.scatter(*points[shown < 0].T, s=18, c=_UNLABELLED, linewidths=0)
    other = (shown >= 0) & ~np.isin(shown, frequent)
    for number, tag in enumerate(frequent):
        name = tags[tag] if tag < len(tags) else str(tag)
        axes.scatter(*points[shown == tag].T, s=30, color=f"C{number}", label=textwrap.shorten(name, 24), linewidths=0)
    if other.any():
        axes.scatter(*points[other].T, s=30, color="#555555", label="other", marker="x")
    if len(frequent):
        axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    several = "; of several tags the rarest" if ((ids >= 0).sum(axis=1) > 1).any() else ""
    return several + _missing(shown >= 0)


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


def _save(figure: Figure, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    # No version or date in the file: same data, same bytes.
    figure.savefig(temporary, format="png", dpi=130, facecolor="white", metadata={"Software": None})
    os.replace(temporary, path)
