"""Goes on looking at the folders of a library, and scans again and again; what changes is found by polling."""

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dmml_tf.library.scan import Scan, Scanned, scan
from tfrecords_tools.errors import UserError


def watch(
    folder: str | os.PathLike[str], asked: Scan, every: float, say: Callable[[str], None], rounds: int | None = None
) -> None:
    """Scans, and looks again when `every` seconds have passed since the end of the last scan.

    What cannot be done at one time, such as with a disk that is not mounted, is said once on standard error, and may
    be possible later.

    Args:
        folder: of the library.
        asked: for the first scan; the later ones are of the same roots and model.
        every: seconds.
        say: takes a line for each scan that found something.
        rounds: scans after the first; None goes on until Ctrl-C.

    Raises:
        UserError: if the first scan cannot be done.
    """
    say(f"{scan(folder, asked)}; looking again every {every:g} s, until Ctrl-C")
    later = dataclasses.replace(asked, roots=(), run=None, reembed=False, confirm_gone=False, retry=False, shown=False)
    said = ""
    while rounds is None or rounds > 0:
        rounds = None if rounds is None else rounds - 1
        time.sleep(every)
        try:
            found = scan(folder, later)
        except UserError as error:
            if str(error) != said:
                said = str(error)
                print(f"{Path(folder)}: {error}", file=sys.stderr, flush=True)
            continue
        said = ""
        if _has_news(found):
            say(str(found))


def _has_news(found: Scanned) -> bool:
    return bool(found.read or found.embedded or found.gone or found.back)
