"""What a held stretch may be labelled, and comparisons of tracks by it, against loops over every pair of labels."""

import itertools

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.partners import find_partners
from dmml_tf.data.pool import Pool, cut_stretch
from dmml_tf.data.possible_labels import MOST, Compared, Possible
from dmml_tf.data.segment_labels import label_windows
from dmml_tf.data.signal import LOG_MEL
from tests.segment_oracle import random_segments, says
from tests.synthetic import SCHEMA, SEGMENTED_SCHEMA

GENRE, TEMPO = SharedTag("genre"), Within("tempo", 5.0)


def row(number, frames=600, segments=True):
    rng = np.random.default_rng(number)
    own = {"tags/genre": np.array([number % 3]), "values/tempo": np.float32(100)}
    others = {"artist": "", "tags/mood": np.array([0]), "tags/instrument": np.zeros(0, int)}
    fields = random_segments(rng, 14 if segments else 0)
    return {"track_id": f"t{number}", "log_mel": np.zeros((frames, 128), np.float16), **own, **others, **fields}


def labels_of(possible, name, slot):
    """The labels of a slot, as the oracle says them."""
    rows = possible[name].labels[possible[name].slots == slot]
    if name == "tempo":
        return [None if np.isnan(value) else float(value) for value in rows]
    return [frozenset(int(tag) for tag in ids if tag >= 0) or None for ids in rows]


def test_a_pool_knows_every_label_that_a_window_of_what_it_holds_may_have():
    stream = (row(n, segments=n % 4 > 0) for n in itertools.count())
    pool = Pool(stream, SEGMENTED_SCHEMA, 12, 400, np.random.default_rng(0))
    for _ in range(3):
        pool.admit(5)
    possible, starts, labelled = pool.possible(), np.arange(400 - 129 + 1), 0
    assert possible.keys() == {"genre", "tempo"}
    for slot, held in enumerate(pool.rows):
        every = np.full(len(starts), slot)
        windows = label_windows(pool.labels(), pool.rows, pool.segmented, every, held["first_frame"] + starts)
        for name, column in (("genre", windows["genre"]), ("tempo", windows["tempo"])):
            mine = labels_of(possible, name, slot)
            assert 1 <= len(mine) == len(set(mine)) <= MOST
            names = {says(SEGMENTED_SCHEMA, held, name, n) for n in (None, *range(len(held["segments/start"])))}
            given = labels_of({name: Possible(every, column)}, name, slot)
            assert set(given) - {None} <= set(mine) <= names | {None}
            labelled += len(mine) > 1
    assert labelled > 5


def test_a_stretch_keeps_its_labels_where_it_is_cut_again():
    rng = np.random.default_rng(0)
    once = cut_stretch(row(5), SEGMENTED_SCHEMA, 300, rng, LOG_MEL)
    again = cut_stretch(once, SEGMENTED_SCHEMA, 300, rng, LOG_MEL)
    assert again["possible"] is once["possible"] and again["timelines"] is once["timelines"]
    shorter = cut_stretch(once, SEGMENTED_SCHEMA, 140, rng, LOG_MEL)
    assert shorter["timelines"] is once["timelines"] and len(shorter["possible"]["genre"]) <= len(
        once["possible"]["genre"]
    )


def made(rng, tracks):
    """Labels of tracks, what windows of them may be labelled, and the same as lists."""
    counts = rng.integers(1, 4, tracks)
    slots = np.repeat(np.arange(tracks), counts)
    genre = np.where(rng.random((len(slots), 2)) < 0.4, -1, rng.integers(5, size=(len(slots), 2))).astype(np.int32)
    tempo = np.where(rng.random(len(slots)) < 0.3, np.nan, rng.integers(60, 90, len(slots))).astype(np.float32)
    first = np.cumsum(counts) - counts
    labels = {"genre": genre[first], "tempo": tempo[first], "track": np.arange(tracks)}
    return labels, {"genre": Possible(slots, genre), "tempo": Possible(slots, tempo)}


@pytest.mark.parametrize("condition", [GENRE, TEMPO], ids=["genre", "tempo"])
def test_tracks_are_compared_by_all_that_they_may_be_labelled(condition):
    labels, possible = made(np.random.default_rng(1), 15)
    column = possible[condition.column]
    compared = Compared(condition, labels, column)
    asked = np.array([7, 2, 14, 2])
    near, far = compared.relations(asked)
    every = {condition.column: column.labels, "track": column.slots}
    for place, slot in enumerate(asked):
        for other in range(15):
            pairs = itertools.product(*(np.flatnonzero(column.slots == s) for s in (slot, other)))
            i, j = np.array(list(pairs)).T
            assert near[place, other] == condition.similar(every, i, j).any()
            assert far[place, other] == condition.dissimilar(every, i, j).any()
    known = condition.labelled(every)
    assert compared.labelled().tolist() == [bool(known[column.slots == slot].any()) for slot in range(15)]
    assert near.any() and far.any() and (near & far).any()


def test_where_each_track_has_one_label_partners_are_those_of_ever():
    conditions = Conditions([GENRE, TEMPO])
    for seed in range(5):
        labels, _ = made(np.random.default_rng(seed), 40)
        one = {name: Possible(np.arange(40), labels[name]) for name in ("genre", "tempo")}
        found, wanted = (
            find_partners(conditions, labels, range(8), np.random.default_rng(seed), of) for of in (one, None)
        )
        assert found == wanted


def test_a_label_of_a_part_brings_the_only_track_that_has_it_too():
    slots = np.sort(np.append(np.arange(40), [3, 31]))  # tracks 3 and 31 have a second label each, the same one
    genre = np.where(np.append(False, slots[1:] == slots[:-1]), 7, -1).astype(np.int32)
    genre[slots == 20] = 5
    labels = {"genre": np.full((40, 1), -1, np.int32), "track": np.arange(40)}
    for seed in range(5):
        possible = {"genre": Possible(slots, genre[:, None])}
        assert {20, 31} <= set(find_partners([GENRE], labels, [3, 4, 5, 6], np.random.default_rng(seed), possible))


def test_a_pool_without_segments_has_nothing_to_tell():
    pool = Pool((row(n) for n in itertools.count()), SCHEMA, 4, 400, np.random.default_rng(0))
    assert pool.possible() == {} and pool.segmented == () and "possible" not in pool.rows[0]
