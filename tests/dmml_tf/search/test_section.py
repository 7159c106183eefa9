"""Sections of songs as people write them."""

import pytest

from dmml_tf.search.section import Section, clock, parse_section, parse_time, require_long_enough
from tfrecords_tools.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:30-0:45", (30, 45)),
        ("90-105", (90, 105)),
        ("1:30 - 1:45.5", (90, 105.5)),
        ("1:02:03-1:02:33", (3723, 3753)),
        ("90:00-91:00", (5400, 5460)),
        ("0:30–0:45", (30, 45)),
        ("0-3", (0, 3)),
    ],
)
def test_forms(text, expected):
    assert parse_section(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write from when to when"),
        ("30", "write from when to when"),
        ("0:30-", "write from when to when"),
        ("-0:30-0:45", "write from when to when"),
        ("0:30-0:45-1:00", "write from when to when"),
        ("a-b", "write from when to when"),
        ("nan-inf", "write from when to when"),
        ("0:45-0:30", "ends before it begins"),
        ("0:30-0:30", "ends before it begins"),
        ("0:30-0:32", "shorter than 3 s"),
        ("0:75-1:30", "0:75 is no time"),
        ("1:75:00-2:00:00", "1:75:00 is no time"),
    ],
)
def test_bad_forms_are_one_line(text, said):
    with pytest.raises(UserError, match=said) as error:
        parse_section(text)
    assert "\n" not in str(error.value)


def test_seconds_that_are_no_numbers():
    with pytest.raises(UserError, match="ends before"):
        require_long_enough(Section(float("nan"), 3))


def test_printed_and_read_again():
    for section in (Section(30, 45), Section(0, 3), Section(61.5, 75), Section(3599.5, 3723)):
        assert parse_section(str(section)) == section
    assert [clock(seconds) for seconds in (0, 59.96, 75.5, 3675)] == ["0:00", "1:00", "1:15.5", "1:01:15"]


@pytest.mark.parametrize(("text", "expected"), [("75", 75), ("1:15", 75), ("75.5", 75.5), ("1:00:02", 3602)])
def test_a_time(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("text", "said"), [("", "write it as in"), ("0:30-0:45", "write it as in"), ("1:75", "no time")]
)
def test_what_is_no_time(text, said):
    with pytest.raises(UserError, match=said):
        parse_time(text)
