"""Conditions as rows of JSON."""

import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from tests.dmml_tf.conditions.made import ALL, GENRE, OCTAVES, TEMPO
from tfrecords_tools.errors import UserError


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


def test_json_round_trip_and_equality():
    conditions = Conditions(ALL)
    again = Conditions.from_json(conditions.to_json())
    assert again == conditions and [*again] == [*ALL] and again[1] is again[-4]
    assert again != Conditions(ALL[::-1]) and repr(again) == repr(conditions)
    assert Conditions.from_json([{"name": "genre", "kind": "shared_tag"}]) == Conditions([GENRE])


def test_a_row_may_hold_what_other_kinds_leave_unset_and_no_more():
    row = {"name": "genre", "kind": "shared_tag", "tolerance": 0.0, "file": "", "octave": False}
    assert Conditions.from_json([row]) == Conditions([GENRE])
    with pytest.raises(UserError, match="condition 'genre': tolerance is for kind 'within', not for 'shared_tag'"):
        Conditions.from_json([{**row, "tolerance": 5.0}])
    with pytest.raises(UserError, match="'genre': it has no kind; known are: shared_tag, within, same_track, judged"):
        Conditions.from_json([{"name": "genre"}])
    with pytest.raises(TypeError, match="mask"):
        Conditions.from_json([{**row, "mask": 1}])


def test_the_tolerance_may_follow_the_name():
    assert Within("tempo", 5.0) == TEMPO == Within("tempo", tolerance=5.0)
    with pytest.raises(TypeError):
        SharedTag("genre", "mood")  # not a column by its place: every other field is named
