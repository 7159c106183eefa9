"""Partners: they give the new tracks what they lack, and no condition is left without a triplet that could have one."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.partners import find_partners, partners_by_turns
from tests.triplet_oracle import able_anchors, random_labels

GENRE, MOOD = SharedTag("genre"), SharedTag("mood")
TEMPO, TRACK = Within("tempo", 5.0), SameTrack("track", width=0)
ALL = Conditions([GENRE, MOOD, TEMPO, TRACK])


def rng(seed=0):
    return np.random.default_rng(seed)


def pool(seed=0, tracks=60, **columns):
    """Labels of a pool's tracks, one item each."""
    return {**random_labels(rng(seed), tracks=tracks, windows=1), **columns}


def batch_of(labels, slots):
    return {name: column[slots] for name, column in labels.items()}


def near(conditions, labels, new):
    """Who of the pool is similar to each new track, pair by pair."""
    pairs = [[[c.similar(labels, [slot], [other])[0] for other in range(60)] for slot in new] for c in conditions]
    return np.array(pairs)


def anchors_in(condition, labels, slots):
    return {slots[item] for item in able_anchors(condition, batch_of(labels, slots))}


@pytest.mark.parametrize("seed", range(6))
def test_as_many_as_new_ones_and_of_the_pool(seed):
    labels = pool(seed)
    found = find_partners(ALL, labels, list(range(5, 13)), rng(seed))
    assert len(found) == 8 and all(isinstance(slot, int) and 0 <= slot < 60 for slot in found)
    assert found == find_partners(ALL, labels, list(range(5, 13)), rng(seed))


def test_new_tracks_become_anchors_more_often_than_with_any_partners():
    helped = chance = possible = 0
    for seed in range(12):
        labels = pool(seed, tracks=80)
        new = list(range(8))
        partners, other = find_partners(ALL, labels, new, rng(seed)), rng(seed).integers(80, size=8).tolist()
        for condition in (GENRE, MOOD, TEMPO):
            could = able_anchors(condition, labels) & set(new)
            possible += len(could)
            helped += len(anchors_in(condition, labels, new + partners) & could)
            chance += len(anchors_in(condition, labels, new + other) & could)
    assert helped > 0.98 * possible > chance


def test_one_new_track_with_one_label_gets_its_positive_and_its_negative():
    mood = np.full((40, 1), -1, np.int32)
    mood[[3, 17, 29], 0] = [1, 1, 0]
    labels = pool(mood=mood, genre=np.full((40, 1), -1, np.int32), tempo=np.full(40, np.nan, np.float32), tracks=40)
    for seed in range(10):
        assert {17, 29} <= set(find_partners(ALL, labels, [0, 3, 5, 6], rng(seed)))


@pytest.mark.parametrize("seed", range(8))
def test_a_condition_without_a_labelled_new_track_gets_a_triplet_of_the_pool(seed):
    mood = np.full((60, 1), -1, np.int32)
    mood[40:48, 0] = [0, 0, 0, 1, 1, 2, 2, 2]
    labels = pool(seed, mood=mood)
    new = list(range(8))
    found = find_partners(ALL, labels, new, rng(seed))
    assert anchors_in(MOOD, labels, new + found)


@pytest.mark.parametrize("unlabelled", [0, 20])
def test_the_only_pair_of_a_large_pool_is_found(unlabelled):
    artist = np.arange(600, dtype=np.int32).reshape(-1, 1)
    artist[:unlabelled] = -1
    artist[431] = artist[250]
    labels, conditions = pool(tracks=600, artist=artist), Conditions([SharedTag("artist")])
    for seed in range(5):
        new = list(range(seed, 24 + seed))
        assert {250, 431} <= set(find_partners(conditions, labels, new, rng(seed)))


def test_places_left_over_go_to_further_anchors_where_new_tracks_can_be_none():
    artist = np.arange(400, dtype=np.int32)
    artist[300:] = np.repeat(np.arange(300, 350), 2)  # 50 pairs, none of them among the new
    labels, condition = pool(tracks=400, artist=artist.reshape(-1, 1)), SharedTag("artist")
    new = list(range(12))
    found = find_partners(Conditions([condition]), labels, new, rng())
    assert len(set(found)) == 12 and anchors_in(condition, labels, new + found) == set(found)
    new = [0, 300, *range(1, 11)]  # one has its like, the others have none
    found = find_partners(Conditions([condition]), labels, new, rng())
    assert len(anchors_in(condition, labels, new + found)) >= 12 and 301 in found


@pytest.mark.parametrize(
    "columns",
    [
        {"mood": np.full((60, 1), -1, np.int32)},
        {"mood": np.zeros((60, 1), np.int32)},
        {"mood": np.arange(60, dtype=np.int32).reshape(-1, 1)},
        {"tempo": np.full(60, np.nan, np.float32)},
    ],
    ids=["unlabelled", "all alike", "all different", "no value"],
)
def test_a_condition_that_can_have_no_triplet_is_no_hindrance(columns):
    labels = pool(3, **columns)
    assert len(find_partners(ALL, labels, list(range(10)), rng())) == 10


def test_places_left_over_go_to_similar_tracks():
    labels = {"genre": np.array([[0]] * 20 + [[1]] * 20, np.int32), "track": np.arange(40), "start": np.zeros(40, int)}
    new = list(range(15, 25))  # both genres are among them: nobody lacks anything
    found = find_partners(Conditions([GENRE]), labels, new, rng())
    assert [slot >= 20 for slot in found] == [slot >= 20 for slot in new]


def test_without_a_condition_on_labels_any_track_will_do():
    labels = pool()
    found = [find_partners(Conditions([TRACK]), labels, [0, 1, 2], rng(seed)) for seed in range(20)]
    assert {len(slots) for slots in found} == {3} and len({slot for slots in found for slot in slots}) > 15


def test_one_new_track_in_a_pool_of_one():
    labels = pool(tracks=1)
    assert find_partners(ALL, labels, [0], rng()) == [0]


def test_where_every_track_has_every_label_partners_come_by_turns():
    number = np.arange(60, dtype=np.int32).reshape(-1, 1)
    labels = pool(5, genre=number % 7, mood=number % 4, tempo=np.linspace(60, 180, 60).astype(np.float32))
    new = list(range(12))
    assert find_partners(ALL, labels, new, rng(3)) == partners_by_turns(near([GENRE, MOOD, TEMPO], labels, new), rng(3))
    labels["mood"][59] = -1  # a label is missing
    assert find_partners(ALL, labels, new, rng(3)) != partners_by_turns(near([GENRE, MOOD, TEMPO], labels, new), rng(3))


def test_where_no_new_track_has_its_like_partners_are_searched_for():
    number = np.arange(60, dtype=np.int32).reshape(-1, 1)
    labels = pool(5, genre=number % 7, mood=np.where(number < 50, number, 50 + number % 2))
    conditions, new = Conditions([GENRE, MOOD]), list(range(12))
    found = find_partners(conditions, labels, new, rng(3))
    assert anchors_in(MOOD, labels, new + found)
    assert not anchors_in(MOOD, labels, new + partners_by_turns(near([GENRE, MOOD], labels, new), rng(3)))
