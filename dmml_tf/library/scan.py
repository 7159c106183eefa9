"""Brings a library up to date with its folders: what is new or changed is read and heard, what is gone is left out.

An interrupted scan goes on where it was, when it is called again.
"""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dmml_tf.library.catalogue import CATALOGUE_FILE, Catalogue
from dmml_tf.library.lock import LOCK_FILE, locked
from dmml_tf.library.own_model import keep_model, model_of, with_model
from dmml_tf.library.settings import LIBRARY_FILE, MODELS_FOLDER, Settings
from dmml_tf.library.steps import Steps
from dmml_tf.library.tables import write_tables
from dmml_tf.library.walk import joined_roots
from dmml_tf.pretrained.contents import PRETRAINED
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import temporary_path
from tfrecords_tools.notes import counted
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE

# What is left of a library without library.json, which is then made anew.
_OWN = {LOCK_FILE, CATALOGUE_FILE, f"{CATALOGUE_FILE}-journal", MODELS_FOLDER, NOTES_FILE, REJECTED_FILE}


@dataclasses.dataclass(frozen=True)
class Scan:
    """What a scan is asked for.

    Attributes:
        roots: folders of music to add to the library's own.
        run: name or folder of the model; None takes the library's, of a new library the package's.
        reembed: embeds all songs anew if the model is another now.
        confirm_gone: leaves out what is gone, however much that is.
        retry: tries again what could not be used, as after a decoder was installed.
        workers: processes that read and decode; 0 takes one a core.
        shown: whether looking at the files is reported on standard error, as reading and embedding them is.
        excerpts: windows, spread over a song, that are heard of it; 0 hears all, None what the library does.
    """

    roots: Sequence[str] = ()
    run: str | None = None
    reembed: bool = False
    confirm_gone: bool = False
    retry: bool = False
    workers: int = 0
    shown: bool = True
    excerpts: int | None = None


@dataclasses.dataclass(frozen=True)
class Scanned:
    """What a scan found and did; printed, it is one line.

    Attributes:
        folder: of the library.
        songs: that can be searched.
        read: files that were new or had changed.
        embedded: sounds that were never heard before.
        gone: songs that are in no file any more.
        back: files that were gone and are there again.
        rejected: files that cannot be used.
        notes: kind -> files that were odd in that way.
    """

    folder: Path
    songs: int
    read: int
    embedded: int
    gone: int
    back: int
    rejected: int
    notes: dict[str, int]

    def __str__(self) -> str:
        done = [f"{self.read} files read, {self.embedded} songs embedded, {self.gone} gone"]
        done += [f"{self.back} back"] if self.back else []
        done += [f"{self.rejected} cannot be used, see {self.folder / REJECTED_FILE}"] if self.rejected else []
        done += [f"noted: {counted(self.notes)}, see {self.folder / NOTES_FILE}"] if self.notes else []
        return f"{self.folder}: {self.songs} songs; {'; '.join(done)}"


def scan(folder: str | os.PathLike[str], asked: Scan = Scan()) -> Scanned:
    """Scans into a library, which is made if it is not there.

    Raises:
        UserError: if a root is gone, or so much that a disk may be missing; the library is of another version, damaged
            or being scanned by another process; the roots hold no audio; or the model cannot be read.
    """
    folder = Path(folder).expanduser()
    if not (folder / LIBRARY_FILE).exists():
        joined_roots((), asked.roots)  # says what is wrong with them before anything is made
        if folder.exists() and not (folder.is_dir() and all(map(_is_own, folder.iterdir()))):
            raise UserError(f"{folder}: is no library, and not empty; name a new folder with --library")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), contextlib.closing(Catalogue(folder / CATALOGUE_FILE)) as catalogue:
        settings = _settings(folder, asked)
        steps = Steps(settings, catalogue, asked.workers, asked.confirm_gone, asked.shown)
        steps.walk()
        read = steps.know()
        gone, back = steps.settle()
        if asked.retry or asked.reembed:
            catalogue.forget_problems()
        embedded = steps.hear()
        steps.index()
        rejected, notes = write_tables(folder, catalogue, steps.prefixes)
        _take_over(settings)
        return Scanned(folder, catalogue.count_rows(), read, embedded, gone, back, rejected, dict(notes))


def _is_own(path: Path) -> bool:
    return path.name in _OWN or path == temporary_path(path.with_name(LIBRARY_FILE))


def _settings(folder: Path, asked: Scan) -> Settings:
    """The library's settings after what is asked for: written where they changed."""
    if not (folder / LIBRARY_FILE).exists():
        model, run = model_of(asked.run or PRETRAINED, asked.excerpts or 0)
        settings = Settings(folder, joined_roots((), asked.roots), model)
        keep_model(settings, model, run)
        settings.write()
        return settings
    before = Settings.read(folder)
    settings = dataclasses.replace(before, roots=joined_roots(before.roots, asked.roots))
    settings = with_model(settings, asked.run, asked.reembed, asked.excerpts)
    if settings != before:
        settings.write()
    return settings


def _take_over(settings: Settings) -> None:
    """Makes the coming model the library's, now that its vectors are whole; what others made goes."""
    model = settings.coming or settings.model
    if settings.coming:
        dataclasses.replace(settings, model=model, coming=None).write()
    for other in (settings.folder / MODELS_FOLDER).iterdir():
        if other.name != model.key:
            shutil.rmtree(other, ignore_errors=True)
