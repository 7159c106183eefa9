"""Ways to ask: by a track, by several, by sound, or each sub-space from something else."""

from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.search.index import Index, Query
from dmml_tf.spaces import search_vectors
from tfrecords_tools.errors import UserError


def by_tracks(index: Index, track_ids: Sequence[str]) -> Query:
    """What the given tracks have in common: per sub-space the mean of their unit vectors, at unit length.

    Raises:
        UserError: on no id at all, or one that is not in the index.
    """
    if not track_ids:
        raise UserError("no track to search by; name at least one")
    rows = [index.position(track_id) for track_id in track_ids]
    mean = index.vectors[rows].mean(axis=0, keepdims=True)
    return Query(search_vectors(mean, index.conditions)[0], tuple(dict.fromkeys(track_ids)))


def by_embedding(embedding: np.ndarray, conditions: Conditions) -> Query:
    """From an embedding, float32 [D], of a sound that need not be in the index (see `audio_query`)."""
    return Query(search_vectors(np.asarray(embedding, np.float32)[None], conditions)[0])


def mix(index: Index, parts: Mapping[str, Query]) -> Query:
    """Mix and match: each named sub-space from its own query, the others left empty.

    Args:
        index: gives the sub-spaces.
        parts: condition -> the query whose slice to take, as in
            `{"tempo": by_tracks(index, ["a"]), "genre": by_tracks(index, ["b"])}`.

    Raises:
        UserError: on no part, or a condition that owns no sub-space.
    """
    if not parts:
        raise UserError("nothing to mix; name at least one condition")
    vector = np.zeros(index.vectors.shape[1], np.float32)
    for name, query in parts.items():
        if name not in index.slices:
            raise UserError(f"no condition '{name}' to mix; this index has: {', '.join(index.slices)}")
        vector[index.slices[name]] = query.vector[index.slices[name]]
    return Query(vector, tuple(dict.fromkeys(source for query in parts.values() for source in query.sources)))
