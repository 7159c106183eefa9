"""What `dmml-records` and `dmml` have in common: sub-commands on absl flags, exit statuses, progress of long work.

Each command owns a private `FlagValues`, so that its `--help` lists its own flags only and two
commands may use one flag name with different meanings.
"""

import dataclasses
import errno
import importlib
import os
import sys
from collections.abc import Generator, Iterable, Sequence
from typing import TypeVar

from absl import flags
from tqdm import tqdm

from tfrecords_tools.errors import UserError

Item = TypeVar("Item")

EXIT_OK, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 2, 130

# What the file system may answer that a user can mend, and how. Anything else is our defect: a traceback.
_OTHER_PLACE = "choose another file or folder"
_MENDABLE = {
    errno.ENOSPC: "make room or choose another folder",
    errno.EDQUOT: "make room or choose another folder",
    errno.EFBIG: "choose a folder on another disk",
    errno.EACCES: "change the permissions or " + _OTHER_PLACE,
    errno.EPERM: "change the permissions or " + _OTHER_PLACE,
    errno.EROFS: _OTHER_PLACE,
    errno.ENOTDIR: _OTHER_PLACE,
    errno.EISDIR: _OTHER_PLACE,
    errno.ENAMETOOLONG: _OTHER_PLACE,
}


@dataclasses.dataclass(frozen=True)
class Command:
    """One sub-command.

    Attributes:
        name: what the user types; of two words where several commands are of one kind, as in `bench search`.
        summary: one line for `--help`.
        module: dotted module with `define_flags(flag_values)` and `run(flag_values)`. It is imported
            only when the command is called, so that `--help` does not wait for TensorFlow.
    """

    name: str
    summary: str
    module: str


def dispatch(program: str, summary: str, commands: Sequence[Command], argv: Sequence[str]) -> int:
    """Runs the command that `argv` names and returns the process's exit status.

    Args:
        program: name shown in messages.
        summary: one line that says what the program is for.
        commands: the known commands, in the order `--help` lists them.
        argv: arguments without the program's own name.

    Returns:
        0, 2 on bad input (one line on standard error), 130 on Ctrl-C.
    """
    if not argv or argv[0] in ("-h", "--help", "--helpfull", "help"):
        print(_overview(program, summary, commands))
        return EXIT_OK if argv else EXIT_BAD_INPUT
    known = {command.name: command for command in commands}
    if " ".join(argv[0].split("_", 1)) in known:
        argv = [*argv[0].split("_", 1), *argv[1:]]  # as in scripts of before there were names of two words
    words = next((count for count in (2, 1) if " ".join(argv[:count]) in known), 0)
    if not words:
        return _unknown(program, commands, argv)
    command = known[" ".join(argv[:words])]
    # TensorFlow reports at every start what it did not find; its errors still come as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return _run(program, command, argv[words:])
    except (UserError, flags.Error) as error:
        return _fail(f"{program} {command.name}", str(error))
    except KeyboardInterrupt as interrupt:
        again = str(interrupt) or "run the same command again to go on"
        print(f"\n{program} {command.name}: interrupted; {again}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno not in _MENDABLE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _fail(
            f"{program} {command.name}",
            f"{where}{error.strerror}; {_MENDABLE[error.errno]}, then run the command again",
        )


def _run(program: str, command: Command, arguments: Sequence[str]) -> int:
    module = importlib.import_module(command.module)
    # A command may know more spellings than flags can be defined for, as in --genre_of=ID for any condition.
    arguments = getattr(module, "spelled_out", list)(arguments)
    values = flags.FlagValues()
    module.define_flags(values)
    if any(argument in ("-h", "--help") for argument in arguments):
        print(f"{program} {command.name}: {command.summary}\n\n{values.get_help()}")
        return EXIT_OK
    try:
        rest = values([command.name, *arguments])[1:]
    except AttributeError as error:
        # What ml_collections raises for --config.FIELD=... where the configuration has no such field.
        raise UserError(f"the configuration has no field {error}") from error
    if rest:
        raise UserError(f"unexpected argument '{rest[0]}'; every option starts with --")
    module.run(values)
    return EXIT_OK


def _unknown(program: str, commands: Sequence[Command], argv: Sequence[str]) -> int:
    of_one_kind = [command for command in commands if command.name.split()[0] == argv[0]]
    if of_one_kind and (len(argv) == 1 or argv[1] in ("-h", "--help")):
        print(_overview(program, f"commands that begin with {argv[0]}", of_one_kind))
        return EXIT_OK
    asked = " ".join(argv[:2]) if of_one_kind else argv[0]
    names = (command.name for command in of_one_kind or commands)
    return _fail(program, f"unknown command '{asked}'; known are: {', '.join(names)}")


def _overview(program: str, summary: str, commands: Sequence[Command]) -> str:
    width = max(len(command.name) for command in commands)
    rows = (f"  {command.name:<{width}}  {command.summary}" for command in commands)
    return "\n".join([f"{program}: {summary}", "", *rows, "", f"{program} COMMAND --help lists a command's flags."])


def _fail(where: str, message: str) -> int:
    # One line, whatever the library underneath put into its message.
    print(f"{where}: error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_BAD_INPUT


# Seconds between two reports. Where standard error is a file, one line a second would bury everything else.
_EVERY, _EVERY_IN_A_FILE = 1.0, 10.0


def progress(iterable: Iterable[Item], total: int | None = None, label: str = "") -> Generator[Item, None, None]:
    """Passes items through and reports how many went by, how fast, and how long the rest will take.

    On a terminal one line is rewritten each second; elsewhere a plain line is written at most every 10 s. The last
    line comes always, also when the work is interrupted: it tells how far it came.

    Args:
        iterable: anything; its items are not looked at.
        total: number of items; None takes `len(iterable)` where there is one, else no time left is shown.
        label: first word of the line.

    Yields:
        The items, unchanged. A report covers the items that the caller has finished with.
    """
    terminal = sys.stderr.isatty()
    yield from _Line(
        iterable,
        f"{label}: " if label else None,
        total,
        file=sys.stderr if terminal else _Lines(),
        mininterval=_EVERY if terminal else _EVERY_IN_A_FILE,
        miniters=1,
        smoothing=0,
        position=0,
        unit="",
    )


class _Line(tqdm):
    """tqdm's counting, with its figures in words."""

    monitor_interval = 0  # no thread that looks after bars whose items take longer than they used to

    @property
    def format_dict(self) -> dict:
        figures = super().format_dict
        count = "{desc}{n_fmt}" if self.total is None else "{desc}{n_fmt}/{total_fmt}"
        known = self.total is not None and 0 < self.n < self.total
        form = f"{count}, {{rate_noinv_fmt}}, " + ("{remaining} left" if known else "{elapsed} taken")
        return figures | {"bar_format": form}


class _Lines:
    """Stands for a terminal where standard error is none: what would be rewritten there becomes lines."""

    def __init__(self) -> None:
        self._begun = False

    def write(self, text: str) -> None:
        # The first text says that nothing is done yet.
        if text.strip() and self._begun:
            print(text.strip(), file=sys.stderr, flush=True)
        self._begun = self._begun or bool(text.strip())

    def flush(self) -> None:
        """Does nothing: each line is flushed."""
