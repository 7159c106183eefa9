"""A 2-D map of each sub-space, computed once (by the method of `dmml_tf.pictures.layout`) and kept."""

import hashlib
import threading
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Condition
from dmml_tf.explore.heard_columns import HEARD, heard_columns
from dmml_tf.heard.heard_as import HeardAs
from dmml_tf.pictures.layout import MAX_COLOURS, MAX_POINTS, map_2d, shown_tag
from dmml_tf.search.index import Index, Query
from tfrecords_tools.files import whole_file
from tfrecords_tools.tables.formats import TAG_SEPARATOR

FOLDER = "explore"  # within a run's folder
# A song that the map left out lies between its three nearest, a third as near to one whose cosine is .1 less.
_NEIGHBOURS, _SHARPNESS = 3, 11.0
_VERSION = 1  # of the method: a map of another is computed again


class Maps:
    """Maps of an index, of a seeded sample where it has more than 2,000 tracks.

    Args:
        index: the tracks.
        folder: where maps are kept between two starts; where it cannot be written, they are kept in memory.
        seed: of the sample and the maps.
        heard_as: says what colours songs where the index has no labels.

    Attributes:
        rows: int64 [P], ascending: which tracks are on the maps.
    """

    def __init__(self, index: Index, folder: Path, seed: int = 0, heard_as: HeardAs | None = None):
        count = len(index.tracks)
        self.rows = np.sort(np.random.default_rng(seed).permutation(count)[:MAX_POINTS])
        self._index, self._folder, self._seed, self._heard_as = index, folder, seed, heard_as
        self._points: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()  # two maps at once would take longer than one after the other

    def describe(self, name: str) -> dict:
        """The map of a sub-space or of the whole, as plain data.

        Returns:
            `points`: `[row, x, y, group]` each, x and y in 0..1; `titles` in their order; `of`: how many songs they
            were chosen from; `legend`: `kind` is
            `tags` (group: place in `names`, past its end another tag, None unlabelled), `values` (group: the
            value) or `none`.
        """
        legend, groups = self._groups(name)
        points = np.round(self.points(name), 4).tolist()
        tracks = [self._index.tracks[row] for row in self.rows]
        return {
            "name": name,
            "legend": legend,
            "points": [[int(row), *at, group] for row, at, group in zip(self.rows, points, groups)],
            "of": len(self._index.tracks),
            "titles": [track.get("title", "") for track in tracks],
        }

    def points(self, name: str) -> np.ndarray:
        """float [P, 2], each axis in 0..1."""
        with self._lock:
            if name not in self._points:
                vectors = self._vectors(name, self.rows)
                kept = self._folder / f"map-{self._key(vectors)}.npy"
                points = _read(kept, len(self.rows))
                if points is None:
                    points = _scaled(map_2d(vectors, self._seed))
                    _keep(kept, points)
                self._points[name] = points
            return self._points[name]

    def near(self, query: Query) -> list[list[tuple[int, float]] | None]:
        """Where a query lies on each part's map, in the order of `Index.names`; None where it asks nothing of the part.

        Returns:
            Its nearest songs on the map as `(place, share)`: it lies between them, the nearer the larger the share.
        """
        places: list[list[tuple[int, float]] | None] = []
        for name in self._index.names:
            wanted = query.vector[self._index.slices[name]] if name in self._index.slices else query.whole
            asks_nothing = wanted is None or not np.any(wanted)
            places.append(None if asks_nothing else _nearest(self._vectors(name, self.rows) @ wanted))
        return places

    def place(self, row: int) -> int | None:
        """Where among `rows` a track is; None if the sample left it out."""
        place = int(np.searchsorted(self.rows, row))
        return place if place < len(self.rows) and self.rows[place] == row else None

    def _vectors(self, name: str, rows: np.ndarray) -> np.ndarray:
        """float32 [P, d] at unit length."""
        index = self._index
        if name in index.slices:
            return index.vectors[rows, index.slices[name]]
        assert index.lengths is not None  # else the whole is not among the index's names
        return index.vectors[rows] * index.lengths[rows][:, index.owner]

    def _key(self, vectors: np.ndarray) -> str:
        content = hashlib.sha256(f"{_VERSION} {self._seed} {vectors.shape}".encode())
        content.update(np.ascontiguousarray(vectors).tobytes())
        return content.hexdigest()[:16]

    def _groups(self, name: str) -> tuple[dict, list]:
        conditions = self._index.conditions
        condition = conditions[conditions.index(name)] if name in conditions.names else None
        cells = [] if condition is None else self._cells(condition)
        if condition is None or not cells:
            return {"kind": "none"}, [None] * len(self.rows)
        if condition.reads_values:
            values = [float(cell) if cell else None for cell in cells]
            known = [value for value in values if value is not None]
            return {"kind": "values", "low": min(known, default=0.0), "high": max(known, default=1.0)}, values
        return _tag_groups(cells)

    def _cells(self, condition: Condition) -> list[str]:
        """The label of each song on the map, or, in an index without such labels, what is heard; empty for neither."""
        tracks = [self._index.tracks[row] for row in self.rows]
        if condition.column in tracks[0]:
            return [track[condition.column] for track in tracks]
        if self._heard_as is None or condition.name not in self._heard_as.parts:
            return []
        column = heard_columns(self._heard_as, self._index.vectors[self.rows])[f"{HEARD}{condition.name}"]
        return list(column.to_pylist())


def _nearest(cosines: np.ndarray) -> list[tuple[int, float]]:
    best = np.argsort(-cosines, kind="stable")[:_NEIGHBOURS]
    shares = np.exp(_SHARPNESS * (cosines[best].astype(float) - float(cosines[best[0]])))
    return [(int(place), round(float(share), 3)) for place, share in zip(best, shares / shares.sum())]


def _tag_groups(cells: list[str]) -> tuple[dict, list]:
    """Each cell's rarest tag, as a place among the most frequent of these; the place after them is for any other."""
    tags = sorted({tag for cell in cells for tag in cell.split(TAG_SEPARATOR) if tag})
    number = {tag: place for place, tag in enumerate(tags)}
    lists = [[number[tag] for tag in cell.split(TAG_SEPARATOR) if tag] for cell in cells]
    ids = np.full((len(cells), max([1, *map(len, lists)])), -1)
    for row, places in enumerate(lists):
        ids[row, : len(places)] = places
    shown = shown_tag(ids)
    frequent, counts = np.unique(shown[shown >= 0], return_counts=True)
    frequent = np.sort(frequent[np.argsort(-counts, kind="stable")[:MAX_COLOURS]])
    group = {int(tag): place for place, tag in enumerate(frequent)}
    groups = [None if tag < 0 else group.get(int(tag), len(frequent)) for tag in shown]
    return {"kind": "tags", "names": [tags[tag] for tag in frequent]}, groups


def _scaled(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    # Each axis for itself, as the plots do: neither has a unit. Points that all coincide lie in the middle.
    return np.where(high > low, (points - low) / np.where(high > low, high - low, 1.0), 0.5)


def _read(path: Path, count: int) -> np.ndarray | None:
    try:
        points = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return points if points.shape == (count, 2) and np.isfinite(points).all() else None


def _keep(path: Path, points: np.ndarray) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        with whole_file(path, shared=True) as temporary:
            np.save(temporary, points, allow_pickle=False)
    except OSError:
        pass  # a run that may only be read: the map is in memory
