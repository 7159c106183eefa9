"""Asks by a tag: the run knows it, or, where its tags' vectors are of words, it may be any word."""

import dataclasses
import difflib
import os
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.conditions import Condition, Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.run import Run
from dmml_tf.search.index import Hit, Query
from dmml_tf.search.of_run import load_index
from dmml_tf.spaces import WHOLE, unit
from dmml_tf.zero_shot.tower import TagTower
from dmml_tf.zero_shot.words import phrase_vector, read_word_vectors, words_of
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal

_NEAR = 5  # known tags that an error names


def search_by_tag(
    run: Run, tower: TagTower, tag: str, condition: str = "", words: str | os.PathLike[str] = "", k: int = 10
) -> list[Hit]:
    """Tracks of the run's index by a tag, nearest first.

    Args:
        run: whose folder holds the index.
        tower: the run's.
        tag, condition, words: as of `vectors_of_tag`.
        k: results.

    Returns:
        The results, with their cosines in the sub-spaces that were asked: in the others all would read 0.

    Raises:
        UserError: as `vectors_of_tag`, or if there is no index or other weights made it.
    """
    index = load_index(run)
    query = by_tag(tower, run.conditions, vectors_of_tag(tower, run.conditions, tag, condition, words))
    hits = index.search(query, k=k)
    return [dataclasses.replace(hit, cosines={name: hit.cosines[name] for name in query.weights or ()}) for hit in hits]


def vectors_of_tag(
    tower: TagTower, conditions: Conditions, tag: str, condition: str = "", words: str | os.PathLike[str] = ""
) -> dict[str, Array]:
    """Condition -> the tag's vector, float32 [D], to compare in its sub-space.

    Args:
        tower, conditions: the run's.
        tag: of a vocabulary, as written there but for case; else any word or words.
        condition: the one to compare in; empty takes those whose column has the tag, or all for a word of none.
        words: file of the word vectors, if it is not where it was at training.

    Raises:
        UserError: on an unknown tag or condition, or word vectors that are not those of the training.
    """
    asked = [conditions[conditions.index(condition)]] if condition else list(conditions)
    places = {c.name: (c.column, _place(tower.tags[c.column], tag)) for c in asked}
    known = {
        name: tower.vectors.columns[column][place]
        for name, (column, place) in places.items()
        if place is not None and tower.vectors.known(column)[place]
    }
    if known:
        return known
    if tower.vectors.source["kind"] != "words":
        what = (
            "is known but goes with no other label"
            if any(place is not None for _, place in places.values())
            else (f"is not known; near it: {_near(tower, asked, tag)}")
        )
        raise UserError(
            f"tag '{tag}' {what}; this run's vectors are of its tags' co-occurrence: train with "
            "config.zero_shot.words to ask for any word"
        )
    vector = _word_vector(tower, asked, tag, words)
    return {c.name: vector for c in asked}


def by_tag(tower: TagTower, conditions: Conditions, vectors: Mapping[str, Array]) -> Query:
    """The query of a tag's vectors by condition; by itself it weighs each of these conditions 1."""
    slices, vector = conditions.subspaces or {WHOLE: slice(None)}, np.zeros(len(tower.bias), np.float32)
    names = {name: name if name in slices else WHOLE for name in vectors}
    for name, tag_vector in vectors.items():
        vector[slices[names[name]]] = tower.in_space(tag_vector, conditions, name)
    return Query(vector, weights=dict.fromkeys(names.values(), 1.0))


def _place(tags: Sequence[str], tag: str) -> int | None:
    folded, wanted = [known.casefold() for known in tags], normal(tag).casefold()
    return folded.index(wanted) if wanted in folded else None


def _word_vector(tower: TagTower, asked: Sequence[Condition], tag: str, words: str | os.PathLike[str]) -> Array:
    source = tower.vectors.source
    path = words or source["file"]
    read = read_word_vectors(path, words_of(tag))
    if read.sha256 != source["sha256"]:
        raise UserError(f"{path}: not the word vectors that the run was trained with; give those with --words")
    vector = phrase_vector(tag, read.vectors)
    if vector is None or not vector.any():
        raise UserError(
            f"tag '{tag}' is not known and no word of it is in {path}; known tags near it: {_near(tower, asked, tag)}"
        )
    return unit(vector)


def _near(tower: TagTower, asked: Sequence[Condition], tag: str) -> str:
    known = sorted({name for condition in asked for name in tower.tags[condition.column]})
    return ", ".join(difflib.get_close_matches(tag, known, n=_NEAR, cutoff=0.0))
