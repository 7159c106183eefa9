"""The index against brute force: cosines of the raw embeddings, one pair at a time."""

import json
import math

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.search.index import Index, Query
from dmml_tf.search.query import by_embedding, by_tracks
from dmml_tf.search.rules import Rules
from tests.dmml_tf.search.made import CONDITIONS, made_index, raw_vectors, rows
from tfrecords_tools.errors import UserError


def cosine(a, b) -> float:
    lengths = math.sqrt(sum(float(x) ** 2 for x in a)) * math.sqrt(sum(float(y) ** 2 for y in b))
    return sum(float(x) * float(y) for x, y in zip(a, b)) / lengths if lengths else 0.0


def brute_force(embeddings, names, query, weights) -> list[tuple[float, str]]:
    """(score, id) of every track, best first, equal scores by id."""
    scores = []
    for vector, name in zip(embeddings, names):
        # A condition's slice; all of it for "whole".
        parts = ((weight, CONDITIONS.subspaces.get(condition, slice(None))) for condition, weight in weights.items())
        scores.append((sum(weight * cosine(query[part], vector[part]) for weight, part in parts), name))
    return sorted(scores, key=lambda pair: (-pair[0], pair[1]))


@pytest.mark.parametrize("seed", range(12))
def test_every_weighting_is_the_sum_of_weighted_cosines(seed):
    rng, count = np.random.default_rng(seed), 40
    embeddings, names = raw_vectors(count, seed), [row["id"] for row in rows(count)]
    index = made_index(count, seed)
    row = int(rng.integers(count)) if seed else 2  # row 2 has a sub-space of zeros
    weights = {
        "genre": rng.uniform(-1, 1),
        "mood": rng.uniform(0, 5),
        "tempo": float(rng.integers(2)),
        "whole": rng.uniform(-2, 2),
    }
    expected = [pair for pair in brute_force(embeddings, names, embeddings[row], weights) if pair[1] != names[row]]
    hits = index.search(by_tracks(index, [names[row]]), weights, count)
    assert len(hits) == count - 1
    np.testing.assert_allclose([hit.score for hit in hits], [score for score, _ in expected], atol=1e-5)
    by_name = {name: score for score, name in expected}
    for hit in hits:
        assert abs(by_name[hit.track["id"]] - hit.score) < 1e-5
        assert abs(sum(weights[c] * hit.cosines[c] for c in weights) - hit.score) < 1e-9
        other = embeddings[names.index(hit.track["id"])]
        for name, part in {**CONDITIONS.subspaces, "whole": slice(None)}.items():
            assert abs(hit.cosines[name] - cosine(embeddings[row][part], other[part])) < 1e-5
    assert [hit.track["id"] for hit in index.search(by_tracks(index, [names[row]]), weights, 5)] == [
        hit.track["id"] for hit in hits[:5]
    ]


@pytest.mark.parametrize("weights", [{"genre": 1.0}, {"genre": 1.0, "tempo": -0.5}, {"mood": 0.3, "whole": 1.0}, None])
def test_searches_at_once_give_what_each_gives_alone(weights, monkeypatch):
    monkeypatch.setattr("dmml_tf.search.scores._NUMBERS", 100)  # two queries at a time
    index = made_index(40, 3)
    queries = [by_tracks(index, [row["id"]]) for row in rows(40)[:5]]
    each = index.search_each(queries, weights, 40)
    for query, hits in zip(queries, each, strict=True):
        alone = index.search(query, weights, 40)
        assert [hit.track for hit in hits] == [hit.track for hit in alone]
        np.testing.assert_allclose([hit.score for hit in hits], [hit.score for hit in alone], atol=1e-12)


def test_the_whole_alone_is_the_cosine_of_embeddings():
    embeddings, index = raw_vectors(40), made_index()
    for query in (by_tracks(index, [rows(40)[5]["id"]]), by_embedding(2.0 * embeddings[5], CONDITIONS)):
        for hit in index.search(query, {"whole": 1.0}, 40):
            other = embeddings[[row["id"] for row in rows(40)].index(hit.track["id"])]
            assert abs(hit.score - cosine(embeddings[5], other)) < 1e-5 and hit.score == hit.cosines["whole"]


