"""Every space of a system under every measure, against the measures by hand; specialised systems as one row."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.evaluation.accuracy import triplet_accuracy
from dmml_tf.evaluation.by_condition import agreement_by_space, retrieval_by_condition, tagging_by_condition
from dmml_tf.evaluation.evaluate import evaluate, evaluate_specialised, hold_out
from dmml_tf.evaluation.human import JudgedClips
from dmml_tf.evaluation.retrieval import retrieval
from dmml_tf.evaluation.tagging import tagging
from dmml_tf.spaces import unit
from tests.dmml_tf.evaluation.test_evaluate import CONDITIONS, perfect

VOCABULARIES = {"genre": ("folk", "jazz", "rock"), "mood": ("calm", "happy")}


def test_retrieval_in_the_whole_space_and_in_slices():
    embedded = perfect(noise=0.4)
    found = retrieval_by_condition(embedded, CONDITIONS)
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
    found = tagging_by_condition(train, test, CONDITIONS, VOCABULARIES)
    assert list(found["whole"]) == list(found["subspace"]) == ["genre"]
    expected = tagging(
        unit(train.vectors[:, :3]), train.labels["genre"], unit(test.vectors[:, :3]), test.labels["genre"], 3
    )
    assert found["subspace"]["genre"]["auc"] == dict(zip(("folk", "jazz", "rock"), expected.auc.values()))
    assert found["subspace"]["genre"]["macro"] == expected.macro > found["whole"]["genre"]["macro"]
    four = tagging_by_condition(train, test, CONDITIONS, {"genre": (*VOCABULARIES["genre"], "polka")})
    assert four["whole"]["genre"]["left_out"] == ["polka"]


def test_people_in_every_space():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 5)).astype(np.float32)
    judged = JudgedClips(vectors, np.arange(20), rng.integers(20, size=(50, 3)).astype(np.int32), {}, 0)
    found = agreement_by_space(judged, CONDITIONS, seed=3)
    assert list(found) == ["whole", "genre", "tempo"]
    for name, columns in (("whole", slice(0, 5)), ("genre", slice(0, 3)), ("tempo", slice(3, 5))):
        expected = triplet_accuracy(unit(vectors[:, columns]), judged.triplets, judged.songs, 3)
        assert found[name] == dataclasses.asdict(expected)
    nobody = JudgedClips(np.zeros((0, 0), np.float32), np.zeros(0, int), np.zeros((0, 3), np.int32), {"a": "gone"}, 1)
    assert agreement_by_space(nobody, CONDITIONS) == {"whole": None}


def test_specialised_systems_are_one_row():
    genre, tempo = perfect(noise=0.3), perfect(noise=0.3)
    genre = dataclasses.replace(genre, vectors=genre.vectors[:, :3], windows=genre.windows[:, :3])
    tempo = dataclasses.replace(tempo, vectors=tempo.vectors[:, 3:], windows=tempo.windows[:, 3:])
    held_out = hold_out(CONDITIONS, genre.labels, genre.window_track, genre.window_start, 300, seed=1)
    found = evaluate_specialised({"genre": genre, "tempo": tempo}, held_out, rounds=40)
    joint = evaluate(perfect(noise=0.3), held_out, rounds=40)["subspace"]
    assert found["whole"] == found["subspace"] and found["whole"]["track"] is None
    assert all(found["whole"][name] == joint[name] for name in ("genre", "tempo", "overall"))
    alone = evaluate_specialised({"genre": genre}, held_out, normalise=False, rounds=40)["whole"]
    assert alone["tempo"] is None and alone["overall"]["value"] == alone["genre"]["value"]
    expected = triplet_accuracy(genre.vectors, held_out.triplets["genre"], seed=1, rounds=40)
    assert alone["genre"]["value"] == pytest.approx(expected.value)


def test_a_system_without_sub_spaces_is_scored_in_its_whole_space():
    embedded = perfect(noise=0.4)
    category = Conditions([SharedTag("genre", width=0), Within("tempo", width=0)])
    found = retrieval_by_condition(embedded, category)
    assert found["whole"] == found["subspace"]


def test_learned_masks_take_the_place_of_the_slices():
    train, test = perfect(60, noise=0.5), perfect(36, noise=0.5)
    learned = np.abs(np.random.default_rng(1).normal(size=(3, 5))).astype(np.float32)
    seen = unit(test.vectors * learned[0])
    found = retrieval_by_condition(test, CONDITIONS, learned=learned)["subspace"]["genre"]
    assert found == dataclasses.asdict(retrieval(seen, test.labels, CONDITIONS[0]))
    macro = tagging_by_condition(train, test, CONDITIONS, VOCABULARIES, learned=learned)["subspace"]["genre"]["macro"]
    other = unit(train.vectors * learned[0])
    assert macro == tagging(other, train.labels["genre"], seen, test.labels["genre"], 3).macro
    judged = JudgedClips(test.vectors, np.arange(36), np.array([[0, 1, 2], [3, 4, 5]], np.int32), {}, 0)
    people = agreement_by_space(judged, CONDITIONS, learned=learned)
    assert list(people) == ["whole", "genre", "tempo"]
    assert people["genre"] == dataclasses.asdict(triplet_accuracy(seen, judged.triplets, judged.songs, 0))
