"""A search as a picture: what was asked, the results, and a bar a condition that says why each is alike."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dmml_tf.conditions import Conditions
from dmml_tf.search.index import Hit
from dmml_tf.search.show import fit
from tfrecords_tools.files import whole_file

_INK, _SOFT, _BAR, _UNUSED, _GROUND = "#22222c", "#6a6975", "#3d56c5", "#b5bce0", "#eceae3"
_NAMES, _COLUMN, _ROW = 3.1, 1.25, 0.52  # inches: of titles, of a condition, of a result
_ASKED, _LINE = 0.55, 0.24  # inches: of the header, of each line of what was asked
_MARGIN, _GAP = 0.2, 0.16


def plot_hits(
    asked: Sequence[str], hits: Sequence[Hit], weights: Mapping[str, float], conditions: Conditions, path: Path
) -> None:
    """Writes a PNG.

    Args:
        asked: lines that say what was asked.
        hits: results, best first; none gives a picture that says so.
        weights: condition, or `whole` -> weight; the bars of those without are pale.
        conditions: say which column's label belongs to which bar.
        path: PNG to write.
    """
    # A part that the query asks nothing of is nowhere alike.
    names = [
        name
        for name in (hits[0].cosines if hits else ())
        if weights.get(name) or any(hit.cosines[name] for hit in hits)
    ]
    width = max(2 * _MARGIN + _NAMES + _COLUMN * len(names), 8.5)
    top = _MARGIN + _LINE * len(asked)
    height = top + _ASKED + _ROW * max(len(hits), 1) + _MARGIN / 2
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for number, line in enumerate(asked):
        _write(axes, _MARGIN, _MARGIN + _LINE * (number + 0.3), fit(line, int(13 * width)), 9.5, _INK)
    if not hits:
        _write(axes, _MARGIN, top + _ASKED, "no other track to find", 10, _SOFT)
    else:
        _write(axes, _MARGIN + _NAMES - 2 * _GAP, top + 0.28, "score", 8, _SOFT, ha="right")
    lefts = {name: _MARGIN + _NAMES + _COLUMN * place for place, name in enumerate(names)}
    for name, left in lefts.items():
        _write(axes, left, top + 0.28, fit(name, 16), 9.5, _INK, weight="bold")
        _write(axes, left + _COLUMN - _GAP, top + 0.28, f"× {weights.get(name, 0.0):g}", 8, _SOFT, ha="right")
    columns = {condition.name: condition.column for condition in conditions}
    for place, hit in enumerate(hits):
        middle = top + _ASKED + _ROW * (place + 0.4)
        _names(axes, middle, place + 1, hit)
        for name, left in lefts.items():
            label = hit.track.get(columns.get(name, ""), "")
            _reason(axes, left, middle, label, hit.cosines[name], _BAR if weights.get(name) else _UNUSED)
    _save(figure, path)


def _names(axes: Axes, middle: float, rank: int, hit: Hit) -> None:
    _write(axes, _MARGIN + 0.2, middle - 0.09, str(rank), 9, _SOFT, ha="right")
    _write(axes, _MARGIN + 0.32, middle - 0.09, fit(hit.track["title"] or hit.track["id"], 30), 10, _INK, weight="bold")
    _write(axes, _MARGIN + 0.32, middle + 0.11, fit(hit.track["artist"], 34), 8.5, _SOFT)
    _write(axes, _MARGIN + _NAMES - 2 * _GAP, middle - 0.09, f"{hit.score:.2f}", 9, _INK, ha="right")


def _reason(axes: Axes, left: float, middle: float, label: str, cosine: float, colour: str) -> None:
    """One cell: a label, and the cosine as a bar; below 0 it is hatched."""
    room = _COLUMN - _GAP - 0.36
    _write(axes, left, middle - 0.09, fit(label.replace("|", ", "), 17), 8.5, _INK if colour == _BAR else _SOFT)
    axes.add_patch(Rectangle((left, middle + 0.08), room, 0.075, color=_GROUND, linewidth=0))
    unlike = {"fill": False, "hatch": "////////", "edgecolor": colour} if cosine < 0 else {"color": colour}
    axes.add_patch(Rectangle((left, middle + 0.08), room * min(abs(cosine), 1.0), 0.075, linewidth=0, **unlike))
    _write(axes, left + _COLUMN - _GAP, middle + 0.115, f"{cosine:.2f}", 8, _SOFT, ha="right")


def _write(axes: Axes, x: float, y: float, text: str, size: float, colour: str, **options) -> None:
    # A title may hold dollar signs: nothing in it is a formula.
    axes.text(x, y, text, fontsize=size, color=colour, va="center", parse_math=False, **options)


def _save(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings(), whole_file(path) as temporary:
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # then a box is drawn
        # No version or date in the file: same data, same bytes.
        figure.savefig(temporary, format="png", dpi=130, facecolor="white", metadata={"Software": None})
