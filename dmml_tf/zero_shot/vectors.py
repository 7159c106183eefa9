"""A vector for every tag, from words or from the tags' co-occurrence, and which tags are held out of training.

Source: Choi, Lee, Park, Nam, ISMIR 2019 (zero-shot tags: word vectors of tags, or attribute vectors). The co-occurrence
is positive pointwise mutual information and a truncated SVD (Levy and Goldberg, NeurIPS 2014), over tracks in place
of word windows: an attribute vector that needs nothing but the dataset.

**Which labels are read.** The rows of the train split in `tracks.csv`, all of them: also those of tracks that carry a
held-out tag, since what such a tag goes with is all that is known of it. No label of a valid or test track is
read, and no sound.
"""

import dataclasses
import difflib
import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse
from absl import logging
from sklearn.decomposition import TruncatedSVD

from dmml_tf.data.track_table import track_table
from dmml_tf.spaces import unit
from dmml_tf.zero_shot.words import phrase_vector, read_word_vectors, words_of
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.tracks import Tracks, load_tracks

Vocabularies = Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True, eq=False)
class TagVectors:
    """One vector a tag.

    Attributes:
        columns: tag column -> float32 [tags, D] of length 1, by vocabulary id; NaN for a tag that has none.
        source: what they were made from, as plain data.
    """

    columns: Mapping[str, np.ndarray]
    source: Mapping

    @property
    def size(self) -> int:
        """D."""
        return next(iter(self.columns.values())).shape[1]

    def known(self, column: str) -> np.ndarray:
        """bool [tags]: which have a vector."""
        return np.isfinite(self.columns[column][:, 0])


def build_tag_vectors(dataset: Dataset, columns: Sequence[str], words: str, size: int, bins: int) -> TagVectors:
    """The vectors of the tags of `columns`; tags that get none are named in a warning.

    Args:
        dataset: gives the vocabularies and, for the co-occurrence, the train split's labels.
        columns: tag columns.
        words: text file of word vectors; empty takes the co-occurrence.
        size, bins: of the co-occurrence, see `cooccurrence_vectors`; word vectors have their own size.

    Raises:
        UserError: as the two ways, or if a column has fewer than two tags with a vector.
    """
    vocabularies = dataset.schema.vocabularies
    if words:
        tag_vectors = vectors_from_words(words, {column: vocabularies[column] for column in columns})
    else:
        tracks = load_tracks(track_table(dataset, ["train"]), dataset.schema)
        vectors = cooccurrence_vectors(tracks, vocabularies, size, bins)
        tag_vectors = TagVectors(
            {column: vectors[column] for column in columns}, {"kind": "cooccurrence", "split": "train", "bins": bins}
        )
    for column in columns:
        lacking = [tag for tag, known in zip(vocabularies[column], tag_vectors.known(column)) if not known]
        if len(vocabularies[column]) - len(lacking) < 2:
            raise UserError(
                f"column '{column}': fewer than two of its {len(vocabularies[column])} tags have a vector "
                f"({f'no other has a word in {words}' if words else 'no other goes with any label'}); "
                "take other word vectors or leave the condition out of config.order"
            )
        if lacking:
            logging.warning(
                "column '%s': %d tags have no vector and are not trained: %s", column, len(lacking), ", ".join(lacking)
            )
    return tag_vectors


def vectors_from_words(path: str | os.PathLike, vocabularies: Vocabularies) -> TagVectors:
    """A tag's vector is the mean of its words' vectors, at length 1.

    Raises:
        UserError: as `read_word_vectors`.
    """
    asked = {word for tags in vocabularies.values() for tag in tags for word in words_of(tag)}
    words = read_word_vectors(path, asked)
    nothing = np.full(words.size, np.nan, np.float32)

    def vector(tag: str) -> np.ndarray:
        mean = phrase_vector(tag, words.vectors)
        return nothing if mean is None or not mean.any() else unit(mean)

    if words.missing:
        logging.warning(
            "%s: %d of %d words of tags are not there: %s",
            path,
            len(words.missing),
            len(asked),
            ", ".join(words.missing),
        )
    if words.skipped:
        logging.warning("%s: %d lines skipped, which have not %d values", path, words.skipped, words.size)
    columns = {
        name: np.array([vector(tag) for tag in tags], np.float32).reshape(-1, words.size)
        for name, tags in vocabularies.items()
    }
    return TagVectors(
        columns,
        {
            "kind": "words",
            "file": os.fspath(path),
            "sha256": words.sha256,
            "missing": list(words.missing),
            "skipped_lines": words.skipped,
        },
    )


