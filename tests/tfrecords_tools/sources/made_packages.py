"""Debian packages, and an apt that offers them: scripts on a PATH that has nothing else."""

import hashlib
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from tfrecords_tools.sources.debian_table import Song

_APT_CACHE = """#!/bin/sh
cat "{mirror}/Packages" && test -s "{mirror}/Packages" || { echo 'E: No packages found' >&2; exit 100; }
"""
# Called with options, download and PACKAGE=VERSION; a file PACKAGE.says is what apt-get says when it fails.
_APT_GET = """#!/bin/sh
for word; do :; done
echo "$word" >> "{mirror}/calls"
name="${word%%=*}"
if test -e "{mirror}/$name.says"; then cat "{mirror}/$name.says" >&2; exit 100; fi
cp "{mirror}/$word.deb" .
"""
# Called with --output TARGET -- MODULE.
_OPENMPT123 = """#!/bin/sh
while test "$1" != --output; do shift; done
test "$(cat "$4")" != broken || { echo 'openmpt123: no module' >&2; exit 1; }
cp "$4" "$2"
"""


class Mirror:
    """Packages that a made apt-get downloads.

    Attributes:
        bin: folder of the programs, which is all of PATH.
        folder: of the packages, of `calls`, and of what apt-get says when it fails (`says`).
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.bin, self.folder = folder / "bin", folder / "mirror"
        self._paragraphs: dict[str, str] = {}
        for new in (self.bin, self.folder):
            new.mkdir(parents=True)
        for name in ("cat", "cp", "dpkg-deb"):
            (self.bin / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
        self.program("apt-cache", _APT_CACHE)
        self.program("apt-get", _APT_GET)
        self.program("openmpt123", _OPENMPT123)
        (self.folder / "Packages").touch()
        monkeypatch.setenv("PATH", str(self.bin))

    def program(self, name: str, text: str) -> None:
        """Puts a script on the PATH."""
        (self.bin / name).write_text(text.replace("{mirror}", str(self.folder)))
        (self.bin / name).chmod(0o755)

    def add(self, package: str, version: str, files: dict[str, bytes], *others: tarfile.TarInfo) -> None:
        """Offers a package, in place of its other versions; `others` are members without content."""
        deb = self.folder / f"{package}={version}.deb"
        deb.write_bytes(_deb(files, others))
        self._paragraphs[package] = (
            f"Package: {package}\nVersion: {version}\nFilename: pool/x.deb\nSize: {deb.stat().st_size}\n"
            "Installed-Size: 3\nDescription: music\n of a game: and more\n"
        )
        self._write()

    def remove(self, package: str) -> None:
        """Offers a package no longer."""
        del self._paragraphs[package]
        self._write()

    def says(self, package: str, text: str) -> None:
        """Lets apt-get fail; an empty text lets it work again."""
        path = self.folder / f"{package}.says"
        path.write_text(text) if text else path.unlink()

    def calls(self) -> list[str]:
        """What was downloaded since the last time."""
        path = self.folder / "calls"
        lines = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def _write(self) -> None:
        (self.folder / "Packages").write_text("\n".join(self._paragraphs.values()))


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip file's bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def song(package: str, path: str, content: bytes, **fields) -> Song:
    """A row of the table for a file of a package."""
    return Song(
        **{
            "track_id": f"{package}/{os.path.basename(path)}",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "package": package,
            "version": "1",
            "path": path,
            "in_archive": False,
            "artist": package,
            "title": "A song",
            "licence": "CC-BY-4.0",
            "bpm": None,
            "split": "train",
            "tags": {"genre": ["rock"], "mood": ["sad", "chill"], "instrument": ["harp"]},
            **fields,
        }
    )


def _deb(files: dict[str, bytes], others: tuple[tarfile.TarInfo, ...]) -> bytes:
    """An ar archive of debian-binary, control.tar and data.tar."""
    content = b"!<arch>\n"
    control = _tar({"./control": b"Package: x\nVersion: 1\n"}, ())
    for name, data in (("debian-binary", b"2.0\n"), ("control.tar", control), ("data.tar", _tar(files, others))):
        content += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return content


def _tar(files: dict[str, bytes], others: tuple[tarfile.TarInfo, ...]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for member in others:
            tar.addfile(member)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()
