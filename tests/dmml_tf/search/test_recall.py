"""Codes for many vectors: recall against brute force, exact scores, filters, files; on 20,000 made vectors."""

import dataclasses
import json
import sys
import time

import numpy as np
import pytest

from dmml_tf.benchmarks import search as bench
from dmml_tf.search import nearest
from dmml_tf.search.coarse import Coarse, wide_vectors
from dmml_tf.search.filters import parse_filter
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_tracks, mix, push_away
from dmml_tf.search.recall import describe, measure, prepared, random_search
from dmml_tf.search.rules import Rules
from tests.dmml_tf.search.made import made_index
from tfrecords_tools.errors import UserError

COUNT = 20_000


@pytest.fixture(scope="module")
def large():
    """20,000 tracks with codes, of which a tenth is by one artist."""
    plain = bench.made_index(COUNT)
    rows = [{**track, "artist": f"a{number % 10}"} for number, track in enumerate(plain.tracks)]
    return prepared(dataclasses.replace(plain, tracks=rows), exact_up_to=1000)


@pytest.fixture()
def many(monkeypatch):
    """A search takes 1,000 tracks for too many to compare."""
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 1000)


def brute_force(index: Index, query, weights) -> np.ndarray:
    """float64 [N] scores, from unit vectors that are made whole again."""
    vectors = index.vectors.astype(np.float64)
    scores = sum(
        weight * (vectors[:, index.slices[name]] @ query.vector[index.slices[name]])
        for name, weight in weights.items()
        if name in index.slices
    )
    whole = vectors * index.lengths[:, index.owner]
    return scores + weights.get("whole", 0.0) * (whole / np.linalg.norm(whole, axis=1, keepdims=True)) @ query.whole


@pytest.mark.slow
def test_recall_over_random_weightings(large, many):
    found = measure(large, 60)
    assert found.recall.mean() >= 0.98 and large.coarse.recall >= 0.99 and (found.seconds > 0).all()
    for name in large.slices:
        assert measure(large, 20, weights={name: 1.0}).recall.min() >= 0.8


def test_found_by_candidates_scores_are_exact_and_sources_left_out(large, many):
    rng = np.random.default_rng(3)
    for _ in range(5):
        query, weights = random_search(large, rng)
        scores, hits = brute_force(large, query, weights), large.search(query, weights, 10)
        assert len(hits) == 10 and not {hit.track["id"] for hit in hits} & set(query.sources)
        for hit in hits:
            assert abs(scores[large.position(hit.track["id"])] - hit.score) < 1e-5


def test_each_subspace_alone_and_mixes(large, many):
    tracks = [track["id"] for track in large.tracks[:8]]
    parts = {name: by_tracks(large, [tracks[i], tracks[i + 4]]) for i, name in enumerate(large.slices)}
    mixed = mix(large, parts | {"whole": by_tracks(large, [tracks[0]])})
    asked = [(by_tracks(large, [tracks[5]]), {name: 1.0}) for name in large.names]
    asked += [(mixed, mixed.weights), (push_away(large, parts["mood"], parts["tempo"]), {"mood": 1.0, "tempo": -0.3})]
    for query, weights in asked:
        scores = brute_force(large, query, weights)
        scores[[large.position(track) for track in query.sources]] = -np.inf
        best = set(np.argsort(-scores)[:10].tolist())
        found = {large.position(hit.track["id"]) for hit in large.search(query, weights, 10)}
        assert len(best & found) >= 9


def test_filters_with_many_and_with_few_left(large, many):
    query = by_tracks(large, ["00000007"])
    scores = brute_force(large, query, {"genre": 1.0, "mood": 0.5})
    for texts, allowed in ((["artist=a3"], np.arange(COUNT) % 10 == 3), (["id=00000042"], np.arange(COUNT) == 42)):
        hits = large.search(query, {"genre": 1.0, "mood": 0.5}, 10, Rules([parse_filter(text) for text in texts]))
        best = np.argsort(-np.where(allowed, scores, -np.inf))[: min(10, allowed.sum())]
        assert len({large.position(hit.track["id"]) for hit in hits} & set(best.tolist())) >= 0.9 * len(best)
        assert all(allowed[large.position(hit.track["id"])] for hit in hits)


def test_more_results_than_candidates(large, many):
    assert len(large.search(by_tracks(large, ["00000001"]), k=3 * large.coarse.candidates)) == min(
        COUNT - 1, 3 * large.coarse.candidates
    )


def test_saved_and_loaded(large, many, tmp_path):
    large.save(tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    query, weights = random_search(large, np.random.default_rng(0))
    assert loaded.coarse.candidates == large.coarse.candidates and loaded.coarse.recall == large.coarse.recall
    assert loaded.search(query, weights) == large.search(query, weights)
    assert loaded.coarse.narrow.keys() == {(0, 256), (0, 64), (64, 128), (128, 192), (192, 256)}
    (tmp_path / "index" / "codes-0-64.faiss").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="codes-0-64.faiss is damaged"):
        Index.load(tmp_path / "index")
    header = json.loads((tmp_path / "index" / "index.json").read_text())
    del header["coarse"]["spans"]  # as earlier ones were
    (tmp_path / "index" / "index.json").write_text(json.dumps(header))
    earlier = Index.load(tmp_path / "index")
    assert not earlier.coarse.narrow and earlier.search(query, weights) == large.search(query, weights)
    (tmp_path / "index" / "codes.faiss").write_bytes(b"IxPf" + bytes(40))
    with pytest.raises(UserError, match="cannot be read .*dmml index --run"):
        Index.load(tmp_path / "index")
    (tmp_path / "index" / "lengths.npy").unlink()
    with pytest.raises(UserError, match="lengths.npy: no search index here"):
        Index.load(tmp_path / "index")


