"""What is said of a song, and the file that keeps it."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.heard.fit import fit_heard_as
from dmml_tf.heard.heard_as import HEARD_FILE, HeardAs, find_heard_as
from dmml_tf.heard.said import Said, heard_json, heard_text
from dmml_tf.heard.tag_scores import TagScores
from dmml_tf.spaces import search_vectors
from tests.dmml_tf.heard.made import CONDITIONS, VOCABULARIES, songs
from tfrecords_tools.errors import UserError


@pytest.fixture(scope="module")
def heard_as() -> HeardAs:
    return fit_heard_as(songs(200, 0), songs(100, 1), CONDITIONS, VOCABULARIES, "abc")[0]


def test_tags_by_share_against_a_loop():
    rng = np.random.default_rng(0)
    scores = TagScores(("a", "b", "c"), rng.normal(size=(3, 2)).astype(np.float32), np.zeros(3, np.float32))
    vectors = rng.normal(size=(50, 2)).astype(np.float32)
    for vector, said in zip(vectors, scores.say(vectors, most=2, least=0.5)):
        shares = {tag: 1 / (1 + np.exp(-float(vector @ row))) for tag, row in zip("abc", scores.weights)}
        expected = sorted((tag for tag in "abc" if shares[tag] >= 0.5), key=lambda tag: -shares[tag])[:2]
        assert [one.label for one in said] == expected
        assert [one.share for one in said] == pytest.approx([shares[tag] for tag in expected])


def test_embeddings_and_search_vectors_are_heard_alike(heard_as):
    vectors = songs(30, 3).vectors
    by_embedding, by_search = (heard_as.heard(v, least=0.0) for v in (vectors, search_vectors(vectors, CONDITIONS)))
    for first, second in zip(by_embedding, by_search):
        for name in ("genre", "tempo"):
            assert [said.label for said in first[name]] == [said.label for said in second[name]]
            np.testing.assert_allclose([s.share for s in first[name]], [s.share for s in second[name]], atol=1e-5)
    assert heard_as.heard(vectors[:0]) == []


def test_vectors_of_another_size_are_refused(heard_as):
    with pytest.raises(UserError, match=r"a model of 7 numbers cannot hear vectors of shape \(2, 6\)"):
        heard_as.heard(np.zeros((2, 6), np.float32))


def test_the_file_says_the_same_and_has_the_same_bytes(heard_as, tmp_path):
    for name in ("a.npz", "b.npz"):
        heard_as.save(tmp_path / name)
    again = HeardAs.load(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert again.model == "abc" and again.conditions == CONDITIONS
    vectors = songs(30, 3).vectors
    assert again.heard(vectors, least=0.0) == heard_as.heard(vectors, least=0.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    again.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_run_without_the_file_says_nothing_and_one_of_other_weights_is_refused(heard_as, tmp_path):
    assert find_heard_as(tmp_path, "abc") is None
    heard_as.save(tmp_path / HEARD_FILE)
    assert list(find_heard_as(tmp_path, "abc").parts) == ["genre", "tempo"]
    dataclasses.replace(heard_as, model="other", packed="abc").save(tmp_path / HEARD_FILE)
    assert find_heard_as(tmp_path, "abc").packed == "abc"
    heard_as.save(tmp_path / HEARD_FILE)
    with pytest.raises(UserError, match=rf"{HEARD_FILE}: was made by other weights .* dmml heard --run"):
        find_heard_as(tmp_path, "other")


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "pickled", "form", "part", "shape", "empty"])
def test_a_damaged_file_is_one_line(heard_as, tmp_path, damage):
    path = tmp_path / HEARD_FILE
    if damage == "shape":
        bad = TagScores(("folk",), np.zeros((1, 5), np.float32), np.zeros(1, np.float32))
        heard_as = dataclasses.replace(heard_as, parts={"genre": bad})
    heard_as.save(path)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        path.write_text("no zip file\n")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "pickled":
        np.savez(path, header=np.array({"form": 1}, dtype=object))
    elif damage == "form":
        np.savez(path, header=np.array('{"form": 99}'))
    elif damage == "part":
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != "0.weights"}
        np.savez(path, **arrays)
    with pytest.raises(UserError, match=rf"{HEARD_FILE}: .*dmml heard --run") as caught:
        HeardAs.load(path)
    assert "\n" not in str(caught.value)


def test_the_text_has_the_likeliest_of_each_condition():
    heard = {"genre": [Said("folk", 0.62), Said("pop", 0.3)], "mood": [], "tempo": [Said(96.25, 0.999)]}
    assert heard_text(heard) == "folk .6, tempo 96.25 .9" and heard_text({}) == heard_text({"mood": []}) == ""
    assert heard_json(heard)["genre"][1] == {"label": "pop", "share": 0.3} and heard_json(heard)["mood"] == []
