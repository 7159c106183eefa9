"""The flags of the commands that serve a page of this machine, and what they have in common."""

import os
import re
import sys

from absl import flags

from tfrecords_tools.errors import UserError

_LEAST_SIDE, _MOST_SIDE = 320, 4096  # pixels of a picture


def define_page_flags(fv: flags.FlagValues, may: str) -> None:
    """Defines `--host`, `--port`, `--open`, and `--picture`, `--size`, `--dark`.

    Args:
        fv: the command's flags.
        may: what others may do who have the address, for the help of `--host`.
    """
    flags.DEFINE_string(
        "host",
        "127.0.0.1",
        "Where to listen. Another than this machine's own lets who has the address that is printed, with its token, "
        f"{may}.",
        flag_values=fv,
    )
    flags.DEFINE_integer("port", 8765, "Port; 0 takes a free one.", lower_bound=0, upper_bound=65535, flag_values=fv)
    flags.DEFINE_bool("open", True, "Open the page in the desktop's browser, if there is one.", flag_values=fv)
    flags.DEFINE_string(
        "picture", None, "PNG to write of the page, as a headless Chromium shows it; then end.", flag_values=fv
    )
    flags.DEFINE_string("size", "1280x800", "Pixels of the picture.", flag_values=fv)
    flags.DEFINE_bool("dark", False, "Take the picture in dark colours.", flag_values=fv)


def parse_size(text: str) -> tuple[int, int]:
    """`"1280x800"` -> `(1280, 800)`; `UserError` if it is not of that form, or out of reason."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    width, height = map(int, found.groups()) if found else (0, 0)
    if not all(_LEAST_SIDE <= side <= _MOST_SIDE for side in (width, height)):
        raise UserError(
            f"--size: '{text}' is not of the form WIDTHxHEIGHT, as in 1280x800, of {_LEAST_SIDE} to "
            f"{_MOST_SIDE} pixels a side"
        )
    return width, height


def has_desktop() -> bool:
    """Whether a browser would open in a window: without, Python would start one in the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