def test_a_condition_called_whole_keeps_its_name():
    named = Conditions([SharedTag("whole", width=5), SharedTag("mood", width=8)])
    index, vectors = Index.build(raw_vectors(20), named, rows(20)), raw_vectors(20)
    assert index.names == ["whole", "mood"]
    (hit,) = index.search(by_embedding(vectors[3], named), {"whole": 1.0}, k=1)
    assert hit.track["id"] == rows(20)[3]["id"] and abs(hit.score - cosine(vectors[3][:5], vectors[3][:5])) < 1e-5


def test_no_weights_is_1_each_and_the_scale_does_not_matter():
    index = made_index()
    query = by_tracks(index, ["t003"])
    ones = index.search(query, {"genre": 1, "mood": 1, "tempo": 1})
    assert index.search(query) == ones
    for scale in (1e-30, 1e30):
        scaled = index.search(query, dict.fromkeys(("genre", "mood", "tempo"), scale))
        assert [hit.track for hit in scaled] == [hit.track for hit in ones]


def test_a_sound_that_equals_a_track_finds_it_first():
    embeddings = raw_vectors(40)
    hits = made_index().search(by_embedding(3.0 * embeddings[11], CONDITIONS), k=2)
    assert hits[0].track == {**rows(40)[11]} and abs(hits[0].score - 3) < 1e-5 and hits[1].score < 3


def test_the_query_and_what_is_excluded_never_come_back():
    index = made_index()
    hits = index.search(by_tracks(index, ["t001", "t002"]), k=100, rules=Rules(exclude=["t003", "t001"]))
    assert len(hits) == 37 and not {"t001", "t002", "t003"} & {hit.track["id"] for hit in hits}
    single = Index.build(raw_vectors(1), CONDITIONS, rows(1))
    assert single.search(by_tracks(single, ["t000"])) == []


def test_equal_tracks_come_by_id():
    vectors = np.repeat(raw_vectors(2, 5), [33, 4], axis=0)
    names = [f"{(7 * i) % 37:02d}" for i in range(37)]
    index = Index.build(vectors, CONDITIONS, [{"id": name} for name in names])
    hits = index.search(by_embedding(vectors[0], CONDITIONS), {"genre": 0.3, "tempo": 0.1}, k=20)
    assert [hit.track["id"] for hit in hits] == sorted(names[:33])[:20]
    assert len({hit.score for hit in hits}) == 1


def test_without_subspaces_the_whole_is_the_one_condition():
    category = Conditions([SharedTag("genre", width=0), Within("tempo", width=0)])
    vectors = raw_vectors(20)
    index = Index.build(vectors, category, rows(20))
    hits = index.search(by_embedding(vectors[4], category), {"whole": 1.0}, k=20)
    expected = sorted((cosine(vectors[4], vector) for vector in vectors), reverse=True)
    np.testing.assert_allclose([hit.score for hit in hits], expected, atol=1e-5)
    with pytest.raises(UserError, match="has: whole"):
        index.search(by_tracks(index, ["t000"]), {"genre": 1.0})


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ({"weights": {"track": 1.0}}, "no condition 'track'"),
        ({"k": 0}, "k is 0"),
        ({"rules": Rules(exclude=["t0031"])}, "no track 't0031' in the index; ids like it: t031"),
        ({"query": Query(np.zeros(4, np.float32))}, "shape \\(4,\\)"),
        ({"query": Query(np.full(13, np.nan, np.float32))}, "finite"),
    ],
)
def test_bad_searches(arguments, reason):
    index = made_index()
    with pytest.raises(UserError, match=reason):
        index.search(**{"query": by_tracks(index, ["t000"]), **arguments})


def test_an_unlike_id_still_tells_where_ids_are():
    with pytest.raises(UserError, match="ids like it: t000; all of its 40 ids .* tracks.csv"):
        made_index().position("☃☃☃☃☃")


