"""What is done with an object store, through fsspec: fetch, put whole, read, list, remove; each is tried again.

fsspec, and what it needs for a scheme, is imported at the first address. Who may do what is asked the way that the
store's own programs ask it (environment, profile, role of the machine); nothing of it passes through here.
"""

import dataclasses
import errno
import hashlib
import importlib
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.files import whole_file
from tfrecords_tools.stores.address import joined, name_of, parent, require_no_secret, scheme_of

Result = TypeVar("Result")

# Seconds before each further try, beside those that the store's own client makes.
WAITS = (0.5, 2.0, 8.0)
# Whose objects are there when their last byte is, and not before; elsewhere a name is given when it is.
_WHOLE_BY_THEMSELVES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
_SAYS_NO_BUCKET, _NO_BUCKET = "bucket does not exist", "there is no such bucket; make it, or mend the address"
_PACKAGES = {"s3": "", "s3a": "", "gs": " gcsfs", "gcs": " gcsfs"}  # beside the extra
_OURS = (AttributeError, MemoryError, NameError, TypeError)  # defects, and what no second try mends
_FULL = (errno.ENOSPC, errno.EDQUOT)  # of this machine's disk
_SHOWN = 200  # characters of what a library says


class StoreError(UserError):
    """An object that cannot be had, or put where it belongs: a line that begins with its address."""

    def __init__(self, address: str, reason: str):
        super().__init__(f"{address}: {reason}")
        self.address, self.reason = address, reason

    def __reduce__(self) -> tuple:
        return type(self), (self.address, self.reason)  # else it could not come from another process


class NotThere(StoreError):
    """There is no such object."""


class NoBucket(NotThere):
    """There is no such bucket."""


class Denied(StoreError):
    """Whoever asks may not."""


class Unreachable(StoreError):
    """The store does not answer, or not rightly, however often it is asked."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One object: its bytes, and a tag that changes with its content."""

    size: int
    tag: str


def require_bucket(address: str) -> None:
    """Checks that an address can be used, and that its bucket is there; its folder need not be.

    Raises:
        UserError: if it holds a password (which is not repeated), its scheme is unknown, or what reads it is not
            installed, which says how to install it.
        NoBucket, StoreError: if there is no such bucket, or who asks may not.
    """
    try:
        # One request, whatever the folder holds.
        _tried(address, lambda store, folder: store.info(folder))
    except NotThere as error:
        if isinstance(error, NoBucket) or "/" not in address.partition("://")[2].rstrip("/"):
            raise NoBucket(address, _NO_BUCKET) from error


def fetch(address: str, path: Path, sha256: str = "") -> None:
    """Copies an object into a file of this machine, whole or not at all.

    Args:
        address: of the object.
        path: in a folder that exists.
        sha256: what its bytes must give, in hexadecimal; empty: any.

    Raises:
        StoreError: if it cannot be had, or its bytes are others.
        OSError: if the disk is full.
    """

    def get(store: Any, source: str) -> None:
        # `shared`: two processes may need one file at once.
        with whole_file(path, shared=True) as temporary:
            announced = _Announced()
            store.get_file(source, str(temporary), callback=announced.callback)
            announced.compare(temporary)
            if sha256 and _digest(temporary) != sha256:
                raise OSError(errno.EIO, "its bytes are not those that its dataset.json lists")

    _tried(address, get)


def put(path: Path, address: str) -> None:
    """Copies a finished file to an address, where it is seen when all of it is there.

    Raises:
        StoreError: if it cannot be put.
    """
    size = path.stat().st_size

    def write(store: Any, target: str) -> None:
        _written_whole(store, target, scheme_of(address), lambda place: store.put_file(str(path), place))
        if store.info(target)["size"] != size:
            raise OSError(errno.EIO, "was not written to its end")

    _tried(address, write)


def write_bytes(address: str, content: bytes) -> None:
    """Writes a small object, whole or not at all.

    Raises:
        StoreError: if it cannot be written.
    """

    def write(store: Any, target: str) -> None:
        _written_whole(store, target, scheme_of(address), lambda place: store.pipe_file(place, content))

    _tried(address, write)


def read_bytes(address: str) -> bytes:
    """A small object.

    Raises:
        StoreError: if it cannot be read.
    """
    return _tried(address, lambda store, source: store.cat_file(source))


def read_many(folder: str, names: Sequence[str]) -> dict[str, bytes]:
    """Small objects of one folder, as many at once as the store's client takes: name -> content.

    Raises:
        StoreError: if one cannot be read.
    """

    def read(store: Any, source: str) -> dict[str, bytes]:
        paths = [joined(source, name) for name in names]
        found = store.cat(paths) if paths else {}
        return dict(zip(names, (found[path] for path in paths)))

    return _tried(folder, read)


