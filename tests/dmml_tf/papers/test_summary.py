"""Means, deviations and columns against NumPy; the clock; the pairs."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.evaluation.held_out import HeldOut
from dmml_tf.papers.clock import Clock, spoken
from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.papers.pairs import check_pairs, compare_pairs
from dmml_tf.papers.summary import Cell, cells, columns_of, over_seeds, papers_first
from tests.dmml_tf.evaluation.test_paired import paired_difference
from tests.dmml_tf.papers.made import outcome
from tfrecords_tools.errors import UserError


def test_means_and_deviations_over_seeds_equal_numpys():
    values = np.array([0.61, 0.7, 0.43])
    found = over_seeds([{"value": v, "low": v - 0.1, "high": v + 0.2} for v in values] + [None])
    assert dataclasses.astuple(found) == pytest.approx(
        (values.mean(), values.std(ddof=1), (values - 0.1).mean(), (values + 0.2).mean(), 3)
    )
    assert over_seeds([{"value": 0.5}]) == Cell(0.5, None, None, None, 1)
    assert over_seeds([]) is None and over_seeds([None]) is None


def test_time_is_compared_with_the_first_trained_row():
    rows = [
        outcome("a", {0: {"whole.genre": 0.5}}, kind="baseline", seconds=9.0),
        outcome("b", {0: {}, 2: {}}, seconds=3.0),
        outcome("c", {0: {"whole.genre": 0.5}}, seconds=8.0),
    ]
    found = cells(rows)
    assert list(found) == ["a", "b", "c"]
    assert [row["time_ratio"].value for row in found.values()] == pytest.approx([9 / 4, 1.0, 2.0])
    assert found["b"]["time_ratio"].deviation == pytest.approx(np.std([3 / 4, 5 / 4], ddof=1))
    assert rows[1].mean("seconds") == 4.0 and "time_ratio" not in cells(rows[:1])["a"]


def test_columns_spell_out_the_conditions_and_the_papers_rows_come_first():
    assert columns_of((("whole.*", ""), ("human.whole", "people")), ["genre", "key"]) == [
        ("whole.genre", "genre"),
        ("whole.key", "key"),
        ("whole.overall", "overall"),
        ("human.whole", "people"),
    ]
    rows = [
        outcome("a", {0: {}}),
        outcome("b", {0: {}}, paper={"x": 1.0}),
        outcome("c", {0: {}}),
        outcome("d", {0: {}}, paper={"x": 1.0}),
    ]
    assert [one.row.name for one in papers_first(rows)] == ["b", "d", "a", "c"]


def test_what_has_not_had_its_turn_is_pending():
    row = outcome("a", {0: {}, 4: {}})
    del row.measured[4]
    assert row.pending == [4]
    row.failed[4] = "for this reason"
    assert row.pending == []


def test_the_clock_scales_with_steps_and_falls_back_to_the_mean():
    clock = Clock()
    assert clock.left([("training", 10)]) is None and clock.left([]) == 0.0
    clock.took(("training", 100), 50.0)
    assert clock.left([("training", 400), ("training", 100)]) == pytest.approx(250.0)
    assert clock.left([("fitting", 1)]) == pytest.approx(50.0)
    clock.took(("fitting", 1), 10.0)
    clock.took(("training", 300), 190.0)
    assert clock.left([("training", 100), ("fitting", 1), ("other", 5)]) == pytest.approx(60 + 10 + 250 / 3)
    assert [spoken(seconds) for seconds in (0.4, 89, 100, 5000, 6000)] == [
        "0 s",
        "89 s",
        "2 min",
        "83 min",
        "1 h 40 min",
    ]


@pytest.fixture(scope="module")
def side():
    """Forty triplets of each of two conditions on 12 tracks."""
    rng = np.random.default_rng(0)
    drawn = {name: np.stack([rng.permutation(12)[:3] for _ in range(40)]) for name in ("genre", "mood")}
    conditions = Conditions([SharedTag(name) for name in drawn])
    held_out = HeldOut(conditions, drawn, np.zeros(0, np.int32), 12, 5)
    return HeldOutSide(None, "", held_out, {}, 30, False, None)


def answers(seed):
    rng = np.random.default_rng(seed)
    return {"whole": {name: rng.random(40) < 0.6 for name in ("genre", "mood")}, "subspace": {}}


def test_pairs_are_tested_on_their_means_over_seeds(side):
    first, second = outcome("a", {0: {}, 1: {}}), outcome("b", {0: {}}, right=answers(3))
    first.measured.update({seed: dataclasses.replace(one, right=answers(seed)) for seed, one in first.measured.items()})
    asked = [
        ("a", "b", "whole", "mood"),
        ("a", "b", "whole", "overall"),
        ("a", "b", "subspace", "mood"),
        ("a", "gone", "whole", "mood"),
    ]
    tested = {}
    found = compare_pairs(asked, [first, second], side, tested)
    assert [(one.space, one.condition) for one in found] == [("whole", "mood"), ("whole", "overall")]
    share = (answers(0)["whole"]["mood"].astype(float) + answers(1)["whole"]["mood"]) / 2
    other = answers(3)["whole"]["mood"]
    assert found[0].difference == paired_difference(share, other, side.held_out.triplets["mood"], 12, 5, 30)
    assert found[0].difference.value == pytest.approx(share.mean() - other.mean())
    genre = np.mean([answers(seed)["whole"]["genre"].mean() for seed in (0, 1)]) - answers(3)["whole"]["genre"].mean()
    assert found[1].difference.value == pytest.approx((found[0].difference.value + genre) / 2)
    again = compare_pairs(asked, [first, second], side, tested)
    assert all(one is other for one, other in zip(again, found))  # not tested twice
    del first.measured[1]
    assert compare_pairs(asked, [first, second], side, tested)[0].difference.value != found[0].difference.value


def test_a_pair_on_a_condition_that_is_not_scored_is_bad_input(side):
    check_pairs([("a", "b", "whole", "mood"), ("a", "b", "subspace", "overall")], side.conditions.names)
    with pytest.raises(UserError, match="config.pairs: 'tempo' is not scored; scored are: overall, genre, mood"):
        check_pairs([("a", "b", "whole", "mood"), ("a", "b", "whole", "tempo")], side.conditions.names)
