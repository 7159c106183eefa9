"""The pool of tracks: first in first out, bounded, and partners that are truly similar."""

import itertools

import numpy as np
import pytest

from dmml_tf.conditions import SameTrack, SharedTag, Within
from dmml_tf.data.partners import partners_by_turns
from dmml_tf.data.pool import Pool
from tests.synthetic import SCHEMA

GENRE = SharedTag("genre")
MOOD = SharedTag("mood")
TEMPO = Within("tempo", 5.0)
TRACK = SameTrack("track", width=0)


def row(number, frames=200, genre=(), mood=(), tempo=np.nan):
    log_mel = np.zeros((frames, 128), np.float16)
    log_mel[:, 0] = np.arange(frames)
    return {
        "track_id": f"t{number}",
        "artist": "",
        "log_mel": log_mel,
        "tags/genre": np.array(genre, np.int64),
        "tags/instrument": np.array([], np.int64),
        "tags/mood": np.array(mood, np.int64),
        "values/tempo": np.float32(tempo),
    }


def make(rows, capacity, max_frames=300, seed=0):
    return Pool(iter(rows), SCHEMA, capacity, max_frames, np.random.default_rng(seed))


def turns(pool, conditions, slots, labels):
    i, j = np.array(slots)[:, None], np.arange(len(pool.rows))[None]
    near = np.array([c.similar(labels, i, j) for c in conditions if not c.of_one_track], bool)
    return partners_by_turns(near.reshape(-1, len(slots), len(pool.rows)), pool._rng)


def held(pool):
    return [row["track_id"] for row in pool.rows]


def test_the_oldest_make_room():
    pool = make(map(row, itertools.count()), 5)
    assert held(pool) == ["t0", "t1", "t2", "t3", "t4"]
    assert pool.admit(3) == [0, 1, 2]
    assert held(pool) == ["t5", "t6", "t7", "t3", "t4"]
    assert pool.admit(3) == [3, 4, 0]
    assert held(pool) == ["t10", "t6", "t7", "t8", "t9"]
    assert pool.admit(0) == []


def test_it_holds_the_last_of_the_stream_and_no_more():
    pool = make((row(n, frames=20) for n in itertools.count()), 16)
    for n in range(1, 40):
        pool.admit(7)
        assert sorted(held(pool), key=lambda t: int(t[1:])) == [f"t{t}" for t in range(7 * n, 7 * n + 16)]


def test_long_tracks_are_cut_and_do_not_hold_on_to_the_rest():
    pool = make([row(n, frames=1000) for n in range(30)] + [row(30, frames=300), row(31, frames=40)], 32)
    assert [len(r["log_mel"]) for r in pool.rows] == [300] * 31 + [40]
    firsts = []
    for cut in pool.rows[:30]:
        assert cut["log_mel"].base is None  # a view would keep the whole track in memory
        frames = cut["log_mel"][:, 0].astype(int)
        np.testing.assert_array_equal(frames, np.arange(frames[0], frames[0] + 300))
        firsts.append(int(frames[0]))
    assert len(set(firsts)) > 20 and min(firsts) >= 0 and max(firsts) <= 700


def test_rows_remember_where_they_were_cut():
    pool = make([row(0, frames=1000), row(1, frames=200)], 2)
    assert [r["first_frame"] for r in pool.rows] == [int(pool.rows[0]["log_mel"][0, 0]), 0]


def test_the_stream_is_not_changed():
    source = row(0, frames=1000)
    make([source], 1)
    assert set(source) == set(row(0)) and len(source["log_mel"]) == 1000


def test_a_song_that_came_twice_is_one_track():
    pool = make([row(0), row(1), row(0), row(2)], 4)
    track = pool.labels()["track"]
    assert track.dtype == np.int32
    assert track[0] == track[2] and len(set(track.tolist())) == 3


def test_the_partner_shares_a_rare_tag():
    rows = [row(n, genre=[0]) for n in range(60)]
    rows[7], rows[40] = row(7, mood=[1]), row(40, mood=[1])
    pool = make(rows, 60)
    for seed in range(5):
        pool._rng = np.random.default_rng(seed)
        assert turns(pool, [MOOD], [7, 40], pool.labels()) == [40, 7]


@pytest.mark.parametrize("conditions", [[GENRE], [TEMPO], [GENRE, TEMPO, TRACK]], ids=["tag", "value", "all"])
def test_partners_are_similar_where_one_exists(conditions):
    rng = np.random.default_rng(3)
    rows = [
        row(
            n,
            genre=rng.choice(8, size=rng.integers(0, 3), replace=False),
            tempo=rng.choice([np.nan, rng.uniform(60, 180)]),
        )
        for n in range(50)
    ]
    pool = make(rows, 50)
    labels, everyone = pool.labels(), np.arange(50)
    rules = [c for c in conditions if not c.of_one_track]
    able = 0
    for slot, partner in zip(everyone, turns(pool, conditions, everyone.tolist(), labels)):
        if any(rule.similar(labels, np.full(50, slot), everyone).any() for rule in rules):
            able += 1
            assert any(rule.similar(labels, [slot], [partner])[0] for rule in rules)
    assert 10 < able < 50


def test_conditions_take_turns():
    # Slot 0 is of one genre with slot 1, of one tempo with slot 2.
    rows = [row(0, genre=[0], tempo=100), row(1, genre=[0], tempo=150), row(2, genre=[1], tempo=101)]
    pool = make(rows, 3)
    partners = turns(pool, [GENRE, TEMPO], [0] * 40, pool.labels())
    assert partners.count(1) == partners.count(2) == 20


def test_a_track_condition_alone_gives_random_partners():
    pool = make(map(row, range(10)), 10)
    partners = turns(pool, [TRACK], list(range(10)) * 20, pool.labels())
    assert set(partners) == set(range(10))


def test_the_same_seed_gives_the_same_pool():
    def run(seed):
        pool = make((row(n, frames=400, genre=[n % 3]) for n in itertools.count()), 12, seed=seed)
        slots = pool.admit(6)
        return [r["first_frame"] for r in pool.rows], turns(pool, [GENRE], slots, pool.labels())

    assert run(1) == run(1) != run(2)
