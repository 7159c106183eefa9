"""One way to ask: a track of the index, an audio file or a vector, each sub-space from another if need be."""

import dataclasses
import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from dmml_tf.heard.heard_as import HeardAs
from dmml_tf.search import show
from dmml_tf.search.example import clearest
from dmml_tf.search.filters import Filter, parse_filter
from dmml_tf.search.heard import with_heard
from dmml_tf.search.index import Hit, Index, Query
from dmml_tf.search.query import by_embedding, by_stretch, by_tracks, mix, push_away
from dmml_tf.search.rules import Rules
from dmml_tf.search.section import Section, parse_section, require_long_enough
from dmml_tf.search.sections import Sections, heard_again
from tfrecords_tools.errors import UserError

# An id of the index, the path of an audio file, a vector of the model's size, or several ids.
Example = str | os.PathLike[str] | npt.ArrayLike | Sequence[str]
# What a column must hold: a text, or the least and the greatest number (None: no bound).
Wanted = str | tuple[float | None, float | None]


class Results(Sequence[Hit]):
    """The tracks that a search found, best first; printed, they are a table with a cosine for each condition.

    >>> results = dmml.load("runs/mine").index("data/mine").search("t001", k=2)
    >>> len(results.ids), sorted(results[0].cosines)
    (2, ['genre', 'tempo', 'whole'])
    """

    def __init__(self, hits: Sequence[Hit]):
        self.hits = tuple(hits)

    @property
    def ids(self) -> list[str]:
        """The tracks' ids, best first."""
        return [hit.track["id"] for hit in self.hits]

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...

    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[index]

    def __str__(self) -> str:
        return show.table(self.hits)

    def __repr__(self) -> str:
        return str(self)


