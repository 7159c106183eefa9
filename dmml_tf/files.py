"""Folders that are whole or not there."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a temporary folder that takes the place of `folder` when the block ends without an error.

    Args:
        folder: the final place; what it held before is kept until the new content is complete.

    Yields:
        A new, empty folder beside it, named `.tmp.NAME`. It is removed if the block fails; one left
        by a killed process is removed by the next call.
    """
    temporary, old = folder.with_name(f".tmp.{folder.name}"), folder.with_name(f".old.{folder.name}")
    if old.exists() and not folder.exists():  # killed between the two renames below
        os.replace(old, folder)
    for left_over in (temporary, old):
        shutil.rmtree(left_over, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        # A folder cannot be renamed over one that is not empty.
        if folder.exists():
            os.replace(folder, old)
        os.replace(temporary, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if old.exists():
            os.replace(old, folder)