def cooccurrence_vectors(
    tracks: Tracks, vocabularies: Vocabularies, size: int = 32, bins: int = 6
) -> dict[str, np.ndarray]:
    """Vectors of tags that go with the same other labels lie near each other.

    The labels are all tags of all columns, and the values of each value column in `bins` equally filled bins. For
    labels i and j of different name, counted over the tracks that both their columns label:
    `max(0, log(P(i, j) / (P(i) P(j))))`. A label goes with itself always, which says nothing, so the diagonal is 0.
    The rows of U sqrt(S) of the truncated SVD are the vectors, at length 1.

    Args:
        tracks: whose labels are counted.
        vocabularies: tag column -> tags.
        size: numbers of a vector; fewer where there are no more labels than that.
        bins: of a value column.

    Returns:
        Tag column -> float32 [tags, D]; NaN for a tag that goes with no other label more often than by chance.

    Raises:
        UserError: if that is so for every tag.
    """
    has, owner, labelled = _indicators(tracks, vocabularies, bins)
    both = labelled.T @ labelled  # [C, C] tracks that two columns label
    known = has.T @ labelled  # [Z, C] tracks that carry a label and that a column labels
    counts = scipy.sparse.coo_matrix(has.T @ has)
    i, j, count = (part[counts.row != counts.col] for part in (counts.row, counts.col, counts.data))
    information = np.log(count * both[owner[i], owner[j]] / (known[i, owner[j]] * known[j, owner[i]]))
    positive = information > 1e-9  # what independence leaves of rounding
    if not positive.any():
        raise UserError(
            "no tag goes with another label more often than by chance: co-occurrence gives no vectors; "
            "give a text file of word vectors in config.zero_shot.words"
        )
    matrix = scipy.sparse.csr_matrix((information[positive], (i[positive], j[positive])), shape=(len(owner),) * 2)
    svd = TruncatedSVD(min(size, len(owner) - 1), random_state=0)
    vectors = svd.fit_transform(matrix) / np.sqrt(np.maximum(svd.singular_values_, 1e-12))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.where(lengths > 1e-6, vectors / np.maximum(lengths, 1e-6), np.nan).astype(np.float32)
    return {name: vectors[owner == number] for number, name in enumerate(vocabularies)}


def held_out_tags(
    wanted: Mapping[str, float | Sequence[str]], vocabularies: Vocabularies, vectors: TagVectors, seed: int
) -> dict[str, tuple[str, ...]]:
    """Which tags training must not see.

    Args:
        wanted: tag column -> tags by name, or a share, 0..1, of those that have a vector: at least one of a share
            above 0, but so that two are left to train on, in a column of two none. Columns left out hold nothing out.
        vocabularies: tag column -> tags.
        vectors: of the columns that are trained; `wanted` may name more.
        seed: of the shares. A column's choice does not depend on the other columns.

    Returns:
        Column of `vectors` -> its held-out tags, in the vocabulary's order.

    Raises:
        UserError: on a tag that is not in the vocabulary or has no vector, a share outside 0..1, or names that leave
            fewer than two tags to train on.
    """
    chosen = {}
    for column in vectors.columns:
        tags, asked = vocabularies[column], wanted.get(column, 0.0)
        able = [tag for tag, known in zip(tags, vectors.known(column)) if known]
        where = f"config.zero_shot.held_out.{column}"
        named = _share_of(able, asked, column, seed, where) if isinstance(asked, (int, float)) else set(asked)
        for tag in sorted(named - set(able)):
            near = ", ".join(difflib.get_close_matches(tag, able, cutoff=0.0))
            raise UserError(f"{where}: '{tag}' is no tag of that column with a vector; near it: {near}")
        if len(able) - len(named) < 2:
            raise UserError(f"{where}: holds out {len(named)} of {len(able)} tags; leave two or more to train on")
        chosen[column] = tuple(tag for tag in tags if tag in named)
    return chosen


def _share_of(tags: Sequence[str], share: float, column: str, seed: int, where: str) -> set[str]:
    if not 0.0 <= share <= 1.0:
        raise UserError(f"{where} is {share}; give a share of 0 to 1, or the tags themselves")
    count = min(max(1, round(share * len(tags))), len(tags) - 2) if share else 0
    number = int.from_bytes(hashlib.sha256(column.encode()).digest()[:4], "little")
    return {tags[place] for place in np.random.default_rng([seed, number]).permutation(len(tags))[:count]}


def _indicators(
    tracks: Tracks, vocabularies: Vocabularies, bins: int
) -> tuple[scipy.sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Which track has which label, float64 [N, Z] of 0 and 1; each label's column, int [Z]; what is labelled, [N, C].

    The first columns are those of `vocabularies`, in order.
    """
    count, parts, labelled = len(tracks.splits), [], []
    for name, tags in vocabularies.items():
        column = tracks.tags[name]
        part = scipy.sparse.csr_matrix((np.ones(len(column.ids)), column.ids, column.starts), (count, len(tags)))
        part.sum_duplicates()
        part.data[:] = 1.0
        parts.append(part)
        labelled.append(column.counts > 0)
    for values in tracks.values.values():
        known = ~np.isnan(values)
        edges = np.quantile(values[known], np.linspace(0, 1, bins + 1)[1:-1]) if known.any() else []
        place = np.searchsorted(edges, values[known], side="right")
        parts.append(scipy.sparse.csr_matrix((np.ones(len(place)), (np.flatnonzero(known), place)), (count, bins)))
        labelled.append(known)
    owner = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    return scipy.sparse.hstack(parts, "csr"), owner, np.stack(labelled, axis=1).astype(np.float64)
