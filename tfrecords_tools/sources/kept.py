"""The Million Song Dataset split's list of kept tracks: a text list, or a pickle of strings read without trust."""

import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfrecords_tools.errors import UserError

_ADMITTED = frozenset(
    """PROTO FRAME MARK STOP EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT DICT SETITEM SETITEMS
    STRING BINSTRING SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8
    PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET MEMOIZE""".split()
)
_STORES = ("PUT", "LONG_BINPUT")
# First bytes of a pickle: protocol 2 and later; a list or dictionary of protocols 0 and 1.
_PICKLED = (b"\x80", b"(l", b"(d", b"]", b"}")


class _Strings(pickle.Unpickler):
    """Loads no class and no function, whatever the stream asks for."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("asks for an object kept elsewhere")


def kept_ids(path: str | Path) -> Iterator[str]:
    """Yields the track ids of a list: text, one id a line, or a pickled list (or dictionary of lists) of strings.

    Raises:
        UserError: if it cannot be read, or the pickle holds anything but strings, lists and dictionaries.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            pickled = file.read(2).startswith(_PICKLED)
        if pickled:
            yield from _flat(path, _load(path))
            return
        with open(path, encoding="utf-8-sig") as text:
            yield from filter(None, map(str.strip, text))
    except UnicodeDecodeError as error:
        raise UserError(f"--keep {path}: neither UTF-8 text nor a pickle ({error.reason})") from error
    except (OSError, ValueError) as error:
        raise UserError(f"--keep {path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _load(path: Path) -> Any:
    size = path.stat().st_size
    try:
        with open(path, "rb") as file:
            for opcode, argument, place in pickletools.genops(file):
                if opcode.name not in _ADMITTED:
                    raise UserError(
                        f"--keep {path}: is a pickle of more than strings, lists and dictionaries "
                        f"({opcode.name} at byte {place}), which could run a program; give a text list"
                    )
                # The unpickler makes room for as many objects as the largest number says.
                if opcode.name in _STORES and argument > size:
                    raise UserError(f"--keep {path}: is a damaged pickle (byte {place}); give a text list")
            file.seek(0)
            # Python 2 wrote byte strings.
            return _Strings(file, encoding="utf-8").load()
    except (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"--keep {path}: is a damaged pickle ({error}); give a text list, one id a line") from error


def _flat(path: Path, loaded: Any) -> Iterator[str]:
    for part in loaded.values() if isinstance(loaded, dict) else [loaded]:
        if not isinstance(part, list) or not all(isinstance(item, str) for item in part):
            raise UserError(f"--keep {path}: must be a list of strings, or a dictionary of such lists")
        yield from part
