"""Objects as files of this machine, for who reads files alone: one at a time, gone after, or kept in a cache."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfrecords_tools.files import cache_folder
from tfrecords_tools.stores.address import absolute, is_address, joined, name_of
from tfrecords_tools.stores.store import NotThere, fetch, list_folder, read_bytes

SCRATCH = "dmml-"  # what temporary folders are called
_LONGEST_NAME = 100  # bytes


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[str]:
    """A path as it is; of an address a copy of its object, whose name ends alike, until the block ends.

    Raises:
        UserError: if the object cannot be had.
    """
    if not is_address(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        # A name in a store may be longer than one on a disk.
        copy = Path(folder, "object-" + name_of(path).encode()[-_LONGEST_NAME:].decode(errors="ignore"))
        fetch(path, copy)
        yield os.fspath(copy)


def cached_folder(address: str, main: str, others: Sequence[str]) -> Path:
    """A folder of this machine's cache that holds some files of a folder in a store.

    Another content of `main`, or another size or tag of one of the others, is another folder, so that whoever reads in
    an older one goes on with what it has.

    Args:
        address: of the folder in the store.
        main: name of a small file, read each time.
        others: names of files that are fetched once, if they are there.

    Raises:
        NotThere: if there is no `main`.
        StoreError: if one cannot be had.
    """
    content = read_bytes(joined(address, main))
    there = list_folder(address)
    known = [(name, there[name].size, there[name].tag) for name in others if name in there]
    version = hashlib.sha256(repr((address, content, known)).encode()).hexdigest()[:24]
    folder = cache_folder() / "stores" / f"{name_of(address)}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, _, _ in known:
        if not (folder / name).exists():
            with contextlib.suppress(NotThere):
                fetch(joined(address, name), folder / name)
    if not (folder / main).exists():
        fetch(joined(address, main), folder / main, hashlib.sha256(content).hexdigest())
    return folder


def work_file(address: str) -> Path:
    """Where on this machine a file is written that will be put at an address: each time the same place, to go on at."""
    digest = hashlib.sha256(absolute(address).encode()).hexdigest()[:24]
    return cache_folder() / "unfinished" / digest / name_of(address)
