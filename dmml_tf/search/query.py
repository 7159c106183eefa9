"""Ways to ask: by a track, by several, by sound, or each sub-space from something else."""

from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.search.index import Index, Query
from dmml_tf.search.section import Section
from dmml_tf.search.track_table import ID
from dmml_tf.spaces import WHOLE, search_vectors, unit
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import as_known

# How strongly an example that is not wanted counts against one that is.
PUSH = 0.5


def by_tracks(index: Index, track_ids: Sequence[str]) -> Query:
    """What the given tracks have in common, as `together`; of one track the track itself.

    Raises:
        UserError: on no id at all, or one that is not in the index.
    """
    if not track_ids:
        raise UserError("no track to search by; name at least one")
    return together(index, [of_row(index, index.position(track_id)) for track_id in track_ids])


def together(index: Index, queries: Sequence[Query]) -> Query:
    """What songs have in common: per sub-space, and of the whole, the mean of their unit vectors, at unit length.

    Raises:
        UserError: on no song at all.
    """
    if not queries:
        raise UserError("no song to ask by; name at least one")
    mean = search_vectors(np.mean([query.vector for query in queries], axis=0)[None], index.conditions)[0]
    wholes = [query.whole for query in queries if query.whole is not None]
    sources = dict.fromkeys(source for query in queries for source in query.sources)
    return Query(mean, tuple(sources), unit(np.mean(wholes, axis=0)) if wholes else None)


def of_row(index: Index, row: int) -> Query:
    """A song of the index by its row, exactly as it is stored."""
    whole = None if index.lengths is None else index.vectors[row] * index.lengths[row, index.owner]
    return Query(np.asarray(index.vectors[row]), (index.table.cell(row, ID),), whole)


def by_stretch(index: Index, track_id: str, seconds: float) -> tuple[Query, Section]:
    """The stretch of a song that a time lies in, exactly as it is stored, and from when to when it is.

    Raises:
        UserError: if the index holds no stretches, there is no such id, or the time is not within the song.
    """
    stretches, song = index.stretches, index.position(track_id)
    if stretches is None:
        raise UserError(
            "this index holds whole songs alone; make it with dmml index --windows, or ask by a section (--window)"
        )
    try:
        row = stretches.at(song, seconds)
    except UserError as error:
        raise UserError(f"{track_id}: {error}") from None
    vector = np.asarray(stretches.vectors[row])
    whole = None if stretches.lengths is None else vector * stretches.lengths[row, index.owner]
    return Query(vector, (index.table.cell(song, ID),), whole), stretches.section(row)


def by_embedding(embedding: Array, conditions: Conditions, sources: Sequence[str] = ()) -> Query:
    """Asks by an embedding, float32 [D], of a sound that need not be in the index (see `embed.audio.embed_audio`).

    Args:
        embedding: not normalised.
        conditions: the index's.
        sources: ids of the tracks that it is of, which shall not be found.
    """
    embedding = np.asarray(embedding, np.float32)
    return Query(search_vectors(embedding[None], conditions)[0], tuple(sources), unit(embedding))


def mix(index: Index, parts: Mapping[str, Query]) -> Query:
    """Mix and match: each named sub-space from its own query, the others left empty.

    Args:
        index: gives the sub-spaces.
        parts: condition, or `whole` -> the query whose slice to take, as in
            `{"tempo": by_tracks(index, ["a"]), "genre": by_tracks(index, ["b"])}`.

    Returns:
        A query that by itself weighs each named part 1.

    Raises:
        UserError: on no part, or a condition that owns no sub-space.
    """
    if not parts:
        raise UserError("nothing to mix; name at least one condition")
    vector, whole = np.zeros(index.vectors.shape[1], np.float32), None
    parts = {as_known(name, index.names): query for name, query in parts.items()}
    for name, query in parts.items():
        if name not in index.names:
            raise UserError(f"no condition '{name}' to mix; this index has: {', '.join(index.names)}")
        if name in index.slices:
            vector[index.slices[name]] = query.vector[index.slices[name]]
        else:
            whole = query.whole
    sources = dict.fromkeys(source for query in parts.values() for source in query.sources)
    return Query(vector, tuple(sources), whole, dict.fromkeys(parts, 1.0))


def push_away(index: Index, query: Query, other: Query) -> Query:
    """Like `query`, unlike `other`: a part p of the query becomes `q_p - PUSH * o_p`, for each sub-space and the whole.

    It is left at the length that it then has, so that the score is readable: sum over the parts of
    `w_p (cos(q_p, y_p) - PUSH cos(o_p, y_p))`. A part that the query asks nothing of is left empty. Source:
    Rocchio's relevance feedback (1971), on unit vectors.
    """
    vector, whole = query.vector.copy(), query.whole
    for part in index.slices.values():
        if vector[part].any():
            vector[part] -= np.float32(PUSH) * other.vector[part]
    if whole is not None and other.whole is not None:
        whole = whole - np.float32(PUSH) * other.whole
    return Query(vector, tuple(dict.fromkeys((*query.sources, *other.sources))), whole, query.weights)


def cosines_between(index: Index, one: Query, other: Query) -> dict[str, float]:
    """Condition, and `whole` where both ask of it -> cosine of two queries of one song or sound each."""
    cosines = {name: float(one.vector[part] @ other.vector[part]) for name, part in index.slices.items()}
    if one.whole is not None and other.whole is not None:
        cosines[WHOLE] = float(one.whole @ other.whole)
    return cosines
