"""progress: passes items through, reports at most so often, ends with a last line."""

import pytest

from tfrecords_tools import progress as module
from tfrecords_tools.progress import progress


class _Clock:
    """A clock that advances by a fixed step at every look."""

    def __init__(self, step: float):
        self.now, self.step = 0.0, step

    def monotonic(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch):
    def install(step: float):
        monkeypatch.setattr(module, "time", _Clock(step))

    return install


def test_items_pass_through_in_order_and_unchanged():
    items = [object(), None, 0]
    assert list(progress(items)) == items


def test_plain_lines_come_at_most_every_ten_seconds(clock, capsys):
    clock(1.0)
    list(progress(range(35), label="songs"))
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 5
    assert lines[0].startswith("songs: 10/35, 1.0/s") and lines[0].endswith("0:25 left")
    assert lines[-1].startswith("songs: 35/35") and "taken" in lines[-1]


def test_terminal_rewrites_one_line(clock, capsys, monkeypatch):
    clock(1.0)
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    list(progress(range(5), label="songs"))
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.endswith("\n")
    assert text.count("\r") == 6


def test_without_a_length_no_time_left_is_claimed(clock, capsys):
    clock(6.0)
    list(progress(iter("abcd")))
    text = capsys.readouterr().err
    assert "left" not in text and "/4" not in text


def test_nothing_to_do_still_says_so(capsys):
    assert list(progress([], label="songs")) == []
    assert "songs: 0/0" in capsys.readouterr().err


def test_an_error_in_the_source_reaches_the_caller_after_the_last_line(capsys):
    def source():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(progress(source(), total=2))
    assert "1/2" in capsys.readouterr().err


@pytest.mark.parametrize("seconds, text", [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3725, "1:02:05")])
def test_clock(seconds, text):
    assert module._clock(seconds) == text


def test_slow_work_shows_a_rate_below_one():
    assert "0.25/s" in module._line("x", 1, 10, 4.0)
