import hashlib
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from tfrecords_tools.errors import UserError

pytest.importorskip("music21")

from tfrecords_tools.check.mutual_information import chance_level, mutual_information
from tfrecords_tools.demo import scores
from tfrecords_tools.demo.instruments import FAMILIES, draw_families, seat
from tfrecords_tools.demo.moods import MOODS
from tfrecords_tools.demo.piece import ROLES
from tfrecords_tools.demo.plan import GENRES, SHARES, label_columns, plan_corpus


@pytest.fixture(scope="module")
def plans():
    return plan_corpus(480, seed=0, seconds=30.0)


def test_the_same_seed_gives_the_same_plan_and_another_another(plans):
    assert plan_corpus(480, 0, 30.0) == plans
    assert plan_corpus(480, 1, 30.0) != plans


@pytest.mark.spawns
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_plan_does_not_hang_on_the_process(plans, hash_seed):
    code = (
        "from tfrecords_tools.demo.plan import plan_corpus\n"
        "import hashlib; print(hashlib.sha256(repr(plan_corpus(480, 0, 30.0)).encode()).hexdigest())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert found == hashlib.sha256(repr(plans).encode()).hexdigest()


def test_every_genre_is_in_each_split_in_the_promised_shares(plans):
    assert len(plans) == len({plan.track_id for plan in plans}) == 480
    for split, share in SHARES.items():
        chosen = [plan for plan in plans if plan.split == split]
        assert {plan.genre for plan in chosen} == set(GENRES)
        assert len(chosen) / 480 == pytest.approx(share, abs=0.015)


def test_an_artist_has_one_genre_and_one_split(plans):
    splits = {}
    for plan in plans:
        splits.setdefault(plan.artist_name, set()).add((plan.genre, plan.split))
    assert all(len(found) == 1 for found in splits.values())
    artists = Counter(next(iter(found))[0] for found in splits.values())
    assert min(artists[genre] for genre in GENRES) >= 5


def test_no_work_serves_two_splits(plans):
    used = {}
    for plan in plans:
        for file in plan.scores:
            used.setdefault((plan.genre, file), set()).add(plan.split)
    assert used and all(len(found) == 1 for found in used.values())


@pytest.mark.parametrize("split", ["train", "valid", "test", None])
def test_no_dimension_tells_more_of_another_than_chance(plans, split):
    columns = label_columns([plan for plan in plans if split in (None, plan.split)])
    names = list(columns)
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            assert mutual_information(columns[a], columns[b]) <= chance_level(columns[a], columns[b]), (a, b)


def test_moods_are_balanced_and_tempo_is_uniform(plans):
    moods = Counter((plan.genre, plan.mood) for plan in plans)
    assert max(moods.values()) - min(moods.values()) <= 4
    tempos = np.array([plan.tempo for plan in plans])
    counts = np.histogram(tempos, bins=12, range=(60, 180))[0]
    assert counts.sum() == 480 and counts.min() >= 36 and counts.max() <= 44


def test_tracks_share_an_instrument_one_time_in_five(plans):
    sets = [set(plan.families) for plan in plans]
    shared = [bool(a & b) for k, a in enumerate(sets) for b in sets[k + 1 :]]
    assert 0.17 <= np.mean(shared) <= 0.24
    assert {family for tags in sets for family in tags} == set(FAMILIES)


def test_small_corpora_hold_fewer_genres_but_whole_ones():
    plans = plan_corpus(24, seed=0, seconds=9.0)
    cells = {(plan.genre, plan.split) for plan in plans}
    assert len(plans) == 24 and len(cells) == 3 * 8


@pytest.mark.parametrize("tracks, seconds, told", [(5, 9.0, "at least 6"), (24, 2.9, "3 s")])
def test_impossible_figures_are_refused(tracks, seconds, told):
    with pytest.raises(UserError, match=told):
        plan_corpus(tracks, 0, seconds)


def test_every_family_plays_a_role_that_never_rests():
    rng = np.random.default_rng(0)
    for families in draw_families(60, rng):
        seats = seat(families, rng)
        assert set(seats) == set(ROLES)
        assert {one.family for one in seats.values()} == set(families)
        assert all(one.program == FAMILIES[one.family].number for one in seats.values())
        assert all(1 <= one.volume <= 127 and 0 <= one.pan <= 127 for one in seats.values())


def test_score_genres_have_works_enough_for_ten_artists():
    for genre in scores.GENRES:
        works = [scores.files_of_artist(genre, artist, 10) for artist in range(10)]
        assert sum(map(len, works)) == len({file for range_ in works for file in range_})
        assert min(map(len, works)) >= 6
    assert set(MOODS) == {"happy", "calm", "sad", "tense"}