def test_wide_vectors_and_their_size(large):
    wide = wide_vectors(large.vectors[:50], large.lengths[:50], large.owner)
    np.testing.assert_allclose(np.linalg.norm(wide[:, :256], axis=1), 2.0, atol=1e-5)  # four unit vectors
    np.testing.assert_allclose(np.linalg.norm(wide[:, 256:], axis=1), 1.0, atol=1e-5)
    # Everything, and all sub-spaces: 512 and 256 numbers, two in half a byte; each of the four: 64, each half a byte.
    assert large.coarse.bytes == COUNT * (128 + 64 + 4 * 32)
    assert f"{COUNT * 320:,} bytes of codes" in describe(large) and f"recall@10 {large.coarse.recall:.3f}" in describe(
        large
    )


def test_an_odd_number_of_numbers():
    vectors = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    coarse = Coarse.build(vectors, None, np.zeros(5, np.intp), 50)
    (some,), (all_of_them,) = coarse.rows(vectors[7:8], 50), coarse.rows(vectors[7:8], 999)
    assert np.argmax(vectors @ vectors[7]) in some and len(all_of_them) == 300


@pytest.mark.slow
def test_searches_at_once_give_what_each_gives_alone(large, many):
    searches = [random_search(large, np.random.default_rng([8, number])) for number in range(9)]
    # Each with weights of its own, so that several codes are scanned.
    queries = [dataclasses.replace(query, weights=weights) for query, weights in searches]
    queries += [dataclasses.replace(queries[0], weights={"mood": 1.0}), dataclasses.replace(queries[1], sources=())]
    few = Rules([parse_filter("artist=a3")])  # 2,000: too many to compare
    least = Rules(exclude=large.table.ids[500:])  # each of them is compared
    for rules in (Rules(), few, least, Rules(most_per_artist=1)):
        each = large.search_each(queries, None, 7, rules)
        assert each == [large.search(query, None, 7, rules) for query in queries] and len(each) == len(queries)
    assert large.search_each([]) == []


@pytest.mark.slow
def test_codes_of_many_rows_are_scanned_side_by_side(large, many, monkeypatch, tmp_path):
    monkeypatch.setattr("dmml_tf.search.coarse._SHARD", 1 << 14)
    halves = prepared(dataclasses.replace(large, coarse=None), exact_up_to=1000)
    halves.save(tmp_path / "index")
    assert {path.name for path in (tmp_path / "index").glob("codes*1.faiss")} == {
        "codes.1.faiss", "codes-0-256.1.faiss", "codes-0-64.1.faiss", "codes-64-128.1.faiss", "codes-128-192.1.faiss",
        "codes-192-256.1.faiss",
    }  # fmt: skip
    assert halves.coarse.bytes == large.coarse.bytes
    for index in (halves, Index.load(tmp_path / "index")):
        for number in range(20):
            query, weights = random_search(large, np.random.default_rng([9, number]))
            assert index.search(query, weights) == large.search(query, weights)
    (tmp_path / "index" / "codes-0-64.1.faiss").write_bytes(b"no codes")
    with pytest.raises(UserError, match=r"codes-0-64\.1\.faiss is damaged"):
        Index.load(tmp_path / "index")


def test_small_indexes_are_exact_and_need_no_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index = made_index()
    assert prepared(index) is index and describe(index).startswith("exact search (recall 1), ")
    with pytest.raises(UserError, match="pip install 'dmml\\[search\\]'"):
        prepared(index, exact_up_to=10)


def test_bench_says_what_it_measured(monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks) / 1000)
    text = bench.bench_search(60, 5)
    lines = text.splitlines()
    assert lines[0].startswith("60 vectors of 256 numbers") and lines[1].startswith("exact search")
    assert lines[-1] == (
        "64 searches by all sub-spaces at once: 0.0 ms each, one by one 0.0 ms, 1.0 times that; 64 with the same "
        "results"
    )
    for line, name in zip(lines[2:-1], ("one sub-space", "all sub-spaces", "random"), strict=True):
        assert line.startswith(name) and "1.0 ms in the mean, p50 1.0, p95 1.0" in line
        assert line.endswith("recall@10 1.0000 (least 1.00) in 5 searches")


def test_a_search_scans_the_narrowest_codes_that_hold_what_it_weighs(large, monkeypatch):
    scanned = []

    class Spy:
        def __init__(self, span, codes):
            self.span, self.codes, self.ntotal = span, codes, codes.ntotal

        def search(self, query, count):
            scanned.append(self.span)
            return self.codes.search(query, count)

    spies = {span: Spy(span, codes) for span, codes in large.coarse.narrow.items()}
    coarse = dataclasses.replace(large.coarse, codes=Spy("all", large.coarse.codes), narrow=spies)
    query = by_tracks(large, ["00000007"])
    monkeypatch.setattr("dmml_tf.search.nearest.EXACT_UP_TO", 10)
    index = dataclasses.replace(large, coarse=coarse)
    for weights in ({"mood": 1}, {"tempo": 1}, {"genre": 1, "tempo": -0.2}, {"whole": 1}, {"whole": 0.1, "mood": 1}):
        index.search(query, weights, 3)
    assert scanned == [(64, 128), (192, 256), (0, 256), "all", "all"]
