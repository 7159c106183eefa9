"""What an address of an object store is: text such as `s3://bucket/folder/song.mp3`; nothing is asked of a store."""

import os
import posixpath
import re
from typing import TypeGuard

from tfrecords_tools.errors import UserError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(::.*)?://(.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"([^:@]*@)?(\[[^\]@]*\]|[^:@]*)(:\d+)?")
_WEB = ("http", "https")


def is_address(path: object) -> TypeGuard[str]:
    """Whether it is an address; everything else is a path of this machine.

    >>> is_address("s3://bucket/songs.csv"), is_address("data/songs.csv")
    (True, False)
    """
    # The first question is for the sake of a million paths.
    return isinstance(path, str) and "://" in path and _ADDRESS.fullmatch(path) is not None


def scheme_of(address: str) -> str:
    """`s3` of `s3://bucket/songs.csv`."""
    return address.partition("://")[0].lower()


def require_no_secret(address: str) -> None:
    """Checks that an address tells no password: it would be in the shell's history and in logs.

    Raises:
        UserError: if it may; does not repeat it.
    """
    scheme, _, rest = address.partition("://")
    secret = not _HOST_AND_PORT.fullmatch(rest.partition("/")[0])
    if secret or (scheme.lower() in _WEB and "?" in rest):
        raise UserError(
            f"an address that begins with {scheme}:// holds a password or a signature and is not taken; leave "
            "them out, and give them as the store's own programs take them: by the environment, a profile or the "
            "machine's role"
        )


def require_local(path: str | os.PathLike, flag: str) -> None:
    """Raises `UserError` if an address is given where only a folder of this machine is taken: a path would be made."""
    if is_address(path):
        require_no_secret(path)
        raise UserError(f"{flag} {path}: is an address, and only a folder of this machine is taken there")


def joined(folder: str, *names: str) -> str:
    """The address of what lies in a folder."""
    return "/".join((folder.rstrip("/"), *names))


def parent(address: str) -> str:
    """The address of the folder that it lies in; of a bucket, the bucket."""
    scheme, _, rest = address.rstrip("/").partition("://")
    return f"{scheme}://{posixpath.dirname(rest) or rest}"


def name_of(address: str) -> str:
    """The last part of it."""
    return posixpath.basename(address.rstrip("/"))


def resolved(root: str, cell: str) -> str:
    """The address that `cell` means, a path below the address `root` or an address itself, without `.` and `..`."""
    scheme, _, rest = (cell if is_address(cell) else joined(root, cell)).partition("://")
    # Else the two slashes in front of a path would become three.
    return f"{scheme}://{posixpath.normpath(rest) if rest else ''}"


def absolute(path: str | os.PathLike) -> str:
    """An address, or a path from the root on: what another process may be told. Neither has `.`, `..` or a last `/`."""
    return resolved("", path) if is_address(path) else os.path.abspath(path)
