"""Stretches of songs as what is compared: a song is as near as the nearest of its stretches.

They lie beside the songs of an index, in its folder, in the order of its songs and then of time:

    index/stretches/vectors.npy  float32 [R, D], as those of the songs
    index/stretches/lengths.npy  float32 [R, C], likewise
    index/stretches/songs.npy    int32 [R], the song's row in the index
    index/stretches/times.npy    float32 [R, 2], seconds at which it begins and ends
    index/stretches/codes.faiss  above 100,000 stretches, as those of the songs
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.search.coarse import CODES_FILE, Coarse
from dmml_tf.search.join_windows import join_windows
from dmml_tf.search.nearest import nearest_rows
from dmml_tf.search.scores import Scorer
from dmml_tf.search.section import LEAST_SECONDS, Section, clock
from dmml_tf.search.shapes import fit_together
from dmml_tf.spaces import length_shares, search_vectors, searches_whole
from tfrecords_tools.errors import UserError

STRETCHES_FOLDER = "stretches"  # within an index's folder
_VECTORS, _LENGTHS, _SONGS, _TIMES = "vectors.npy", "lengths.npy", "songs.npy", "times.npy"
# So many stretches for each song still wanted are looked at before the next search: several may be of one song.
_ROUND = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Stretches:
    """R stretches of an index's N songs, at least one of each.

    Attributes:
        vectors, lengths: float32 [R, D] and [R, C], as of `Index`.
        songs: int32 [R], ascending; the song's row in the index.
        times: float32 [R, 2], begin and end in seconds; of one song, one after the other.
        coarse: finds candidates among many; None compares every stretch.
    """

    vectors: Array
    lengths: Array | None
    songs: Array
    times: Array
    coarse: Coarse | None = None

    @classmethod
    def build(
        cls,
        songs: Iterable[tuple[int, Array]],
        conditions: Conditions,
        window_seconds: float,
        least_cosine: float,
    ) -> "Stretches":
        """Joins windows that lie side by side, song after song.

        Args:
            songs: of each song, in any order, its row in the index and its windows' embeddings float32 [W, E].
            conditions: the index's.
            window_seconds: length of a window.
            least_cosine: see `join_windows`.
        """
        from dmml_tf.embed.embedder import mean_of_windows  # here, since a search needs nothing that hears

        rows, times, means = list[int](), list[tuple[float, float]](), list[Array]()
        for row, windows in songs:
            for first, last in itertools.pairwise(join_windows(windows, conditions, least_cosine).tolist()):
                rows.append(row)
                times.append((first * window_seconds, last * window_seconds))
                means.append(mean_of_windows(windows[first:last]))
        order = np.argsort(rows, kind="stable")
        embeddings = np.stack([means[place] for place in order])
        lengths = length_shares(embeddings, conditions) if searches_whole(conditions) else None
        vectors = search_vectors(embeddings, conditions)
        return cls(vectors, lengths, np.array(rows, np.int32)[order], np.array(times, np.float32)[order])

    def __len__(self) -> int:
        return len(self.songs)

    def section(self, row: int) -> Section:
        """From when to when a stretch is."""
        begin, end = self.times[row].tolist()
        return Section(begin, end)

    def at(self, song: int, seconds: float) -> int:
        """The stretch of a song that a time lies in; the last one also has what no whole window is left for.

        Raises:
            UserError: if the time lies before the song or behind it.
        """
        first, behind = np.searchsorted(self.songs, [song, song + 1]).tolist()
        end = float(self.times[behind - 1, 1])
        if not 0 <= seconds < end + LEAST_SECONDS:
            raise UserError(f"{clock(max(seconds, 0))} is not within the song, of which {clock(end)} were heard")
        return int(first + max(np.searchsorted(self.times[first:behind, 0], seconds, "right") - 1, 0))

    def best(
        self, scorer: Scorer, vector: Array, whole: Array | None, weights: Array, allowed: Array, k: int
    ) -> list[tuple[int, int, float, Array]]:
        """Of the `k` best songs the best stretch of each, best first; equal ones by the order of songs and time.

        Args:
            scorer: compares these vectors.
            vector, whole: the query, see `dmml_tf.search.index.Query`.
            weights: float64 [C], as of `Scorer.halves`.
            allowed: bool [N], the songs that may be found.
            k: songs wanted.

        Returns:
            Of each its row, its song's row, its score and its cosines float64 [C].
        """
        halves = scorer.halves(vector, whole, weights / np.abs(weights).max())
        open_, best = allowed[self.songs], list[tuple[int, int, float, Array]]()
        while len(best) < k and open_.any():
            rows = nearest_rows(scorer, self.coarse, [halves], [open_], _ROUND * (k - len(best)))[0]
            cosines = scorer.cosines(rows, vector, whole)
            scores = (cosines * weights).sum(axis=1)
            order = np.argsort(-scores, kind="stable")
            # A song's first is its best; songs that none of is here are all further off.
            songs = self.songs[rows]
            firsts = order[np.sort(np.unique(songs[order], return_index=True)[1])]
            best += [(int(rows[n]), int(songs[n]), float(scores[n]), cosines[n]) for n in firsts]
            open_ &= ~np.isin(self.songs, songs)
        return best[:k]

    def save(self, folder: Path) -> None:
        """Writes the files into a folder, which is made."""
        folder.mkdir()
        arrays = {_VECTORS: self.vectors, _LENGTHS: self.lengths, _SONGS: self.songs, _TIMES: self.times}
        for name, array in arrays.items():
            if array is not None:
                np.save(folder / name, array, allow_pickle=False)
        if self.coarse is not None:
            self.coarse.save(folder / CODES_FILE)

    def header(self) -> dict[str, Any]:
        """What `load` needs to be told besides the files."""
        return {"rows": len(self), "lengths": self.lengths is not None, "coarse": self.coarse and self.coarse.header()}

    @classmethod
    def load(cls, folder: Path, rows: int, lengths: bool, coarse: Mapping[str, Any] | None) -> "Stretches":
        """Reads what `save` wrote; `OSError` or `ValueError` if it is not that."""
        codes = None if coarse is None else Coarse.load(folder / CODES_FILE, **coarse)
        stretches = cls(
            np.load(folder / _VECTORS, mmap_mode="r", allow_pickle=False),
            np.load(folder / _LENGTHS, allow_pickle=False) if lengths else None,
            np.load(folder / _SONGS, allow_pickle=False),
            np.load(folder / _TIMES, allow_pickle=False),
            codes,
        )
        if len(stretches) != rows:
            raise ValueError(f"{folder.name}/{_SONGS} has {len(stretches)} stretches, not {rows}")
        return stretches

    def fit(self, songs: int, size: int, parts: int) -> bool:
        """Whether these are stretches of each of so many songs, as vectors of `size` numbers and `parts` lengths."""
        count = len(self.songs)
        if not fit_together(self.vectors, self.lengths, self.coarse, (count, size), parts):
            return False
        if self.songs.dtype != np.int32 or self.times.shape != (count, 2) or self.times.dtype != np.float32:
            return False
        return np.array_equal(np.unique(self.songs), np.arange(songs)) and bool((np.diff(self.songs) >= 0).all())
