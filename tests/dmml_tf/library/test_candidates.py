"""Pairs of near songs against loops over all pairs."""

import numpy as np
import pytest

from dmml_tf.library import candidates
from dmml_tf.library.candidates import candidate_pairs
from dmml_tf.search.index import Index
from dmml_tf.spaces import unit
from tests.dmml_tf.search.made import CONDITIONS


def index_of(vectors):
    tracks = [{"id": f"{number:04d}"} for number in range(len(vectors))]
    return Index.build(np.asarray(vectors, np.float32), CONDITIONS, tracks)


def families(songs, members, noise, seed=0):
    """Songs, each in several near forms; every third form is far in one sub-space alone."""
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.normal(size=(songs, CONDITIONS.size)), members, axis=0)
    vectors += noise * rng.normal(size=vectors.shape)
    part = CONDITIONS.subspaces["mood"]
    vectors[::3, part] = rng.normal(size=vectors[::3, part].shape)
    return vectors


def by_loops(vectors, cosine):
    pairs = {}
    for a in range(len(vectors)):
        for b in range(a + 1, len(vectors)):
            cosines = [float(unit(vectors[a, s]) @ unit(vectors[b, s])) for s in CONDITIONS.subspaces.values()]
            if min(cosines) >= cosine:
                pairs[a, b] = sum(cosines)
    return pairs


@pytest.mark.parametrize("block", [1 << 24, 300])
def test_all_near_pairs_are_found_the_nearest_first(monkeypatch, block):
    monkeypatch.setattr(candidates, "_BLOCK_NUMBERS", block)  # 300: two rows at a time
    vectors = families(30, 4, 0.1)
    expected = by_loops(vectors, 0.9)
    found = candidate_pairs(index_of(vectors), 0.9, 20).tolist()
    assert 20 < len(found) == len(expected) and {tuple(pair) for pair in found} == set(expected)
    sums = [expected[tuple(pair)] for pair in found]
    assert sums == pytest.approx(sorted(sums, reverse=True), abs=1e-5)


def test_a_song_has_so_many_neighbours_at_most_and_keeps_its_nearest():
    vectors = families(2, 40, 0.05)
    expected = by_loops(vectors, 0.9)
    found = {tuple(pair) for pair in candidate_pairs(index_of(vectors), 0.9, 3).tolist()}
    assert found < set(expected) and len(found) <= 3 * len(vectors)
    for row in {row for pair in expected for row in pair}:
        nearest = max((pair for pair in expected if row in pair), key=expected.__getitem__)
        # Three nearer ones in the mean may be far in one sub-space.
        assert nearest in found or sum(row in pair for pair in found) <= 3


def test_many_equal_songs_are_no_square_of_pairs():
    assert len(candidate_pairs(index_of(np.ones((500, CONDITIONS.size))), 0.9, 5)) <= 5 * 500


def test_no_pair_in_one_song_or_where_a_subspace_is_empty():
    assert candidate_pairs(index_of(np.ones((1, CONDITIONS.size))), 0.9, 5).shape == (0, 2)
    empty = np.ones((2, CONDITIONS.size))
    empty[:, CONDITIONS.subspaces["tempo"]] = 0
    assert candidate_pairs(index_of(empty), 0.9, 5).shape == (0, 2)


def test_cells_find_the_pairs_that_all_comparisons_find():
    pytest.importorskip("faiss")
    index = index_of(families(400, 3, 0.05))
    exact = {tuple(pair) for pair in candidate_pairs(index, 0.9, 10).tolist()}
    found = {tuple(pair) for pair in candidate_pairs(index, 0.9, 10, exact_up_to=0).tolist()}
    assert found <= exact and len(found) >= 0.99 * len(exact) > 100
