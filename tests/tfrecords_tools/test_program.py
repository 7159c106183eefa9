"""The dispatcher: exit statuses, one-line errors, help without importing commands."""

import errno
import sys
import types

import pytest
from absl import flags

from tfrecords_tools.errors import UserError
from tfrecords_tools.program import Command, dispatch


@pytest.fixture
def call(monkeypatch):
    """Calls a program with one command `make` whose `run` is given; returns the exit status."""

    def calling(run, *argv: str) -> int:
        module = types.ModuleType("made_command")
        module.define_flags = lambda fv: flags.DEFINE_integer("size", 1, "how large", flag_values=fv)
        module.run = run
        monkeypatch.setitem(sys.modules, "made_command", module)
        commands = [Command("make", "makes it", "made_command"), Command("ghost", "is nowhere", "no_such_module")]
        return dispatch("tool", "a tool", commands, argv)

    return calling


def _raise(error: BaseException):
    def run(_):
        raise error

    return run


def _never(_):
    raise AssertionError("must not run")


def test_flags_reach_the_command(call):
    seen = []
    assert call(lambda fv: seen.append(fv.size), "make", "--size=7") == 0
    assert seen == [7]


@pytest.mark.parametrize("argument", ["--help", "-h", "help", "--helpfull"])
def test_overview_names_every_command_without_importing_it(call, capsys, argument):
    assert call(_never, argument) == 0
    text = capsys.readouterr().out
    assert "make   makes it" in text and "ghost  is nowhere" in text


def test_no_command_shows_the_overview_and_is_an_error(call, capsys):
    assert call(_never) == 2
    assert "makes it" in capsys.readouterr().out


def test_a_commands_help_lists_its_own_flags_only(call, capsys):
    assert call(_never, "make", "--help") == 0
    text = capsys.readouterr().out
    assert "how large" in text and "alsologtostderr" not in text


@pytest.mark.parametrize(
    "argv, message",
    [
        (("mke",), "tool: error: unknown command 'mke'; known are: make, ghost"),
        (("make", "--sise=3"), "Unknown command line flag 'sise'"),
        (("make", "--size=big"), "tool make: error: flag --size=big"),
        (("make", "stray"), "unexpected argument 'stray'"),
    ],
)
def test_bad_arguments_are_one_line_and_status_2(call, capsys, argv, message):
    assert call(_never, *argv) == 2
    text = capsys.readouterr().err
    assert message in text and text.count("\n") == 1


def test_a_user_error_is_one_line_whatever_its_text(call, capsys):
    assert call(_raise(UserError("songs.csv:\n  line 3   is wrong")), "make") == 2
    assert capsys.readouterr().err == "tool make: error: songs.csv: line 3 is wrong\n"


def test_ctrl_c_is_130(call, capsys):
    assert call(_raise(KeyboardInterrupt()), "make") == 130
    assert "interrupted; run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize(
    "number, mend",
    [
        (errno.ENOSPC, "make room"),
        (errno.EACCES, "permissions"),
        (errno.EROFS, "another"),
        (errno.ENOTDIR, "another"),
    ],
)
def test_what_the_disk_says_is_one_line(call, capsys, number, mend):
    assert call(_raise(OSError(number, "Reason", "out/x")), "make") == 2
    text = capsys.readouterr().err
    assert text.startswith("tool make: error: out/x: Reason; ") and mend in text and text.count("\n") == 1


def test_a_full_disk_without_a_name(call, capsys):
    assert call(_raise(OSError(errno.ENOSPC, "No space left on device")), "make") == 2
    assert "error: No space left on device; make room" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError("ours"), OSError(errno.EBADF, "ours")])
def test_our_own_defects_keep_their_traceback(call, error):
    with pytest.raises(type(error), match="ours"):
        call(_raise(error), "make")
