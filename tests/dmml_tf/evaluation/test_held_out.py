"""Held-out triplets against a brute-force list of all valid ones."""

import time

import numpy as np
import pytest

from dmml_tf.conditions import SameTrack, SharedTag, Within
from dmml_tf.conditions.labels import part_of
from dmml_tf.evaluation.held_out import sample_triplets
from tfrecords_tools.errors import UserError

GENRE = SharedTag("genre")
TEMPO = Within("tempo", 5.0)
TRACK = SameTrack("track", width=0)


def labels_of(count: int = 40, seed: int = 0) -> dict:
    """Random tracks, each window-like: some unlabelled, some with two tags, two items a track."""
    rng = np.random.default_rng(seed)
    genre = rng.integers(-1, 5, (count, 2)).astype(np.int32)
    tempo = rng.uniform(60, 180, count).astype(np.float32)
    tempo[::7] = np.nan
    return {
        "genre": genre,
        "tempo": tempo,
        "track": (np.arange(count) // 4).astype(np.int32),
        "start": (np.arange(count) % 4 * 50).astype(np.int32),
    }


def oracle(labels: dict, kind: type) -> dict[int, tuple[set, set]]:
    """Anchor -> (positives, negatives), written out in plain Python; only anchors that have both."""

    def relation(a: int, b: int) -> str:
        same = labels["track"][a] == labels["track"][b]
        if kind is SameTrack:
            far_apart = abs(int(labels["start"][a]) - int(labels["start"][b])) >= 65
            return ("positive" if far_apart else "") if same else "negative"
        if same:
            return ""
        if kind is SharedTag:
            x, y = (set(labels["genre"][k].tolist()) - {-1} for k in (a, b))
            return "" if not x or not y else "positive" if x & y else "negative"
        difference = abs(labels["tempo"][a] - labels["tempo"][b])
        return "" if np.isnan(difference) else "positive" if difference <= 5.0 else "negative"

    items = range(len(labels["track"]))
    table = {
        a: ({b for b in items if relation(a, b) == "positive"}, {b for b in items if relation(a, b) == "negative"})
        for a in items
    }
    return {a: both for a, both in table.items() if both[0] and both[1]}


@pytest.mark.parametrize("condition", [GENRE, TEMPO, TRACK], ids=lambda c: c.kind)
def test_every_triplet_is_valid_and_every_valid_anchor_positive_and_negative_occurs(condition):
    labels = labels_of()
    table = oracle(labels, type(condition))
    triplets = sample_triplets(condition, labels, 20_000, seed=3, overlap_frames=65)
    assert triplets.shape == (20_000, 3) and triplets.dtype == np.int32
    assert set(triplets[:, 0]) == set(table)
    for anchor, (positives, negatives) in table.items():
        of_anchor = triplets[triplets[:, 0] == anchor]
        assert set(of_anchor[:, 1]) == positives
        assert set(of_anchor[:, 2]) == negatives


@pytest.mark.parametrize("condition", [GENRE, TEMPO, TRACK], ids=lambda c: c.kind)
def test_anchors_and_partners_are_uniform(condition):
    labels = labels_of()
    table = oracle(labels, type(condition))
    triplets = sample_triplets(condition, labels, 60_000, seed=5, overlap_frames=65)
    shares = np.bincount(triplets[:, 0], minlength=40)[sorted(table)] / 60_000 * len(table)
    assert np.abs(shares - 1.0).max() < 0.15
    anchor = max(table, key=lambda a: len(table[a][0]))
    of_anchor = triplets[triplets[:, 0] == anchor]
    for column, partners in ((1, table[anchor][0]), (2, table[anchor][1])):
        shares = np.bincount(of_anchor[:, column], minlength=40)[sorted(partners)] / len(of_anchor) * len(partners)
        assert np.abs(shares - 1.0).max() < 0.5


@pytest.mark.parametrize("condition", [GENRE, TEMPO], ids=lambda c: c.kind)
def test_negatives_within_are_all_other_parts_of_the_anchors_track(condition):
    labels = labels_of()
    labels[part_of(condition.column)] = part = np.arange(40) % 4 // 2 + 1
    apart = {**labels, "track": np.arange(40)}  # the oracle's negatives, were each item a track of its own
    positives, anywhere = (oracle(rows, type(condition)) for rows in (labels, apart))
    table = {}
    for anchor, (near, _) in positives.items():
        track = set(np.flatnonzero((labels["track"] == labels["track"][anchor]) & (part != part[anchor])).tolist())
        if within := anywhere[anchor][1] & track:
            table[anchor] = near, within
    triplets = sample_triplets(condition, labels, 20_000, seed=3, negatives_within=True)
    assert len(triplets) == 20_000 and set(triplets[:, 0]) == set(table) != set()
    for anchor, (near, within) in table.items():
        of_anchor = triplets[triplets[:, 0] == anchor]
        assert set(of_anchor[:, 1]) == near and set(of_anchor[:, 2]) == within
    unsegmented = labels_of()
    assert len(sample_triplets(condition, unsegmented, 10, seed=0, negatives_within=True)) == 0


def test_a_partner_too_rare_to_guess_is_found():
    genre = np.zeros((5000, 1), np.int32)
    genre[[17, 4040]] = 1
    labels = {"genre": genre, "track": np.arange(5000, dtype=np.int32)}
    triplets = sample_triplets(GENRE, labels, 20_000, seed=0)
    rare = triplets[np.isin(triplets[:, 0], (17, 4040))]
    assert len(rare) and (rare[:, 0] + rare[:, 1] == 17 + 4040).all()
    assert np.isin(triplets[~np.isin(triplets[:, 0], (17, 4040))][:, 2], (17, 4040)).all()


@pytest.mark.parametrize(
    "condition, labels",
    [
        (GENRE, {"genre": np.zeros((9, 1), np.int32)}),  # one class: no negative
        (GENRE, {"genre": np.arange(9, dtype=np.int32)[:, None]}),  # no two alike: no positive
        (GENRE, {"genre": np.full((9, 2), -1, np.int32)}),  # nothing labelled
        (TEMPO, {"tempo": np.full(9, np.nan, np.float32)}),
        (TEMPO, {"tempo": np.full(9, 100.0, np.float32)}),
        (TRACK, {"start": np.zeros(9, np.int32)}),  # one window a track
    ],
    ids=["one class", "no positive", "unlabelled", "no tempo", "one tempo", "one window a track"],
)
def test_no_valid_triplet_gives_none(condition, labels):
    labels = {**labels, "track": np.arange(9, dtype=np.int32)}
    assert sample_triplets(condition, labels, 10, seed=0, overlap_frames=65).shape == (0, 3)


def test_no_item_and_no_triplet_wanted_give_none():
    empty = {"genre": np.zeros((0, 1), np.int32), "track": np.zeros(0, np.int32)}
    assert sample_triplets(GENRE, empty, 10, seed=0).shape == (0, 3)
    assert sample_triplets(GENRE, labels_of(), 0, seed=0).shape == (0, 3)


def test_one_track_has_no_negative_window():
    labels = {"track": np.zeros(5, np.int32), "start": np.arange(5, dtype=np.int32) * 129}
    assert len(sample_triplets(TRACK, labels, 10, seed=0, overlap_frames=65)) == 0


def test_the_seed_decides():
    labels = labels_of()
    first, again, other = (sample_triplets(GENRE, labels, 50, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_missing_column_is_named():
    with pytest.raises(UserError, match="'genre'"):
        sample_triplets(GENRE, {"track": np.arange(3)}, 5, seed=0)


@pytest.mark.parametrize("tags", [1, 4])
def test_thirty_thousand_tracks_and_ten_thousand_tags_in_seconds(tags):
    rng = np.random.default_rng(0)
    labels = {
        "genre": rng.integers(0, 10_000, (30_000, tags)).astype(np.int32),
        "track": np.arange(30_000, dtype=np.int32),
    }
    begin = time.process_time()
    triplets = sample_triplets(GENRE, labels, 500, seed=0)
    assert GENRE.similar(labels, triplets[:, 0], triplets[:, 1]).all()
    assert GENRE.dissimilar(labels, triplets[:, 0], triplets[:, 2]).all()
    assert time.process_time() - begin < 20.0
