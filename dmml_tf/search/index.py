"""Search over unit sub-spaces: one set of vectors answers every weighting.

Each sub-space has unit length; `dmml_tf.search.scores` says what that is good for.

    index/vectors.npy  float32 [N, D], as `spaces.search_vectors` makes them
    index/lengths.npy  float32 [N, C], the shares l_c
    index/tracks.csv   one row a vector: id, title, artist, split, a column a label dimension
    index/index.json   conditions, counts, and which weights made the vectors
    index/codes.faiss  above 100,000 tracks: what finds the candidates that are then compared exactly; codes-A-B.faiss
                       are those of the numbers A to B alone
    index/stretches/   what is compared in place of the songs, where that was asked for: `dmml_tf.search.stretches`
"""

import csv
import dataclasses
import functools
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.heard.said import Heard
from dmml_tf.search.coarse import CODES_FILE, Coarse
from dmml_tf.search.nearest import nearest_rows
from dmml_tf.search.rules import NO_RULES, Limits, Rules
from dmml_tf.search.scores import Scorer
from dmml_tf.search.section import Section
from dmml_tf.search.shapes import fit_together
from dmml_tf.search.stretches import STRETCHES_FOLDER, Stretches
from dmml_tf.search.track_table import TRACKS_FILE, TrackTable, write_tracks
from dmml_tf.search.weights import weight_vector
from dmml_tf.spaces import WHOLE, length_shares, search_vectors, searches_whole
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_folder

INDEX_VERSION = 2
INDEX_FOLDER = "index"  # within a run's folder
VECTORS_FILE, LENGTHS_FILE, INDEX_FILE = "vectors.npy", "lengths.npy", "index.json"
# With limits of an artist or album, so many times the results still wanted are looked at before the next search.
_ROUND = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Query:
    """What to look for.

    Attributes:
        vector: float32 [D], unit sub-spaces side by side; a sub-space of zeros asks for nothing.
        sources: ids of the tracks it was made from; they are never among the results.
        whole: float32 [D], the whole embedding at unit length; None asks nothing of the whole.
        weights: of a search that is given none; None weighs each sub-space 1 and the whole 0.
    """

    vector: Array
    sources: tuple[str, ...] = ()
    whole: Array | None = None
    weights: Mapping[str, float] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """A query with all that a search needs to know of it.

    Attributes:
        query: what to look for.
        weights: float64 [C], in the order of `Index.names`.
        allowed: bool [N], the rows that may be found.
    """

    query: Query
    weights: Array
    allowed: Array