def test_an_id_may_be_spelled_as_its_file_is():
    tracks = [row | {"id": name} for row, name in zip(rows(4), ("Caf\u00e9.mp3", "b.mp3", "B.mp3", "c.mp3"))]
    index = Index.build(raw_vectors(4), CONDITIONS, tracks)
    row = index.position("Caf\u00e9.mp3")
    assert [index.row(name) for name in ("Cafe\u0301.mp3", " Caf\u00e9.mp3 ", "caf\u00e9.mp3")] == [row, row, None]
    assert by_tracks(index, ["Cafe\u0301.mp3", "Caf\u00e9.mp3"]).sources == ("Caf\u00e9.mp3",)
    for name, close in (("CAFE\u0301.MP3", "Caf\u00e9.mp3; all"), ("B.MP3", "B.mp3, b.mp3; all")):
        with pytest.raises(UserError, match=f"ids like it: {close}"):
            index.position(name)


def test_bad_builds():
    with pytest.raises(UserError, match="no track"):
        Index.build(raw_vectors(0), CONDITIONS, [])
    with pytest.raises(UserError, match="'t000' occurs twice"):
        Index.build(raw_vectors(4), CONDITIONS, rows(3) + rows(1))
    with pytest.raises(ValueError, match="2 embeddings for 3 tracks"):
        Index.build(raw_vectors(2), CONDITIONS, rows(3))
    vectors = raw_vectors(9)
    vectors[3, 1] = np.inf
    with pytest.raises(UserError, match=f"track '{rows(9)[3]['id']}' is not finite"):
        Index.build(vectors, CONDITIONS, rows(9))


def test_saved_and_loaded_with_hostile_text(tmp_path):
    table = rows(5)
    table[1].update(title='a,"b"\n=1+1\r\nc', artist="\x00\x1b[2J ☃\r")
    index = Index.build(raw_vectors(5), CONDITIONS, table, model="abc")
    index.save(tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    np.testing.assert_array_equal(loaded.vectors, index.vectors)
    assert loaded.tracks == index.tracks and loaded.conditions == CONDITIONS and loaded.model == "abc"
    assert loaded.search(by_tracks(loaded, ["t001"])) == index.search(by_tracks(index, ["t001"]))


def test_two_builds_are_byte_equal_whatever_the_order(tmp_path):
    vectors, table, order = raw_vectors(9), rows(9), np.random.default_rng(0).permutation(9)
    Index.build(vectors, CONDITIONS, table).save(tmp_path / "a")
    Index.build(vectors[order], CONDITIONS, [table[i] for i in order]).save(tmp_path / "b")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_an_interrupted_write_is_no_index(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(json, "dumps", interrupt)
        with pytest.raises(KeyboardInterrupt):
            made_index().save(tmp_path / "index")
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="no search index here; make it with: dmml index --run"):
        Index.load(tmp_path / "index")


def cut_short(path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def other_version(path) -> None:
    path.write_text(path.read_text().replace('"index_version": 2', '"index_version": 99'))


def one_track_less(path) -> None:
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


@pytest.mark.parametrize(
    "file, damage, reason",
    [
        ("vectors.npy", cut_short, "cannot be read"),
        ("vectors.npy", lambda path: path.write_bytes(b""), "cannot be read"),
        ("vectors.npy", lambda path: np.save(path, raw_vectors(4)), "do not belong together"),
        ("vectors.npy", lambda path: np.save(path, raw_vectors(40).astype(np.float64)), "do not belong together"),
        ("vectors.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "cannot be read"),
        ("vectors.npy", lambda path: path.unlink(), "vectors.npy: no search index here"),
        ("lengths.npy", lambda path: np.save(path, np.ones((40, 2), np.float32)), "do not belong together"),
        ("lengths.npy", cut_short, "cannot be read"),
        ("tracks.csv", one_track_less, "do not belong together"),
        ("tracks.csv", lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
        ("tracks.csv", lambda path: path.write_text('id,title\n"a'), "cannot be read"),
        ("index.json", cut_short, "cannot be read"),
        ("index.json", lambda path: path.write_text("[]"), "cannot be read"),
        ("index.json", lambda path: path.write_text('{"index_version": 2}'), "cannot be read"),
        ("index.json", other_version, "index version 99, this code reads 2"),
    ],
)
def test_damaged_files(tmp_path, file, damage, reason):
    made_index().save(tmp_path / "index")
    damage(tmp_path / "index" / file)
    with pytest.raises(UserError, match=reason) as caught:
        Index.load(tmp_path / "index")
    assert f"dmml index --run {tmp_path}" in str(caught.value)
