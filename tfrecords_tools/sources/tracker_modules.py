"""Tracker modules (.mod, .xm, .it, .s3m) -> FLAC: all sub-songs one after the other, 48 kHz stereo, 16 bit."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tfrecords_tools.files import whole_file

SUFFIXES = (".mod", ".xm", ".it", ".s3m")
# Both render with libopenmpt at its defaults and give the same samples, but for rounding.
_OPENMPT123 = ("openmpt123", "--quiet", "--batch", "--force", "--no-float", "--output", "{target}", "--", "{module}")
_FFMPEG = (
    *("ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "libopenmpt", "-subsong", "all", "-i", "{module}"),
    *("-sample_fmt", "s16", "{target}"),
)
_SECONDS = 300  # a song takes two or three


def rendered_path(module: Path) -> Path:
    """Where a module's rendering lies."""
    return module.with_name(module.name + ".flac")


def find_renderer() -> Sequence[str] | None:
    """The command line of a program here that renders modules, for `render`; None where there is none."""
    if shutil.which("openmpt123"):
        return _OPENMPT123
    if shutil.which("ffmpeg"):
        formats = subprocess.run(["ffmpeg", "-hide_banner", "-demuxers"], capture_output=True, text=True)
        if "libopenmpt" in formats.stdout:
            return _FFMPEG
    return None


def render(module: Path, renderer: Sequence[str]) -> str | None:
    """Renders one module to `rendered_path`, whole or not at all.

    Returns:
        What went wrong, or None.
    """
    try:
        with whole_file(rendered_path(module)) as temporary:
            line = [word.format(module=module.absolute(), target=temporary.absolute()) for word in renderer]
            subprocess.run(line, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS)
    except FileNotFoundError:
        return f"{renderer[0]} wrote nothing"
    except subprocess.TimeoutExpired:
        return f"{renderer[0]} took over {_SECONDS} s"
    except subprocess.CalledProcessError as error:
        return f"{renderer[0]}: {(error.stderr.strip() or 'failed').splitlines()[-1]}"
    return None
