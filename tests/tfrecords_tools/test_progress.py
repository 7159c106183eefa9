"""progress: passes items through, reports at most so often, ends with a last line."""

import sys

import pytest
import tqdm.std

from tfrecords_tools.program import progress


class _Clock:
    """A clock that advances by a fixed step at every look."""

    def __init__(self, step: float):
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch):
    def install(step: float):
        monkeypatch.setattr(tqdm.std, "time", _Clock(step))

    return install


def test_items_pass_through_in_order_and_unchanged():
    items = [object(), None, 0]
    assert list(progress(items)) == items


def test_plain_lines_come_at_most_every_ten_seconds(clock, capsys):
    clock(1.0)
    list(progress(range(35), label="songs"))
    text = capsys.readouterr().err
    lines = text.splitlines()
    assert 3 <= len(lines) <= 5 and "\r" not in text and "\x1b" not in text
    assert lines[0].startswith("songs: 10/35, ") and "/s, " in lines[0] and lines[0].endswith(" left")
    assert lines[-1].startswith("songs: 35/35, ") and lines[-1].endswith(" taken")


def test_rate_and_time_left_are_those_of_the_clock(monkeypatch, capsys):
    clock = _Clock(0.0)
    monkeypatch.setattr(tqdm.std, "time", clock)
    for _ in progress(range(10), label="songs"):
        clock.now += 30.0
    assert "songs: 5/10,  0.03/s, 02:30 left" in capsys.readouterr().err.splitlines()


def test_terminal_rewrites_one_line(clock, capsys, monkeypatch):
    clock(1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    list(progress(range(5), label="songs"))
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.endswith("\n")
    assert text.count("\r") == 7 and text.count("songs: ") == 7  # at the start, after each item, at the end


def test_without_a_length_no_time_left_is_claimed(clock, capsys):
    clock(6.0)
    list(progress(iter("abcd")))
    text = capsys.readouterr().err
    assert "left" not in text and "/4" not in text and text.splitlines()[-1].startswith("4, ")


def test_nothing_to_do_still_says_so(capsys):
    assert list(progress([], label="songs")) == []
    assert capsys.readouterr().err.startswith("songs: 0/0, ")


def test_an_error_in_the_source_reaches_the_caller_after_the_last_line(capsys):
    def source():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(progress(source(), total=2))
    assert "1/2" in capsys.readouterr().err


def test_an_interruption_leaves_a_last_line(capsys):
    items = progress(range(9), label="songs")
    next(items)
    next(items)
    items.close()
    assert capsys.readouterr().err.splitlines()[-1].startswith("songs: 1/9, ")


def test_two_at_once_do_not_move_the_cursor(clock, capsys):
    clock(6.0)
    for _ in progress(range(3), label="outer"):
        list(progress(range(2), label="inner"))
    text = capsys.readouterr().err
    assert "\x1b" not in text and all(line.startswith(("outer: ", "inner: ")) for line in text.splitlines())


def test_no_thread_is_left_behind():
    import threading

    before = threading.active_count()
    list(progress(range(3)))
    assert threading.active_count() == before
