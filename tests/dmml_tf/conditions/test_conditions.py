"""Conditions against brute force, pair by pair."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag, Within, value_distance
from dmml_tf.data.triplets import HALF_WINDOW
from tests.triplet_oracle import apart, is_negative, is_positive, random_judgements, random_labels
from tfrecords_tools.errors import UserError

GENRE = SharedTag("genre")
TEMPO = Within("tempo", 5.0)
OCTAVES = Within("octaves", 3.0, column="tempo", octave=True)
TRACK = SameTrack("track", width=0)
MOOD = SharedTag("feeling", column="mood")
VOTES = Judged("votes")
ALL = (GENRE, TEMPO, OCTAVES, TRACK, MOOD)


def every_pair(n):
    i, j = np.divmod(np.arange(n * n), n)
    return i, j


def track_labels(**columns):
    """Labels of one window from each of N tracks."""
    count = len(next(iter(columns.values())))
    return {
        "track": np.arange(count, dtype=np.int32),
        "start": np.zeros(count, np.int32),
        **{name: np.asarray(column) for name, column in columns.items()},
    }


@pytest.mark.parametrize("condition", ALL, ids=lambda c: c.name)
@pytest.mark.parametrize("seed", range(4))
def test_every_pair_agrees_with_brute_force(condition, seed):
    labels = random_labels(np.random.default_rng(seed), tracks=14, windows=3)
    labels["tempo"] *= np.where(np.arange(42) // 3 % 3, 1.0, 2.0).astype(np.float32)
    i, j = every_pair(42)
    similar = condition.similar(labels, i, j, HALF_WINDOW)
    dissimilar = condition.dissimilar(labels, i, j)
    assert similar.tolist() == [is_positive(condition, labels, a, b) for a, b in zip(i, j)]
    assert dissimilar.tolist() == [is_negative(condition, labels, a, b) for a, b in zip(i, j)]
    assert similar.any() and dissimilar.any()


@pytest.mark.parametrize("seed", range(4))
def test_judged_pairs_agree_with_brute_force(seed):
    rng = np.random.default_rng(seed)
    labels = {**random_labels(rng, tracks=14, windows=3), "votes": random_judgements(rng, 42, 30)}
    i, j = every_pair(42)
    similar, dissimilar = VOTES.similar(labels, i, j, HALF_WINDOW), VOTES.dissimilar(labels, i, j)
    assert similar.tolist() == [is_positive(VOTES, labels, a, b) for a, b in zip(i, j)]
    assert dissimilar.tolist() == [is_negative(VOTES, labels, a, b) for a, b in zip(i, j)]
    assert 20 < similar.sum() <= 30 and 15 < dissimilar.sum() <= 23
    assert VOTES.labelled(labels).tolist() == [bool(row.max() >= 0) for row in labels["votes"]]


def test_octaves_are_one_value_and_nothing_else_is():
    pairs = [
        (70, 140),
        (140, 68),
        (60, 240),
        (90, 120),
        (100, 103),
        (120, 185),
        (1, 1000),
        (0, 0),
        (0, 140),
        (-70, 70),
        (-70, -140),
        (np.nan, 140),
        (140, np.nan),
        (60.5, 120),
    ]
    a, b = np.array(pairs, np.float32).T
    expected = [0, 4, 0, 30, 3, 55, 24, 0, 140, 140, 70, np.nan, np.nan, 1]
    for first, second in ((a, b), (b, a)):
        np.testing.assert_allclose(value_distance(first, second, octave=True), expected, atol=1e-4)
        np.testing.assert_array_equal(value_distance(first, second), np.abs(a - b))
    assert value_distance(np.float64(70), np.float64(141), octave=True) == 1


def test_octaves_belong_to_values():
    with pytest.raises(UserError, match="condition 'genre': octave is for kind 'within', not for 'shared_tag'"):
        Conditions.from_json([{"name": "genre", "kind": "shared_tag", "octave": True}])


def test_conditions_without_octaves_are_written_as_before_there_were_any():
    rows = Conditions([TEMPO, OCTAVES]).to_json()
    assert rows[0] == {
        "name": "tempo",
        "kind": "within",
        "column": "tempo",
        "width": 64,
        "tolerance": 5.0,
        "weight": 1.0,
        "share": 1.0,
        "file": "",
    }
    assert rows[1]["octave"] is True and [*Conditions.from_json(rows)] == [TEMPO, OCTAVES]


@pytest.mark.parametrize("seed", range(3))
def test_octave_distance_agrees_with_brute_force(seed):
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.uniform(-20, 400, (2, 500)), 1)
    b[:100] = a[:100] * 2.0 ** rng.integers(-4, 5, 100)
    b[100:120], a[120:140] = 0.0, np.nan
    expected = [np.nan if np.isnan(x) else apart(x, y, octave=True) for x, y in zip(a, b)]
    found = value_distance(a, b, octave=True)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_array_equal(found, value_distance(b, a, octave=True))
    assert (found[:100][a[:100] > 0] == 0).all() and np.isnan(found[120:140]).all()


def test_a_judgement_holds_from_its_anchor_and_within_itself():
    # Windows 0, 1, 2: the first judgement. Windows 2, 0, 3: the second.
    labels = track_labels(votes=np.array([[0, 4], [1, -1], [2, 3], [5, -1], [-1, -1]], np.int32))
    pairs = {(a, b) for a in range(5) for b in range(5) if VOTES.similar(labels, [a], [b])[0]}
    assert pairs == {(0, 1), (2, 0)}
    pairs = {(a, b) for a in range(5) for b in range(5) if VOTES.dissimilar(labels, [a], [b])[0]}
    assert pairs == {(0, 2), (2, 3)}


def test_two_clips_of_one_song_may_be_judged():
    labels = {**track_labels(votes=np.array([[0], [1], [2]], np.int32)), "track": np.zeros(3, np.int32)}
    assert VOTES.similar(labels, [0], [1]).all() and VOTES.dissimilar(labels, [0], [2]).all()


def test_items_without_the_column_were_not_judged():
    labels = track_labels(genre=[[0], [0]])
    assert not VOTES.labelled(labels).any()
    assert not VOTES.similar(labels, [0], [1]).any() and not VOTES.dissimilar(labels, [0], [1]).any()


@pytest.mark.parametrize("condition", ALL, ids=lambda c: c.name)
def test_the_rules_are_symmetric_and_exclude_each_other(condition):
    labels = random_labels(np.random.default_rng(9))
    i, j = every_pair(40)
    similar = condition.similar(labels, i, j, HALF_WINDOW).reshape(40, 40)
    dissimilar = condition.dissimilar(labels, i, j).reshape(40, 40)
    assert (similar == similar.T).all() and (dissimilar == dissimilar.T).all()
    assert not (similar & dissimilar).any()
    assert not similar.diagonal().any() and not dissimilar.diagonal().any()


@pytest.mark.parametrize("condition", (GENRE, TEMPO, MOOD), ids=lambda c: c.name)
def test_unlabelled_is_neither_positive_nor_negative(condition):
    labels = random_labels(np.random.default_rng(2), tracks=30)
    labelled = condition.labelled(labels)
    assert 0 < labelled.sum() < len(labelled)
    i, j = every_pair(60)
    touched = ~labelled[i] | ~labelled[j]
    assert not condition.similar(labels, i, j)[touched].any()
    assert not condition.dissimilar(labels, i, j)[touched].any()


def test_labelled_agrees_with_what_was_written():
    labels = track_labels(genre=[[2, -1], [-1, -1], [-1, 0]], tempo=np.array([120.0, np.nan, 0.0], np.float32))
    assert GENRE.labelled(labels).tolist() == [True, False, True]
    assert TEMPO.labelled(labels).tolist() == [True, False, True]
    assert TRACK.labelled(labels).tolist() == [True, True, True]


def test_within_includes_exactly_the_tolerance():
    labels = track_labels(tempo=np.array([120.0, 125.0, 125.5, 115.0, 114.5], np.float32))
    anchor, others = np.zeros(4, int), np.arange(1, 5)
    assert TEMPO.similar(labels, anchor, others).tolist() == [True, False, True, False]
    assert TEMPO.dissimilar(labels, anchor, others).tolist() == [False, True, False, True]


def test_padding_is_no_common_tag():
    labels = track_labels(genre=[[1, -1], [2, -1], [-1, -1]])
    assert not GENRE.similar(labels, [0, 2, 2], [1, 2, 0]).any()
    assert GENRE.dissimilar(labels, [0, 0], [1, 2]).tolist() == [True, False]


def test_windows_of_one_track_overlap_by_at_most_half():
    labels = {"track": np.zeros(3, np.int32), "start": np.array([100, 164, 165], np.int32)}
    # 129 frames: a distance of 64 leaves 65 in common, more than half; 65 leaves 64.
    assert TRACK.similar(labels, [0, 0, 1], [1, 2, 2], HALF_WINDOW).tolist() == [False, True, False]
    assert not TRACK.similar(labels, [0], [0], 0).any()


def test_a_song_is_no_positive_of_itself_for_a_tag_or_a_value():
    labels = {
        "track": np.zeros(2, np.int32),
        "start": np.array([0, 200], np.int32),
        "genre": np.array([[1], [1]]),
        "tempo": np.array([90.0, 90.0], np.float32),
    }
    for condition in (GENRE, TEMPO):
        assert not condition.similar(labels, [0], [1]).any()
        assert not condition.dissimilar(labels, [0], [1]).any()


def test_the_cost_of_a_pair_does_not_depend_on_the_vocabulary():
    labels = track_labels(genre=np.array([[9_999, 3], [4, 9_999], [2_000_000_000, -1]], np.int32))
    assert GENRE.similar(labels, [0, 0], [1, 2]).tolist() == [True, False]
    assert GENRE.dissimilar(labels, [0, 0], [1, 2]).tolist() == [False, True]


def test_masks_partition_the_embedding():
    conditions = Conditions(
        [
            SharedTag("a", width=3),
            SharedTag("b", width=0),
            Within("c", width=5),
            SharedTag("d", width=2),
        ]
    )
    masks = conditions.masks(10)
    assert masks.dtype == np.float32 and set(np.unique(masks)) == {0.0, 1.0}
    assert (masks[[0, 2, 3]].sum(axis=0) == 1.0).all()
    assert (masks[1] == 1.0).all()
    assert conditions.size == 10
    assert list(conditions.subspaces) == ["a", "c", "d"]
    for name, owned in conditions.subspaces.items():
        assert np.flatnonzero(masks[conditions.index(name)]).tolist() == list(range(owned.start, owned.stop))


def test_the_papers_masks():
    names = ("genre", "mood", "instrument", "tempo")
    masks = Conditions([*(SharedTag(name) for name in names), TRACK]).masks(256)
    expected = np.concatenate([np.kron(np.eye(4), np.ones(64)), np.ones((1, 256))])
    np.testing.assert_array_equal(masks, expected)


def test_all_widths_zero_sees_everything_at_any_size():
    conditions = Conditions([SharedTag("a", width=0), TRACK])
    assert conditions.size == 0 and conditions.subspaces == {}
    np.testing.assert_array_equal(conditions.masks(7), np.ones((2, 7)))


def test_widths_that_do_not_add_up_are_refused():
    with pytest.raises(UserError, match="add up to 128.*has 100"):
        Conditions([GENRE, TEMPO]).masks(100)


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"kind": "shared"}, "unknown kind 'shared'; known are: shared_tag, within, same_track, judged"),
        ({"kind": "within", "tolerance": -1.0}, "must not be negative"),
        ({"kind": "within", "width": -1}, "must not be negative"),
        ({"kind": "within", "weight": -0.5}, "must not be negative"),
        ({"kind": "within", "share": -0.5}, "must not be negative"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(fields, said):
    with pytest.raises(UserError, match=said) as caught:
        Conditions.from_json([{"name": "x", **fields}])
    assert "'x'" in str(caught.value) and "\n" not in str(caught.value)


def test_sets_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="at least one"):
        Conditions([])
    with pytest.raises(UserError, match="must differ: genre, genre"):
        Conditions([GENRE, Within("genre")])
    with pytest.raises(UserError, match="unknown condition 'mod'; the model has: genre, tempo"):
        Conditions([GENRE, TEMPO]).index("mod")


def test_a_missing_column_is_named_with_those_there_are():
    with pytest.raises(UserError, match="'feeling' needs a label column 'mood'; the data has: genre"):
        MOOD.labelled(track_labels(genre=[[0]]))


def test_column_defaults_to_the_name():
    assert (GENRE.column, TRACK.column, MOOD.column) == ("genre", "track", "mood")
    assert SameTrack("same song").column == "track"


def test_json_round_trip_and_equality():
    conditions = Conditions(ALL)
    again = Conditions.from_json(conditions.to_json())
    assert again == conditions and [*again] == [*ALL] and again[1] is again[-4]
    assert again != Conditions(ALL[::-1]) and repr(again) == repr(conditions)
    assert Conditions.from_json([{"name": "genre", "kind": "shared_tag"}]) == Conditions([GENRE])