@dataclasses.dataclass(frozen=True)
class Hit:
    """One result.

    Attributes:
        track: its metadata: id, title, artist, split and labels, as text.
        score: sum of weight times cosine.
        cosines: condition -> cosine with the query in that sub-space, and `whole`, whatever their weight.
            Of a query that pushes away: see `query.push_away`.
        heard: what the model's sub-spaces say of it, by condition; empty where that was not asked for.
        section: the part of it that score and cosines are of; None: all of it.
    """

    track: Mapping[str, str]
    score: float
    cosines: Mapping[str, float]
    heard: Heard = dataclasses.field(default_factory=dict)
    section: Section | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Index:
    """N tracks that can be searched.

    Attributes:
        vectors: float32 [N, D] search vectors, by ascending id.
        conditions: what their slices stand for.
        tracks: N rows of metadata, in the same order.
        model: SHA-256 of the network's weights file; empty if not known.
        lengths: float32 [N, C], each sub-space's share of the whole's length; None where the whole cannot be
            searched, or is the one slice anyway.
        coarse: finds candidates among many; None compares every vector.
        stretches: of the songs, which a search compares in place of whole songs; None compares those.
    """

    vectors: Array
    conditions: Conditions
    tracks: Sequence[Mapping[str, str]]
    model: str = ""
    lengths: Array | None = None
    coarse: Coarse | None = None
    stretches: Stretches | None = None

    @classmethod
    def build(
        cls, embeddings: Array, conditions: Conditions, tracks: Sequence[Mapping[str, str]], model: str = ""
    ) -> "Index":
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
        twice = next((ids[a] for a, b in itertools.pairwise(order) if ids[a] == ids[b]), None)
        if twice is not None:
            raise UserError(f"track id '{twice}' occurs twice; ids must differ across the splits")
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            raise UserError(f"the embedding of track '{ids[int(np.argmin(finite))]}' is not finite; train again")
        rows = tuple(dict(tracks[i]) for i in order)
        embeddings = np.asarray(embeddings, np.float32)[order]
        lengths = length_shares(embeddings, conditions) if searches_whole(conditions) else None
        return cls(search_vectors(embeddings, conditions), conditions, rows, model, lengths)

    @property
    def slices(self) -> dict[str, slice]:
        """Condition -> its slice of a vector; the whole vector where no condition owns one."""
        return self.conditions.subspaces or {WHOLE: slice(None)}

    @property
    def names(self) -> list[str]:
        """What can be weighed: the conditions, then the whole."""
        return [*self.slices, WHOLE] if self.lengths is not None else list(self.slices)

    @functools.cached_property
    def owner(self) -> Array:
        """int [D]: which slice, counted from 0, a number of a vector belongs to."""
        owner = np.zeros(self.vectors.shape[1], np.intp)
        for number, part in enumerate(self.slices.values()):
            owner[part] = number
        return owner

    @functools.cached_property
    def scorer(self) -> Scorer:
        """Compares its vectors with queries."""
        return Scorer(self.vectors, self.lengths, self.slices, self.owner)

    def of_whole_songs(self) -> "Index":
        """The same index, whose searches compare whole songs."""
        return dataclasses.replace(self, stretches=None)

    @functools.cached_property
    def table(self) -> TrackTable:
        """The metadata by column."""
        return TrackTable.of(self.tracks)

    @functools.cached_property
    def positions(self) -> dict[str, int]:
        """Track id -> row."""
        return {track_id: row for row, track_id in enumerate(self.table.ids)}

    def row(self, track_id: str) -> int | None:
        """Row of a track, whose id may be spelled as `names.normal` takes it; None where the index has no such id."""
        return self.table.row(track_id)

    def position(self, track_id: str) -> int:
        """Row of a track, as `row`; `UserError` that names close ids where there is none."""
        return self.table.position(track_id)

    def search(
        self,
        query: Query,
        weights: Mapping[str, float] | None = None,
        k: int = 10,
        rules: Rules = NO_RULES,
    ) -> list[Hit]:
        """The `k` tracks of the highest score; equal scores by ascending id.

        Exactly, unless there is `coarse`: then the best `k` of its candidates, with their exact scores. Where there
        are `stretches`, a song counts by the best of its own, which is the result's `section`.

        Args:
            query: see `dmml_tf.search.query` for the ways to make one.
            weights: condition, or `whole` -> weight; those left out weigh 0; None takes the query's own.
            k: number of results; fewer come back from a smaller index.
            rules: what else results must be; the query's own tracks are never among them.

        Raises:
            UserError: on unusable weights, `k` below 1, a query of another size, an unknown id or column.
        """
        return self.search_each([query], weights, k, rules)[0]

    def search_each(
        self,
        queries: Sequence[Query],
        weights: Mapping[str, float] | None = None,
        k: int = 10,
        rules: Rules = NO_RULES,
    ) -> list[list[Hit]]:
        """`search` of each query; the vectors, or their codes, are read once for all of them.

        Where `rules` limit artists or albums, or there are `stretches`, each is searched for by itself.
        """
        if k < 1:
            raise UserError(f"k is {k}; ask for at least 1 result")
        asked = [self._asked(query, weights, rules) for query in queries]
        return [self._within_limits(one, k, rules) for one in asked] if rules.limited else self._best_hits(asked, k)

    def _asked(self, query: Query, weights: Mapping[str, float] | None, rules: Rules) -> Asked:
        by_name = weights if weights is not None else query.weights
        by_condition = weight_vector(dict.fromkeys(self.slices, 1.0) if by_name is None else by_name, self.names)
        both = [query.vector] if query.whole is None else [query.vector, query.whole]
        if any(half.shape != self.vectors.shape[1:] or not np.isfinite(half).all() for half in both):
            raise UserError(
                f"the query must be {self.vectors.shape[1]} finite numbers, as this index's vectors are; "
                f"it has shape {query.vector.shape}"
            )
        allowed = rules.allowed(self.table, [self.position(track_id) for track_id in query.sources])
        return Asked(query, by_condition, allowed)

    def _within_limits(self, asked: Asked, k: int, rules: Rules) -> list[Hit]:
        # The best first, until an artist or album is there often enough; then without all of its tracks.
        limits, hits, allowed = Limits(self.table, rules), list[Hit](), asked.allowed
        while len(hits) < k and allowed.any():
            for hit in self._best_hits([asked], _ROUND * (k - len(hits)))[0]:
                row = self.position(hit.track["id"])
                allowed[row] = False
                if len(hits) < k and limits.take(row):
                    hits.append(hit)
            allowed &= ~limits.spent()
        return hits

    def _best_hits(self, asked: Sequence[Asked], k: int) -> list[list[Hit]]:
        if self.stretches is not None:
            return [self._stretch_hits(self.stretches, one, k) for one in asked]
        return [self._hits(one, rows, k) for one, rows in zip(asked, self.candidates(asked, k))]

    def _hits(self, asked: Asked, rows: Array, k: int) -> list[Hit]:
        cosines = self.scorer.cosines(rows, asked.query.vector, asked.query.whole)
        # Scored again in float64, row by row alike, so that equal tracks have equal scores.
        scores = (cosines * asked.weights).sum(axis=1)
        best = np.argsort(-scores, kind="stable")[:k]
        return [Hit(self.tracks[rows[i]], float(scores[i]), dict(zip(self.names, cosines[i].tolist()))) for i in best]

    def _stretch_hits(self, stretches: Stretches, asked: Asked, k: int) -> list[Hit]:
        scorer, query = Scorer(stretches.vectors, stretches.lengths, self.slices, self.owner), asked.query
        best = stretches.best(scorer, query.vector, query.whole, asked.weights, asked.allowed, k)
        return [
            Hit(self.tracks[song], score, dict(zip(self.names, cosines.tolist())), section=stretches.section(row))
            for row, song, score, cosines in best
        ]

    def candidates(self, asked: Sequence[Asked], k: int) -> list[Array]:
        """Of each query ascending rows, int [k or somewhat more], that hold the best `k` of those allowed; see
        `nearest.nearest_rows`."""
        # Scaled, so that no weight is too large or too small for float32.
        halves = [
            self.scorer.halves(one.query.vector, one.query.whole, one.weights / np.abs(one.weights).max())
            for one in asked
        ]
        return nearest_rows(self.scorer, self.coarse, halves, [one.allowed for one in asked], k)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes its files into a temporary folder that then takes the place of `folder`."""
        with whole_folder(Path(folder)) as temporary:
            np.save(temporary / VECTORS_FILE, self.vectors, allow_pickle=False)
            if self.lengths is not None:
                np.save(temporary / LENGTHS_FILE, self.lengths, allow_pickle=False)
            if self.coarse is not None:
                self.coarse.save(temporary / CODES_FILE)
            if self.stretches is not None:
                self.stretches.save(temporary / STRETCHES_FOLDER)
            write_tracks(temporary / TRACKS_FILE, self.tracks)
            self.write_header(temporary / INDEX_FILE)

    def write_header(self, path: Path) -> None:
        """Writes what says that the other files belong together."""
        content = {
            "index_version": INDEX_VERSION,
            "tracks": len(self.tracks),
            "size": self.vectors.shape[1],
            "model": self.model,
            "conditions": self.conditions.to_json(),
            "lengths": self.lengths is not None,
            "coarse": self.coarse and self.coarse.header(),
            **({} if self.stretches is None else {STRETCHES_FOLDER: self.stretches.header()}),
        }
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike[str], mend: str = "") -> "Index":
        """Reads what `save` wrote; `mend` says how to make it again, by default with `dmml index`.

        Raises:
            UserError: if there is no index, a file of it is damaged, or they do not belong together.
        """
        folder, mend = Path(folder), mend or f"make it with: dmml index --run {Path(folder).parent}"
        try:
            content = json.loads((folder / INDEX_FILE).read_text("utf-8"))
            if content["index_version"] != INDEX_VERSION:
                raise UserError(
                    f"{folder}: index version {content['index_version']}, this code reads {INDEX_VERSION}; {mend}"
                )
            # Mapped: a search reads only what it compares.
            vectors = np.load(folder / VECTORS_FILE, mmap_mode="r", allow_pickle=False)
            lengths = np.load(folder / LENGTHS_FILE, allow_pickle=False) if content["lengths"] else None
            coarse = content["coarse"] and Coarse.load(folder / CODES_FILE, **content["coarse"])
            tracks = TrackTable.read(folder / TRACKS_FILE)
            stretches = content.get(STRETCHES_FOLDER)
            stretches = stretches and Stretches.load(folder / STRETCHES_FOLDER, **stretches)
            conditions = Conditions.from_json(content["conditions"])
            index = cls(vectors, conditions, tracks, content["model"], lengths, coarse, stretches)
            if not index._belongs_together((content["tracks"], content["size"])):
                raise ValueError(f"{VECTORS_FILE}, {TRACKS_FILE} and the other files do not belong together")
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: no search index here; {mend}") from None
        except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, csv.Error) as error:
            raise UserError(f"{folder}: the index cannot be read ({error}); {mend}") from error
        return index

    def _belongs_together(self, shape: tuple[int, int]) -> bool:
        parts = len(self.slices)
        if not fit_together(self.vectors, self.lengths, self.coarse, shape, parts):
            return False
        if len(self.tracks) != shape[0] or not self.table.unique:
            return False
        return self.stretches is None or self.stretches.fit(*shape, parts)
