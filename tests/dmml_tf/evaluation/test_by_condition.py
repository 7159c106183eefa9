"""Every space of a system under every measure beside triplets, against the measures by hand."""

import dataclasses

import numpy as np

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.evaluation.accuracy import triplet_accuracy
from dmml_tf.evaluation.by_condition import agreement_by_space, retrieval_by_condition, tagging_by_condition
from dmml_tf.evaluation.human import EmbeddedClips
from dmml_tf.evaluation.retrieval import retrieval
from dmml_tf.evaluation.tagging import tagging
from dmml_tf.spaces import unit
from tests.dmml_tf.evaluation.made_systems import CONDITIONS, perfect, views_of

VOCABULARIES = {"genre": ("folk", "jazz", "rock"), "mood": ("calm", "happy")}


def test_retrieval_in_the_whole_space_and_in_slices():
    embedded = perfect(noise=0.4)
    found = retrieval_by_condition(embedded, CONDITIONS, views_of(embedded))
    assert list(found) == ["whole", "subspace"] and list(found["whole"]) == ["genre", "tempo"]
    for where, name, columns in (
        ("whole", "genre", slice(0, 5)),
        ("subspace", "genre", slice(0, 3)),
        ("subspace", "tempo", slice(3, 5)),
    ):
        condition = CONDITIONS[CONDITIONS.index(name)]
        expected = retrieval(unit(embedded.vectors[:, columns]), embedded.labels, condition)
        assert found[where][name] == dataclasses.asdict(expected)
    assert found["subspace"]["genre"]["map_at_r"] > found["whole"]["genre"]["map_at_r"]


def test_tagging_by_names_of_tags():
    train, test = perfect(60, noise=0.6), perfect(36, noise=0.6)
    found = tagging_by_condition(train, test, CONDITIONS, VOCABULARIES, views_of(test))
    assert list(found["whole"]) == list(found["subspace"]) == ["genre"]
    expected = tagging(
        unit(train.vectors[:, :3]), train.labels["genre"], unit(test.vectors[:, :3]), test.labels["genre"], 3
    )
    assert found["subspace"]["genre"]["auc"] == dict(zip(("folk", "jazz", "rock"), expected.auc.values()))
    assert found["subspace"]["genre"]["macro"] == expected.macro > found["whole"]["genre"]["macro"]
    four = tagging_by_condition(train, test, CONDITIONS, {"genre": (*VOCABULARIES["genre"], "polka")}, views_of(test))
    assert four["whole"]["genre"]["left_out"] == ["polka"]


def test_people_in_every_space():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 5)).astype(np.float32)
    judged = EmbeddedClips(
        vectors, np.arange(20), rng.integers(20, size=(50, 3)).astype(np.int32), {}, 0, np.arange(50)
    )
    found = agreement_by_space(judged, views_of(perfect()), seed=3)
    assert list(found) == ["whole", "genre", "tempo"]
    for name, columns in (("whole", slice(0, 5)), ("genre", slice(0, 3)), ("tempo", slice(3, 5))):
        expected = triplet_accuracy(unit(vectors[:, columns]), judged.triplets, judged.songs, 3)
        assert found[name] == dataclasses.asdict(expected)
    nobody = EmbeddedClips(
        np.zeros((0, 0), np.float32), np.zeros(0, int), np.zeros((0, 3), np.int32), {"a": "gone"}, 1, np.zeros(0, int)
    )
    assert agreement_by_space(nobody, views_of(perfect())) == {"whole": None}


def test_a_system_without_sub_spaces_is_scored_in_its_whole_space():
    embedded = perfect(noise=0.4)
    category = Conditions([SharedTag("genre", width=0), Within("tempo", width=0)])
    found = retrieval_by_condition(embedded, category, views_of(embedded, category))
    assert found["whole"] == found["subspace"]


def test_learned_masks_take_the_place_of_the_slices():
    train, test = perfect(60, noise=0.5), perfect(36, noise=0.5)
    learned = np.abs(np.random.default_rng(1).normal(size=(3, 5))).astype(np.float32)
    seen = unit(test.vectors * learned[0])
    views = views_of(test, learned=learned)
    found = retrieval_by_condition(test, CONDITIONS, views)["subspace"]["genre"]
    assert found == dataclasses.asdict(retrieval(seen, test.labels, CONDITIONS[0]))
    macro = tagging_by_condition(train, test, CONDITIONS, VOCABULARIES, views)["subspace"]["genre"]["macro"]
    other = unit(train.vectors * learned[0])
    assert macro == tagging(other, train.labels["genre"], seen, test.labels["genre"], 3).macro
    judged = EmbeddedClips(test.vectors, np.arange(36), np.array([[0, 1, 2], [3, 4, 5]], np.int32), {}, 0, np.arange(2))
    people = agreement_by_space(judged, views)
    assert list(people) == ["whole", "genre", "tempo"]
    assert people["genre"] == dataclasses.asdict(triplet_accuracy(seen, judged.triplets, judged.songs, 0))
