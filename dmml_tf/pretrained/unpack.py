"""The name `pretrained` -> a run folder: `runs/pretrained` of the working folder, an ordinary run from there on.

Two rules decide whose model a name means. `pretrained` is the user's own run where the working folder has one of that
name, since `--run` names folders; the line that says so names the other one. `runs/pretrained` is the package's, and
nothing is written over a run that a user has there.
"""

import json
import os
import sys
from pathlib import Path

from dmml_tf.pretrained.contents import PACKAGE, Contents, sha256
from dmml_tf.run import MODEL_FILE
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, whole_file

NAME = "pretrained"
PLACE = Path("runs", NAME)
MARK = "pretrained.json"  # beside a run that was unpacked here: the contents.json that it is from
CONFIG_FILE = "config.json"
_OWN = (MODEL_FILE, CONFIG_FILE)  # in a folder without the mark: a run that a user trained, or began to


def run_folder(name: str | os.PathLike) -> Path:
    """The folder of the run that a user names; the package's model is unpacked if it is meant and not there yet.

    Raises:
        UserError: as `unpack`.
    """
    path = Path(name)
    if _same(path, Path(NAME)):
        if not (path / MODEL_FILE).exists():
            return unpack()
        print(f"{path}: the run of this name in the working folder is taken; the package's is {PLACE}", file=sys.stderr)
    elif _same(path, PLACE) and not _is_users(path):
        return unpack()
    return path


def require_trainable(folder: str | os.PathLike) -> None:
    """Checks that a run may be trained in a folder.

    Raises:
        UserError: if it is where the package's model belongs.
    """
    if any(_same(Path(folder), place) for place in (Path(NAME), PLACE)):
        raise UserError(
            f"{os.fspath(folder)}: this is the name of the model that comes with the package, which is not trained "
            "over; name another folder, such as runs/mine"
        )


def unpack() -> Path:
    """Writes the package's model into `runs/pretrained`, unless it is there whole; returns that folder.

    A model of an earlier package is replaced, which a line on standard error says; what it made stays, and an index of
    it is refused as any index of other weights.

    Raises:
        UserError: if the package's files are damaged or of another format, the folder holds a run of the user's, or it
            cannot be written.
    """
    contents = Contents.read(PACKAGE)
    if _is_users(PLACE):
        raise UserError(
            f"{PLACE}: holds a run that you trained, and the package's model would be unpacked there; "
            "rename it or work in another folder"
        )
    mark = json.dumps(contents.to_json(), indent=1) + "\n"
    before = _mark_of(PLACE)
    if before == mark and _is_whole(contents):
        return PLACE
    files = {name: contents.file(name) for name in contents.files}
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        require_room(PLACE, sum(map(len, files.values())))
        _write(contents, files, mark)
    except OSError as error:
        raise UserError(
            f"{PLACE}: the model that comes with the package cannot be unpacked here ({error.strerror}); work in a "
            "folder with room that you may write to"
        ) from error
    print(f"{PLACE}: {_what_happened(before, mark)} ({contents.weights})", file=sys.stderr)
    return PLACE


def _write(contents: Contents, files: dict[str, bytes], mark: str) -> None:
    """The mark stands first, empty, so that what a killed process leaves is known to be no run of the user's."""
    if not (PLACE / MARK).exists():
        _write_file(MARK, b"")
    last = (CONFIG_FILE, MODEL_FILE)
    for name in [*(name for name in files if name not in last), *(name for name in last if name in files)]:
        _write_file(name, files[name])
    for path in PLACE.glob(f"weights-*{Path(contents.weights).suffix}"):
        if path.name != contents.weights:
            path.unlink(missing_ok=True)
    _write_file(MARK, mark.encode())


def _write_file(name: str, content: bytes) -> None:
    # Two commands that are started at once unpack the same files.
    with whole_file(PLACE / name, durable=True, shared=True) as temporary:
        temporary.write_bytes(content)


def _is_whole(contents: Contents) -> bool:
    """Whether the model is there unchanged, and what else comes with it is there: that may be made anew by a user."""
    try:
        return all(
            sha256((PLACE / name).read_bytes()) == digest
            if name in (contents.weights, *_OWN)
            else (PLACE / name).exists()
            for name, digest in contents.files.items()
        )
    except OSError:
        return False


def _mark_of(folder: Path) -> str | None:
    try:
        return (folder / MARK).read_text(encoding="utf-8")
    except OSError:
        return None


def _what_happened(before: str | None, mark: str) -> str:
    if not before:
        return "the model that comes with the package is unpacked"
    if before == mark:
        return "a file was missing or changed, and the model that comes with the package is unpacked again"
    return (
        "the package has another model now, which is unpacked over the earlier one; "
        "what that one made here (index, export, figures) has to be made again"
    )


def _is_users(folder: Path) -> bool:
    return not (folder / MARK).exists() and any((folder / name).exists() for name in _OWN)


def _same(path: Path, place: Path) -> bool:
    return os.path.abspath(path) == os.path.abspath(place)
