"""Asking by a tag against cosines by hand."""

import hashlib

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.search.by_tag import by_tag, vectors_of_tag
from dmml_tf.search.index import Index
from dmml_tf.spaces import unit
from tests.made_tower import CONDITIONS, TAG_SIZE, made_tower
from tfrecords_tools.errors import UserError


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("polka 1 2 3 4 5\nhip 1 0 0 0 0\nzero 0 0 0 0 0\n", encoding="utf-8")
    return path


def by_words(path, **kwargs):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return made_tower(source={"kind": "words", "file": str(path), "sha256": digest}, **kwargs)


def made_index(conditions=CONDITIONS):
    vectors = np.random.default_rng(5).normal(size=(30, 10)).astype(np.float32)
    return vectors, Index.build(vectors, conditions, [{"id": f"t{n:02d}"} for n in range(30)])


def test_results_are_those_of_the_highest_cosine_in_the_tags_own_space():
    tower, (vectors, index) = made_tower(), made_index()
    hits = index.search(by_tag(tower, CONDITIONS, vectors_of_tag(tower, CONDITIONS, " JAZZ ")), k=30)
    asked = (tower.vectors.columns["genre"][2] @ tower.kernel + tower.bias)[:6]
    cosines = unit(vectors[:, :6]) @ unit(asked)
    assert [hit.track["id"] for hit in hits] == [f"t{n:02d}" for n in np.argsort(-cosines)]
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(cosines)[::-1], atol=1e-5)
    assert all(hit.cosines["mood"] == 0 for hit in hits)


def test_a_tag_of_two_columns_is_asked_in_both_each_with_its_own_vector():
    tower, (vectors, index) = made_tower(), made_index()
    found = vectors_of_tag(tower, CONDITIONS, "rock")
    np.testing.assert_array_equal(found["genre"], tower.vectors.columns["genre"][3])
    np.testing.assert_array_equal(found["mood"], tower.vectors.columns["mood"][2])
    hit = index.search(by_tag(tower, CONDITIONS, found), k=1)[0]
    expected = {
        name: unit(vectors[int(hit.track["id"][1:]), part]) @ tower.in_space(found[name], CONDITIONS, name)
        for name, part in CONDITIONS.subspaces.items()
    }
    assert {name: hit.cosines[name] for name in expected} == pytest.approx(expected, abs=1e-5)
    assert hit.score == pytest.approx(sum(expected.values()), abs=1e-5)
    assert list(vectors_of_tag(tower, CONDITIONS, "rock", "mood")) == ["mood"]


def test_one_common_space():
    together = Conditions([SharedTag("genre", width=0), SharedTag("mood", width=0)])
    tower, (vectors, index) = made_tower(), made_index(together)
    hits = index.search(by_tag(tower, together, vectors_of_tag(tower, together, "calm")), k=30)
    cosines = unit(vectors) @ unit(tower.embed(tower.vectors.columns["mood"][0]))
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(cosines)[::-1], atol=1e-5)


def test_any_word_where_the_vectors_are_of_words(words):
    tower = by_words(words)
    found = vectors_of_tag(tower, CONDITIONS, "Polka")
    assert list(found) == ["genre", "mood"]
    for vector in found.values():
        np.testing.assert_allclose(vector, unit(np.arange(1.0, 1 + TAG_SIZE)), atol=1e-6)
    assert list(vectors_of_tag(tower, CONDITIONS, "hip replacement", "genre")) == ["genre"]
    moved = words.rename(words.with_name("elsewhere.txt"))
    with pytest.raises(UserError, match="v.txt: cannot be read"):
        vectors_of_tag(tower, CONDITIONS, "polka")
    np.testing.assert_array_equal(vectors_of_tag(tower, CONDITIONS, "polka", words=moved)["mood"], found["mood"])


def test_what_is_not_known_names_what_is_near(words):
    with pytest.raises(UserError, match="tag 'jaz' is not known; near it: jazz, .*config.zero_shot.words"):
        vectors_of_tag(made_tower(), CONDITIONS, "jaz")
    with pytest.raises(UserError, match="near it: (?!.*jazz)"):  # only tags of that condition
        vectors_of_tag(made_tower(), CONDITIONS, "jaz", "mood")
    with pytest.raises(UserError, match="tag 'calm' is known but goes with no other label"):
        vectors_of_tag(made_tower(lacking=[("mood", "calm")]), CONDITIONS, "calm")
    with pytest.raises(UserError, match="unknown condition 'era'; the model has: genre, mood"):
        vectors_of_tag(made_tower(), CONDITIONS, "jazz", "era")
    for word in ("jaz", "zero", "..."):
        with pytest.raises(UserError, match=f"tag '{word}' is not known and no word of it is in .*v.txt; known tags"):
            vectors_of_tag(by_words(words), CONDITIONS, word)


def test_other_word_vectors_are_refused(words):
    tower = by_words(words)
    words.write_text(words.read_text() + "samba 1 1 1 1 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="v.txt: not the word vectors that the run was trained with"):
        vectors_of_tag(tower, CONDITIONS, "samba")
