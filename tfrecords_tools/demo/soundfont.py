"""The SoundFont FluidR3 (Frank Wen; MIT licence), fetched out of the Debian package `fluid-soundfont-gm`."""

import collections
import contextlib
import hashlib
import shutil
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, temporary_path
from tfrecords_tools.program import progress
from tfrecords_tools.sources import debian_packages
from tfrecords_tools.sources.debian_packages import MEGABYTE, PackageError, Wanted

NAME = "FluidR3_GM.sf2"
_PACKAGE, _VERSION = "fluid-soundfont-gm", "3.1-5.3"
_PATH = f"usr/share/sounds/sf2/{NAME}"
_SHA256, _BYTES = "74594e8f4250680adf590507a306655a299935343583256f3b722c48a1bc1cb0", 148_398_306


def fetch_soundfont(folder: Path) -> Path:
    """Fetches FluidR3 (120 MB, unpacked 148) into a folder that exists, unless it is there whole.

    Returns:
        Its path, `folder`/`NAME`.

    Raises:
        UserError: on a system without apt-get, without network or room, or where the package holds another file.
    """
    target = folder / NAME
    with contextlib.suppress(FileNotFoundError), open(target, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == _SHA256:
            return target
    debian_packages.require_apt()
    offer = debian_packages.offers({_PACKAGE: _VERSION})[_PACKAGE]
    require_room(folder, offer.bytes + _BYTES)
    place = temporary_path(folder / "package")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        fetched = progress(debian_packages.download(offer, place), -(-offer.bytes // MEGABYTE), f"MB of {_PACKAGE}")
        collections.deque(fetched, maxlen=0)
        (deb,) = place.iterdir()
        left = debian_packages.take_files(deb, {_PATH: Wanted(_SHA256, _BYTES, False, target)})
    except PackageError as error:
        raise UserError(f"{_PACKAGE} {offer.version}: {error}") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if left:
        raise UserError(f"{_PACKAGE} {offer.version}: {_PATH} {left[_PATH]}; version {_VERSION} has the right one")
    return target
