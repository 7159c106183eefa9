"""Queries by several tracks and by parts of several, against means and cosines written out."""

import numpy as np
import pytest

from dmml_tf.commands.search import parse_parts, spelled_out
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.search.index import Index
from dmml_tf.search.query import PUSH, by_embedding, by_tracks, mix, push_away
from tests.dmml_tf.search.made import CONDITIONS, made_index, raw_vectors, rows
from tests.dmml_tf.search.test_index import cosine
from tfrecords_tools.errors import UserError

EMBEDDINGS, IDS = raw_vectors(40), [row["id"] for row in rows(40)]


def embedding_of(track_id: str) -> np.ndarray:
    return EMBEDDINGS[IDS.index(track_id)]


def unit(vector) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_one_track_is_its_own_vector():
    index = made_index()
    query = by_tracks(index, ["t007"])
    np.testing.assert_allclose(query.vector, index.vectors[index.position("t007")], atol=1e-6)
    assert query.sources == ("t007",)


def test_several_tracks_are_the_mean_of_each_subspace():
    index, chosen = made_index(), ["t001", "t005", "t030"]
    query = by_tracks(index, chosen)
    for part in CONDITIONS.subspaces.values():
        expected = unit(np.mean([unit(embedding_of(track)[part]) for track in chosen], axis=0))
        np.testing.assert_allclose(query.vector[part], expected, atol=1e-5)
    hits = index.search(query, {"tempo": 1.0}, k=100)
    part = CONDITIONS.subspaces["tempo"]
    for hit in hits:
        assert abs(hit.score - cosine(query.vector[part], embedding_of(hit.track["id"])[part])) < 1e-5
    assert len(hits) == 37 and not set(chosen) & {hit.track["id"] for hit in hits}


def test_a_track_given_twice_counts_twice_and_is_one_source():
    index = made_index()
    assert by_tracks(index, ["t001", "t001"]).sources == ("t001",)
    part = CONDITIONS.subspaces["genre"]
    expected = unit(2 * unit(embedding_of("t001")[part]) + unit(embedding_of("t002")[part]))
    np.testing.assert_allclose(by_tracks(index, ["t001", "t001", "t002"]).vector[part], expected, atol=1e-5)


def test_a_track_and_its_opposite_ask_for_nothing():
    vector = EMBEDDINGS[0]
    index = made_index()
    opposite = type(index).build(np.stack([vector, -vector, EMBEDDINGS[1]]), CONDITIONS, [{"id": i} for i in "abc"])
    (hit,) = opposite.search(by_tracks(opposite, ["a", "b"]))
    assert hit.track == {"id": "c"} and abs(hit.score) < 1e-5


def test_mix_and_match_takes_each_subspace_from_its_own_query():
    index = made_index()
    sound = by_embedding(EMBEDDINGS[9], CONDITIONS)
    several = by_tracks(index, ["t004", "t008"])
    query = mix(index, {"tempo": by_tracks(index, ["t003"]), "genre": several, "mood": sound})
    assert query.sources == ("t003", "t004", "t008")
    weights = {"genre": 0.3, "tempo": 2.0, "mood": 1.0}
    genre, mood, tempo = (CONDITIONS.subspaces[name] for name in ("genre", "mood", "tempo"))
    mean = unit(embedding_of("t004")[genre]) + unit(embedding_of("t008")[genre])
    for hit in index.search(query, weights, k=100):
        found = embedding_of(hit.track["id"])
        expected = (
            0.3 * cosine(mean, found[genre])
            + 1.0 * cosine(EMBEDDINGS[9][mood], found[mood])
            + 2.0 * cosine(embedding_of("t003")[tempo], found[tempo])
        )
        assert abs(hit.score - expected) < 1e-5


def test_what_is_not_mixed_in_does_not_count():
    index = made_index()
    part = by_tracks(index, ["t003"])
    alone = index.search(mix(index, {"tempo": part}))
    weighed = index.search(part, {"tempo": 1.0})
    assert [hit.track for hit in alone] == [hit.track for hit in weighed]
    assert {hit.cosines["genre"] for hit in alone} == {0.0}


def test_a_condition_s_name_may_be_encoded_either_way():
    conditions = Conditions([SharedTag("\u00e9poque", width=13)])
    tracks = [{"id": f"{number}", "artist": "", "\u00e9poque": "x"} for number in range(5)]
    index = Index.build(raw_vectors(5), conditions, tracks)
    query = by_tracks(index, ["1"])
    weighed = index.search(query, {"e\u0301poque": 1.0}, k=3)
    assert [hit.track["id"] for hit in index.search(mix(index, {"e\u0301poque": query}), k=3)] == [
        hit.track["id"] for hit in weighed
    ]
    assert spelled_out(["--e\u0301poque_of=1"]) == ["--of=\u00e9poque=1"]
    assert parse_parts(["e\u0301poque=1"]) == {"\u00e9poque": ["1"]}


def test_bad_queries():
    index = made_index()
    with pytest.raises(UserError, match="at least one"):
        by_tracks(index, [])
    with pytest.raises(UserError, match="no track 't00x'"):
        by_tracks(index, ["t001", "t00x"])
    with pytest.raises(UserError, match="nothing to mix"):
        mix(index, {})
    with pytest.raises(UserError, match="no condition 'track' to mix; this index has: genre, mood, tempo, whole"):
        mix(index, {"track": by_tracks(index, ["t001"])})


def test_the_whole_of_several_and_in_a_mix():
    index = made_index()
    mean = unit(embedding_of("t001")) + unit(embedding_of("t002"))
    several = by_tracks(index, ["t001", "t002"])
    mixed = mix(index, {"whole": several, "tempo": by_tracks(index, ["t003"])})
    tempo = CONDITIONS.subspaces["tempo"]
    for hit in index.search(mixed, k=100):
        found = embedding_of(hit.track["id"])
        assert abs(hit.cosines["whole"] - cosine(mean, found)) < 1e-5
        assert abs(hit.score - cosine(mean, found) - cosine(embedding_of("t003")[tempo], found[tempo])) < 1e-5


@pytest.mark.parametrize("weights", [None, {"tempo": 1.0}, {"genre": 0.5, "mood": -1.0, "whole": 0.7}])
def test_pushed_away_is_the_score_less_half_of_the_others(weights):
    index = made_index()
    wanted, unwanted = by_tracks(index, ["t001"]), by_tracks(index, ["t002", "t009"])
    away = push_away(index, wanted, unwanted)
    assert away.sources == ("t001", "t002", "t009")
    like = {hit.track["id"]: hit.score for hit in index.search(wanted, weights, 100)}
    unlike = {hit.track["id"]: hit.score for hit in index.search(unwanted, weights, 100)}
    hits = index.search(away, weights, 100)
    assert len(hits) == 37
    for hit in hits:
        assert abs(hit.score - (like[hit.track["id"]] - PUSH * unlike[hit.track["id"]])) < 1e-5


def test_what_a_mix_does_not_ask_for_is_not_pushed_away_from():
    index = made_index()
    away = push_away(index, mix(index, {"tempo": by_tracks(index, ["t001"])}), by_tracks(index, ["t002"]))
    assert away.whole is None and not away.vector[CONDITIONS.subspaces["genre"]].any()
    assert {hit.cosines["genre"] for hit in index.search(away)} == {0.0}