def list_folder(address: str) -> dict[str, Entry]:
    """The objects of a folder, not of those below it: name -> entry. None of a folder that is not there.

    Raises:
        NoBucket: if there is none.
        StoreError: if it cannot be listed.
    """

    def listed(store: Any, folder: str) -> dict[str, Entry]:
        try:
            found = store.ls(folder, detail=True)
        except FileNotFoundError as error:
            if _SAYS_NO_BUCKET in str(error):
                raise
            return {}
        return {name_of(info["name"]): Entry(info["size"], _tag(info)) for info in found if info["type"] == "file"}

    return _tried(address, listed)


def remove(folder: str, names: Iterable[str]) -> None:
    """Removes objects of one folder; those that are not there are passed over.

    Raises:
        StoreError: if one cannot be removed.
    """
    there = list_folder(folder)
    gone = [name for name in names if name in there]
    if gone:
        _tried(folder, lambda store, source: store.rm([joined(source, name) for name in gone]))


def answers(address: str) -> bool:
    """Whether the store answers who asks for the folder of an object: else not the object is at fault."""
    try:
        # Whatever comes of it, but for a refusal or none at all: the object may be the only one.
        _once(parent(address), lambda store, folder: store.info(folder))
    except NotThere:
        return True
    except StoreError:
        return False
    return True


class _Announced:
    """The bytes that a store says an object has, which fewer may arrive of."""

    def __init__(self) -> None:
        self.callback = importlib.import_module("fsspec.callbacks").Callback()

    def compare(self, path: Path) -> None:
        size = path.stat().st_size
        if self.callback.size is not None and self.callback.size != size:
            raise OSError(errno.EIO, f"{size} of {self.callback.size} bytes came")


def _filesystem(address: str) -> tuple[Any, str]:
    """fsspec's object for an address, and what the address is called there."""
    require_no_secret(address)
    require_extra("cloud", f"{address}: an address", "fsspec")
    fsspec = importlib.import_module("fsspec")
    scheme = scheme_of(address)
    if "::" in scheme:
        raise UserError(f"{address}: addresses in addresses are not taken; give the object's own address")
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise UserError(
            f"{address}: '{scheme}' is no scheme that fsspec knows; known are s3, gs, abfs, http, sftp and others"
        ) from None
    except ImportError as error:
        mend = _PACKAGES.get(scheme)
        said = f"install with: pip install 'dmml[cloud]'{mend}" if mend is not None else " ".join(str(error).split())
        raise UserError(f"{address}: what reads {scheme}:// is not installed; {said}") from error
    # Not by fsspec's own way from an address: in it, `::` in a file's name would separate two.
    store = kind(**kind._get_kwargs_from_urls(address), use_listings_cache=False)
    return store, kind._strip_protocol(address)


def _tried(address: str, operate: Callable[[Any, str], Result]) -> Result:
    for wait in WAITS:
        try:
            return _once(address, operate)
        except Unreachable:
            time.sleep(wait * random.uniform(0.5, 1.5))  # not in step with all others that were refused
    return _once(address, operate)


def _once(address: str, operate: Callable[[Any, str], Result]) -> Result:
    try:
        return operate(*_filesystem(address))
    except FileNotFoundError as error:
        if _SAYS_NO_BUCKET in str(error):
            raise NoBucket(address, _NO_BUCKET) from error
        raise NotThere(address, "there is no such object") from error
    except PermissionError as error:
        raise Denied(address, f"no permission ({_plain(error)}); {_RIGHTS}") from error
    except (UserError, *_OURS):
        raise
    except Exception as error:  # each filesystem raises what it likes
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        if "Credential" in type(error).__name__ or "Credential" in str(error):
            raise Denied(address, f"no credentials ({_plain(error)}); {_RIGHTS}") from error
        raise Unreachable(address, f"the store failed ({_plain(error)}); try again") from error


_RIGHTS = "they come from the environment, a profile or the machine's role, as for the store's own programs"


def _plain(error: Exception) -> str:
    """What a library said, in one line without what might be secret: queries of addresses, and names before an `@`."""
    words = " ".join(str(getattr(error, "strerror", None) or error).split())[:_SHOWN]
    return re.sub(r"(://)[^/\s@]*@|\?[^\s\"']*", r"\1", words) or type(error).__name__


def _written_whole(store: Any, target: str, scheme: str, write: Callable[[str], object]) -> None:
    if scheme in _WHOLE_BY_THEMSELVES:
        write(target)
        return
    folder, _, name = target.rpartition("/")
    store.makedirs(folder, exist_ok=True)
    temporary = f"{folder}/.tmp.{uuid.uuid4().hex}.{name}"
    try:
        write(temporary)
        store.mv(temporary, target)
    except BaseException:
        if store.exists(temporary):
            store.rm_file(temporary)
        raise


def _tag(info: dict[str, Any]) -> str:
    known = (info.get(name) for name in ("ETag", "etag", "generation", "LastModified", "mtime"))
    return str(next((tag for tag in known if tag), ""))


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
