"""Exact search over unit sub-spaces: one set of vectors answers every weighting.

With each sub-space at unit length, `sum_c w_c cos_c(x, y) = <[w_c x_c], [y_c]>`: the query's slices
are scaled, the stored vectors are left alone.

    index/vectors.npy  float32 [N, D], as `spaces.search_vectors` makes them
    index/tracks.csv   one row a vector: id, title, artist, split, a column a label dimension
    index/index.json   conditions, counts, and which weights made the vectors
"""

import csv
import dataclasses
import difflib
import functools
import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.folders import whole_folder
from dmml_tf.search.weights import weight_vector
from dmml_tf.spaces import search_vectors
from tfrecords_tools.errors import UserError

INDEX_VERSION = 1
INDEX_FOLDER = "index"  # within a run's folder
VECTORS_FILE, TRACKS_FILE, INDEX_FILE = "vectors.npy", "tracks.csv", "index.json"
# Name of the one slice of a model whose conditions own no sub-space.
WHOLE = "whole"
# What float32 may be off in a score of weights of at most 1; candidates this close are scored again.
_SCORE_ERROR = 1e-5


@dataclasses.dataclass(frozen=True, eq=False)
class Query:
    """What to look for.

    Attributes:
        vector: float32 [D], unit sub-spaces side by side; a sub-space of zeros asks for nothing.
        sources: ids of the tracks it was made from; they are never among the results.
    """

    vector: np.ndarray
    sources: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Hit:
    """One result.

    Attributes:
        track: its metadata: id, title, artist, split and labels, as text.
        score: sum of weight times cosine.
        cosines: condition -> cosine with the query in that sub-space, whatever its weight.
    """

    track: Mapping[str, str]
    score: float
    cosines: Mapping[str, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Index:
    """N tracks that can be searched.

    Attributes:
        vectors: float32 [N, D] search vectors, by ascending id.
        conditions: what their slices stand for.
        tracks: N rows of metadata, in the same order.
        model: SHA-256 of the network's weights file; empty if not known.
    """

    vectors: np.ndarray
    conditions: Conditions
    tracks: Sequence[Mapping[str, str]]
    model: str = ""

    @classmethod
    def build(cls, embeddings: np.ndarray, conditions: Conditions, tracks: Sequence[Mapping[str, str]],
              model: str = "") -> "Index":
        """Index of whole-song embeddings.

        Args:
            embeddings: float32 [N, D], not normalised.
            conditions, model: as in the class.
            tracks: N rows with at least `id`, and the same keys in each.

        Raises:
            UserError: if there is no track, two have one id, or an embedding is not finite.
        """
        ids = [track["id"] for track in tracks]
        if not ids:
            raise UserError("no track to index")
        if len(embeddings) != len(ids):
            raise ValueError(f"{len(embeddings)} embeddings for {len(ids)} tracks")
        # By id, so that ties are broken by id and two builds give the same files.
        order = sorted(range(len(ids)), key=ids.__getitem__)
        twice = next((ids[a] for a, b in zip(order, order[1:]) if ids[a] == ids[b]), None)
        if twice is not None:
            raise UserError(f"track id '{twice}' occurs twice; ids must differ across the splits")
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            raise UserError(f"the embedding of track '{ids[int(np.argmin(finite))]}' is not finite; train again")
        rows = tuple(dict(tracks[i]) for i in order)
        return cls(search_vectors(np.asarray(embeddings, np.float32)[order], conditions), conditions, rows, model)

    @property
    def slices(self) -> dict[str, slice]:
        """Searchable condition -> its slice of a vector; the whole vector where no condition owns one."""
        return self.conditions.subspaces or {WHOLE: slice(None)}

    @functools.cached_property
    def positions(self) -> dict[str, int]:
        """Track id -> row."""
        return {track["id"]: row for row, track in enumerate(self.tracks)}

    def position(self, track_id: str) -> int:
        """Row of a track; `UserError` that names close ids otherwise."""
        if track_id not in self.positions:
            close = ", ".join(difflib.get_close_matches(track_id, self.positions, cutoff=0.5)) or self.tracks[0]["id"]
            raise UserError(f"no track '{track_id}' in the index; ids like it: {close}; all of its "
                            f"{len(self.tracks)} ids are in the first column of the index's {TRACKS_FILE}")
        return self.positions[track_id]

    def search(self, query: Query, weights: Mapping[str, float] | None = None, k: int = 10,
               exclude: Collection[str] = ()) -> list[Hit]:
        """The `k` tracks of the highest score, exactly; equal scores by ascending id.

        Args:
            query: see `dmml_tf.search.query` for the ways to make one.
            weights: condition -> weight; those left out weigh 0; None weighs each 1.
            k: number of results; fewer come back from a smaller index.
            exclude: ids to leave out, besides the query's own.

        Raises:
            UserError: on unusable weights, `k` below 1, a query of another size, or an unknown id.
        """
        by_condition = weight_vector(weights, list(self.slices))
        if k < 1:
            raise UserError(f"k is {k}; ask for at least 1 result")
        if query.vector.shape != self.vectors.shape[1:] or not np.isfinite(query.vector).all():
            raise UserError(f"the query must be {self.vectors.shape[1]} finite numbers, as this index's vectors are; "
                            f"it has shape {query.vector.shape}")
        left_out = [self.position(track_id) for track_id in {*query.sources, *exclude}]
        rows = self._candidates(query.vector, by_condition, min(k, len(self.tracks) - len(left_out)), left_out)
        cosines = self._cosines(rows, query.vector)
        # Scored again in float64, row by row alike, so that equal tracks have equal scores.
        scores = (cosines * by_condition).sum(axis=1)
        best = np.argsort(-scores, kind="stable")[:k]
        return [Hit(self.tracks[rows[i]], float(scores[i]), dict(zip(self.slices, cosines[i].tolist()))) for i in best]

    def _candidates(self, query: np.ndarray, weights: np.ndarray, k: int, left_out: Sequence[int]) -> np.ndarray:
        """Ascending rows, at least `k`, that hold the exact best `k`."""
        if k < 1:
            return np.zeros(0, np.intp)
        scaled = np.zeros_like(query)
        for weight, part in zip(weights / np.abs(weights).max(), self.slices.values()):
            scaled[part] = weight * query[part]
        scores = self.vectors @ scaled
        scores[left_out] = -np.inf
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        return np.flatnonzero(scores >= threshold - _SCORE_ERROR)

    def _cosines(self, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
        """float64 [rows, C]."""
        products = self.vectors[rows].astype(np.float64) * query
        return np.stack([products[:, part].sum(axis=1) for part in self.slices.values()], axis=1)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the three files into a temporary folder that then takes the place of `folder`."""
        with whole_folder(Path(folder)) as temporary:
            np.save(temporary / VECTORS_FILE, self.vectors, allow_pickle=False)
            with (temporary / TRACKS_FILE).open("w", newline="", encoding="utf-8") as file:
                # The csv module's own line ends: with "\n" it would leave a "\r" in a title unquoted.
                writer = csv.DictWriter(file, list(self.tracks[0]))
                writer.writeheader()
                writer.writerows(self.tracks)
            content = {"index_version": INDEX_VERSION, "tracks": len(self.tracks), "size": self.vectors.shape[1],
                       "model": self.model, "conditions": self.conditions.to_json()}
            (temporary / INDEX_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Index":
        """Reads what `save` wrote.

        Raises:
            UserError: if there is no index, a file of it is damaged, or they do not belong together.
        """
        folder = Path(folder)
        mend = f"make it with: dmml index --run {folder.parent}"
        try:
            content = json.loads((folder / INDEX_FILE).read_text("utf-8"))
            if content["index_version"] != INDEX_VERSION:
                raise UserError(f"{folder}: index version {content['index_version']}, this code reads {INDEX_VERSION}; "
                                f"{mend}")
            vectors = np.load(folder / VECTORS_FILE, allow_pickle=False)
            with (folder / TRACKS_FILE).open(newline="", encoding="utf-8") as file:
                tracks = tuple(csv.DictReader(file, strict=True))
            index = cls(vectors, Conditions.from_json(content["conditions"]), tracks, content["model"])
            shape = (content["tracks"], content["size"])
            if vectors.shape != shape or vectors.dtype != np.float32 or len(index.positions) != len(vectors):
                raise ValueError(f"{VECTORS_FILE}, {TRACKS_FILE} and {INDEX_FILE} do not belong together")
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: no search index here; {mend}") from None
        except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, csv.Error) as error:
            raise UserError(f"{folder}: the index cannot be read ({error}); {mend}") from error
        return index
