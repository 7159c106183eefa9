"""The name of a shipped model -> a run folder: `runs/NAME` of the working folder, an ordinary run from there on.

Two rules decide whose model a name means. `pretrained` is the user's own run where the working folder has one of that
name, since `--run` names folders; the line that says so names the other one. `runs/pretrained` is the package's, and
nothing is written over a run that a user has there. So it is with each name of `MODELS`.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dmml_tf.pretrained.contents import MODELS, PRETRAINED, Contents, model_folder, sha256
from dmml_tf.run import MODEL_FILE
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, whole_file

MARK = "pretrained.json"  # beside a run that was unpacked here: the contents.json that it is from
CONFIG_FILE = "config.json"
_OWN = (MODEL_FILE, CONFIG_FILE)  # in a folder without the mark: a run that a user trained, or began to


def run_folder(name: str | os.PathLike) -> Path:
    """The folder of the run that a user names; a model of the package is unpacked if it is meant and not there yet.

    Raises:
        UserError: as `unpack`.
    """
    path = Path(name)
    for model in MODELS:
        place = _place(model)
        if _same(path, Path(model)):
            if not (path / MODEL_FILE).exists():
                return unpack(model)
            said = "the run of this name in the working folder is taken; the package's is"
            print(f"{path}: {said} {place}", file=sys.stderr)
        elif _same(path, place) and not _is_users(path):
            return unpack(model)
    return path


def require_trainable(folder: str | os.PathLike) -> None:
    """Checks that a run may be trained in a folder.

    Raises:
        UserError: if it is where a model of the package belongs.
    """
    if any(_same(Path(folder), place) for name in MODELS for place in (Path(name), _place(name))):
        raise UserError(
            f"{os.fspath(folder)}: this is the name of the model that comes with the package, which is not trained "
            "over; name another folder, such as runs/mine"
        )


def unpack(name: str = PRETRAINED) -> Path:
    """Writes a model of the package into `runs/NAME`, unless it is there whole; returns that folder.

    A model of an earlier package is replaced, which a line on standard error says, and what came with that one alone
    goes; what it made stays, and an index of it is refused as any index of other weights.

    Raises:
        UserError: if the package's files are damaged or of another format, the folder holds a run of the user's, or it
            cannot be written.
    """
    contents, place = Contents.read(model_folder(name)), _place(name)
    if _is_users(place):
        raise UserError(
            f"{place}: holds a run that you trained, and the package's model would be unpacked there; "
            "rename it or work in another folder"
        )
    mark = json.dumps(contents.to_json(), indent=1) + "\n"
    before = _mark_of(place)
    if before == mark and _is_whole(contents, place):
        return place
    files = {name: contents.file(name) for name in contents.files}
    try:
        place.mkdir(parents=True, exist_ok=True)
        require_room(place, sum(map(len, files.values())))
        _write(place, files)
        _remove_earlier(place, contents, before)
        _write_file(place / MARK, mark.encode())
    except OSError as error:
        raise UserError(
            f"{place}: the model that comes with the package cannot be unpacked here ({error.strerror}); work in a "
            "folder with room that you may write to"
        ) from error
    print(f"{place}: {_what_happened(before, mark)} ({contents.weights})", file=sys.stderr)
    return place


def _write(place: Path, files: Mapping[str, bytes]) -> None:
    """The mark stands first, empty, so that what a killed process leaves is known to be no run of the user's."""
    if not (place / MARK).exists():
        _write_file(place / MARK, b"")
    for name in sorted(files, key=lambda name: (name in _OWN, name == MODEL_FILE)):
        _write_file(place / name, files[name])


def _remove_earlier(place: Path, contents: Contents, before: str | None) -> None:
    """Removes what an earlier model brought and this one does not; a file that a user made anew since then stays."""
    for path in place.glob(f"weights-*{Path(contents.weights).suffix}"):
        if path.name != contents.weights:
            path.unlink(missing_ok=True)
    for name, digest in _files_of(before).items():
        path = place / name
        if name not in contents.files and path.is_file() and sha256(path.read_bytes()) == digest:
            path.unlink(missing_ok=True)


def _files_of(mark: str | None) -> Mapping[str, str]:
    """Name -> SHA-256 of what was unpacked, by the mark that was left; empty where none was, or half of one."""
    try:
        files = json.loads(mark or "{}")["files"]
        return {name: digest for name, digest in files.items() if Path(name).name == name}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_file(path: Path, content: bytes) -> None:
    # Two commands that are started at once unpack the same files.
    with whole_file(path, durable=True, shared=True) as temporary:
        temporary.write_bytes(content)


def _is_whole(contents: Contents, place: Path) -> bool:
    """Whether the model is there unchanged, and what else comes with it is there: that may be made anew by a user."""
    try:
        return all(
            sha256((place / name).read_bytes()) == digest
            if name in (contents.weights, *_OWN)
            else (place / name).exists()
            for name, digest in contents.files.items()
        )
    except OSError:
        return False


def _place(name: str) -> Path:
    return Path("runs", name)


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