@dataclasses.dataclass(frozen=True, eq=False)
class Searcher:
    """An index, and the model that hears what is not in it.

    >>> index = dmml.load("runs/mine").index("data/mine")
    >>> results = index.search("a.wav", weights={"tempo": 1}, k=3)
    >>> index.save().as_posix()                # so that `dmml search --run runs/mine` finds it
    'runs/mine/index'

    Attributes:
        index: the tracks' vectors and metadata.
        embed: an audio file -> its embedding, float32 [E]; None where only tracks of the index are asked for.
        folder: where `save` writes, if not told otherwise.
        heard_as: says what is heard in results without labels; None says nothing.
        sections: hears sections of songs; None cannot.
    """

    index: Index
    embed: Callable[[str | os.PathLike[str]], npt.NDArray[np.float32]] | None = None
    folder: Path | None = None
    heard_as: HeardAs | None = None
    sections: Sections | None = None

    def search(
        self,
        like: Example | None = None,
        *,
        mix: Mapping[str, Example] | None = None,
        unlike: Sequence[Example] = (),
        weights: Mapping[str, float] | None = None,
        where: Mapping[str, Wanted | float] | None = None,
        k: int = 5,
        exclude: Collection[str] = (),
        filters: Sequence[str] = (),
        not_its_artist: bool = False,
        not_its_album: bool = False,
        most_per_artist: int | None = None,
        most_per_album: int | None = None,
        vary: float = 0.0,
        seed: int = 0,
        window: str | tuple[float, float] | None = None,
        windows: bool = False,
        at: float | None = None,
    ) -> Results:
        """The `k` most similar tracks.

        >>> index = dmml.load("runs/mine").index("data/mine")
        >>> by_weight = index.search("t001", weights={"tempo": 1, "genre": 0.2})
        >>> mixed = index.search(mix={"genre": "t001", "tempo": "a.wav"}, unlike=["t003"], where={"tempo": (90, 120)})
        >>> all(90 <= float(hit.track["tempo"]) <= 120 for hit in mixed)
        True

        Args:
            like: an id, the path of an audio file, a vector [E], or a list of ids: what those have in common.
            mix: condition -> example to take its sub-space from; the others are those of `like`, if that is given.
            unlike: examples that results should be far from; each counts half of what is to be alike.
            weights: condition, or `whole` -> how much it counts, below 0: the more unlike the better; those left out
                count 0. By default each sub-space, or each part of `mix` alone, counts 1.
            where: column -> what results must have: a text (`{"genre": "jazz"}`) or a range (`{"tempo": (90, None)}`).
            k: number of results; fewer come back from a smaller index.
            exclude: ids to leave out, besides those asked by.
            filters: demands as `dmml search --filter` takes them: `["genre!=jazz", "path!=Live/*", "year=1990..1999"]`.
            not_its_artist, not_its_album, most_per_artist, most_per_album, vary, seed: see `search.rules.Rules`.
            window: the section of `like`, an id or the path of an audio file, that is asked by: `"0:30-0:45"` or
                seconds (30, 45), at least 3 s.
            windows: hears the first results again (`sections.heard_again`, a second or so each), and ranks them by
                that section of each which is most like the query, of the length of `window` or of the file asked by.
            at: a second of `like`, an id: asks by the stretch that it lies in, of an index made with `windows=True`.

        Raises:
            UserError: if nothing is asked for, an example is neither in the index nor a file that can be used, or a
                condition, weight or column is not this index's.
        """
        by_part = window is not None or at is not None or windows
        by_section = self._by_section(like, window, at) if by_part else None
        query = self._mixed(like if by_section is None else by_section[0], mix or {})
        for example in unlike:
            query = push_away(self.index, query, self.query(example))
        demands = [_filter(column, wanted) for column, wanted in (where or {}).items()]
        rules = Rules(
            filters=[*demands, *map(parse_filter, filters)],
            exclude=exclude,
            not_its_artist=not_its_artist,
            not_its_album=not_its_album,
            most_per_artist=most_per_artist,
            most_per_album=most_per_album,
            vary=vary,
            seed=seed,
        )
        if by_section is None or not windows:
            hits = self.index.search(query, weights, k, rules)
        else:
            hits = self.index.search(query, weights, heard_again(k), rules)
            hits = self._sections.find(self.index, query, weights, hits, by_section[1])[:k]
        return Results(with_heard(hits, self.index, self.heard_as))

    def search_each(
        self, examples: Sequence[Example], *, weights: Mapping[str, float] | None = None, k: int = 5
    ) -> list[Results]:
        """`search` by each of several examples at once: the vectors, or their codes, are read once for all of them.

        >>> index = dmml.load("runs/mine").index("data/mine")
        >>> [results.ids[0] for results in index.search_each(["t001", "t002"])] == [
        ...     index.search(track).ids[0] for track in ("t001", "t002")
        ... ]
        True

        Raises:
            UserError: as `search`.
        """
        each = self.index.search_each([self.query(example) for example in examples], weights, k)
        return [Results(with_heard(hits, self.index, self.heard_as)) for hits in each]

    def query(self, example: Example) -> Query:
        """One example as `Index.search` takes it.

        Raises:
            UserError: as `search`.
        """
        if isinstance(example, str | os.PathLike):
            return self._by_name(os.fspath(example))
        if isinstance(example, Sequence) and example and all(isinstance(part, str) for part in example):
            return by_tracks(self.index, [str(part) for part in example])
        vector = np.squeeze(np.asarray(example, np.float32))
        size = self.index.vectors.shape[1]
        if vector.shape != (size,):
            raise UserError(f"a vector to search by has {size} numbers here; this one has shape {vector.shape}")
        return by_embedding(vector, self.index.conditions)

    def clearest(self, names: Sequence[str] | None = None, k: int = 5) -> Mapping[str, str]:
        """The metadata of the held-out track whose searches by one condition after another agree with it best.

        An example for readers, chosen because it is clear: it says nothing of how good searches are on average.

        Args:
            names: the conditions; None takes those that compare labels.
            k: results of each search.
        """
        conditions = self.index.conditions
        labels = [
            condition.name for condition in conditions if condition.by_label and condition.name in self.index.slices
        ]
        return clearest(self.index, [conditions[conditions.index(name)] for name in names or labels], k)

    def save(self, folder: str | os.PathLike[str] | None = None) -> Path:
        """Writes the index; by default to where `dmml search --run RUN` and `model.index()` look for it.

        Raises:
            UserError: if no folder is given and the model is of no run.
        """
        target = Path(folder) if folder is not None else self.folder
        if target is None:
            raise UserError("this model is of no run; give save() a folder")
        self.index.save(target)
        return target

    @property
    def ids(self) -> list[str]:
        """The tracks' ids, ascending."""
        return list(self.index.table.ids)

    @property
    def conditions(self) -> list[str]:
        """What can be weighed, mixed or searched by alone."""
        return list(self.index.slices)

    @property
    def tracks(self) -> Sequence[Mapping[str, str]]:
        """Metadata as text, a row a track: id, title, artist, split, labels."""
        return self.index.tracks

    def track(self, track_id: str) -> Mapping[str, str]:
        """The metadata of one track; `UserError` that names close ids otherwise."""
        return self.index.tracks[self.index.position(track_id)]

    def __len__(self) -> int:
        return len(self.index.tracks)

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        return iter(self.index.tracks)

    def __repr__(self) -> str:
        stretches = "" if self.index.stretches is None else f" in {len(self.index.stretches)} stretches"
        return f"Searcher of {len(self)} tracks{stretches} by {', '.join(self.index.names)}"

    @property
    def _sections(self) -> Sections:
        if self.sections is None:
            raise UserError("no sections of songs here: this index has no model that could hear them")
        return self.sections

    def _by_section(
        self, like: Example | None, window: str | tuple[float, float] | None, at: float | None
    ) -> tuple[Query, float]:
        """The query by a section of a song, and its seconds."""
        if not isinstance(like, str | os.PathLike):
            raise UserError("a section is one of a song; give its id or its file (like=)")
        if at is not None:
            if window is not None:
                raise UserError("a section by its times (window=) or by one of its seconds (at=)? give one of them")
            query, stretch = by_stretch(self.index, os.fspath(like), at)
            return query, stretch.end - stretch.begin
        section = parse_section(window) if isinstance(window, str) else window and require_long_enough(Section(*window))
        name = os.fspath(like)
        row = self.index.row(name)
        if row is not None and section is None:
            raise UserError("windows of which length? give window=, such as window='0:30-0:45'")
        source = "" if row is None else self.index.tracks[row]["id"]
        vector, seconds = self._sections.embed(self._sections.sound(source) if source else name, section)
        return by_embedding(vector, self.index.conditions, [source] if source else []), seconds

    def _mixed(self, like: Example | Query | None, parts: Mapping[str, Example]) -> Query:
        queries = {name: self.query(example) for name, example in parts.items()}
        if like is None:
            if not queries:
                raise UserError("nothing to search by; give an id, an audio file or a vector, or mix={condition: id}")
            return mix(self.index, queries)
        query = like if isinstance(like, Query) else self.query(like)
        return mix(self.index, dict.fromkeys(self.index.slices, query) | queries) if queries else query

    def _by_name(self, name: str) -> Query:
        if self.index.row(name) is None and self.embed is not None and os.path.exists(name):
            return by_embedding(self.embed(name), self.index.conditions)
        try:
            return by_tracks(self.index, [name])
        except UserError as error:
            raise UserError(f"{name}: no such file, and {error}") from None


def _filter(column: str, wanted: Wanted | float) -> Filter:
    if isinstance(wanted, str):
        return Filter(column, wanted)
    low, high = wanted if isinstance(wanted, tuple | list) else (wanted, wanted)
    return Filter(column, "", -math.inf if low is None else float(low), math.inf if high is None else float(high))
