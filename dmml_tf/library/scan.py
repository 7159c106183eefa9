"""Brings a library up to date with its folders: what is new or changed is read and heard, what is gone is left out.

    walk       -> sizes and times of all files            (some seconds for 100,000)
    know       -> contents and tags of new ones           (reads them through, in processes)
    hear       -> vectors of contents never heard before  (decodes in processes, embeds here)
    index      -> models/KEY/index, notes.csv, rejected.csv

Each step keeps what it has done as it goes, so that an interrupted scan goes on where it was. A sound's vector does
not depend on what is embedded beside it: whatever the order, the vectors are those of a scan from nothing.
"""

import contextlib
import dataclasses
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.library.catalogue import CATALOGUE_FILE, Catalogue
from dmml_tf.library.indexing import write_index
from dmml_tf.library.lock import locked
from dmml_tf.library.own_model import keep_model, model_of, now_of
from dmml_tf.library.parts import PARTS_FOLDER, Parts
from dmml_tf.library.reading import CHANGED, Hearing, Seen, hear, hearing_patience, know, knowing_patience
from dmml_tf.library.settings import LIBRARY_FILE, Settings
from dmml_tf.library.tables import write_tables
from dmml_tf.library.walk import audio_files, joined_roots, prefixes
from dmml_tf.pretrained.contents import PRETRAINED
from dmml_tf.run import Run
from dmml_tf.search.index import INDEX_FOLDER
from tfrecords_tools.audio.extract import Extracted, Refused, Task
from tfrecords_tools.build.pool import Died, default_workers, ordered_map
from tfrecords_tools.errors import UserError
from tfrecords_tools.notes import Note, counted
from tfrecords_tools.program import progress
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE

MOST_GONE = 0.2  # share of a library's files
_TOGETHER = 256  # files whose contents, or sounds whose vectors, are kept in one go
_SECONDS = 60.0  # between two such goes at most
_SHOWN = 12  # digits of a hash


@dataclasses.dataclass(frozen=True)
class Scan:
    """What a scan is asked for.

    Attributes:
        roots: folders of music to add to the library's own.
        run: name or folder of the model; None takes the library's, of a new library the package's.
        reembed: embeds all songs anew if the model is another now.
        confirm_gone: leaves out what is gone, however much that is.
        workers: processes that read and decode; 0 takes one a core.
        retry: tries again what could not be used, as after a decoder was installed.
    """

    roots: Sequence[str] = ()
    run: str | None = None
    reembed: bool = False
    confirm_gone: bool = False
    workers: int = 0
    retry: bool = False


@dataclasses.dataclass(frozen=True)
class Scanned:
    """What a scan found and did; printed, one line."""

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
        UserError: if a root is gone, too much is gone, the library is of another version or damaged, it is being
            scanned by another process, or the roots hold no audio.
    """
    folder = Path(folder)
    if not (folder / LIBRARY_FILE).exists():
        joined_roots((), asked.roots)  # before anything is made
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if {path.name for path in folder.iterdir()} - _OWN if folder.is_dir() else True:
                raise UserError(f"{folder}: is no library, and not empty; name a new folder with --library")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), contextlib.closing(Catalogue(folder / CATALOGUE_FILE)) as catalogue:
        settings = _settings(folder, asked)
        return _Scanning(settings, catalogue, asked).run()


# What an interrupted first scan may leave in a folder.
_OWN = {"lock", CATALOGUE_FILE, f"{CATALOGUE_FILE}-journal", "models", f".tmp.{LIBRARY_FILE}"}


def _settings(folder: Path, asked: Scan) -> Settings:
    """The library's settings after what is asked for: written where they changed."""
    if not (folder / LIBRARY_FILE).exists():
        model, run = model_of(asked.run or PRETRAINED)
        settings = Settings(folder, joined_roots((), asked.roots), model)
        keep_model(settings, model, run)
        settings.write()
        return settings
    before = Settings.read(folder)
    settings = dataclasses.replace(before, roots=joined_roots(before.roots, asked.roots))
    settings = _with_model(settings, asked)
    if settings != before:
        settings.write()
    return settings


def _with_model(settings: Settings, asked: Scan) -> Settings:
    """The settings, with another model coming where that is asked for; says where it might be."""
    had = settings.coming or settings.model
    now = model_of(asked.run)[0] if asked.run else now_of(had)
    if now is None or now.key == had.key:
        return settings
    what = f"is of {had.name} with weights {had.weights[:_SHOWN]}; those of {now.name} are {now.weights[:_SHOWN]} now"
    if asked.reembed:
        keep_model(settings, now, model_of(now.name)[1])
        print(f"{settings.folder}: {what}, and all songs are embedded anew", file=sys.stderr)
        return dataclasses.replace(settings, coming=None if now.key == settings.model.key else now)
    if asked.run:
        raise UserError(f"{settings.folder}: {what}; add --reembed to embed all songs anew, or leave --run out")
    print(f"{settings.folder}: {what}; it goes on with its own, or with --reembed anew", file=sys.stderr)
    return settings


class _Scanning:
    """One scan: the steps, and what they have in common."""

    def __init__(self, settings: Settings, catalogue: Catalogue, asked: Scan):
        self._settings, self._catalogue, self._asked = settings, catalogue, asked
        self._model = settings.coming or settings.model
        self._run = Run.load(settings.model_folder(self._model))
        self._parts = Parts(self._run.folder / PARTS_FOLDER, self._model.weights)
        self._prefixes = prefixes(settings.roots)

    def run(self) -> Scanned:
        catalogue, index = self._catalogue, self._run.folder / INDEX_FOLDER
        self._walk()
        read = self._know()
        self._require_there()
        gone, back = catalogue.settle()
        if self._asked.retry or self._asked.reembed:
            catalogue.forget_problems()
        embedded = self._hear()
        made_of = f"{self._model.key} {list(self._prefixes.items())}"
        if catalogue.fact("indexed") != made_of or not (index.exists() or not catalogue.count_rows()):
            catalogue.name_files(self._prefixes)
            if not write_index(index, self._run, catalogue, self._parts):
                shutil.rmtree(index, ignore_errors=True)
            catalogue.keep_fact("indexed", made_of)
        rejected, notes = write_tables(self._settings.folder, catalogue, lambda root, path: self._prefixes[root] + path)
        self._take_over()
        return Scanned(self._settings.folder, catalogue.count_rows(), read, embedded, gone, back, rejected, dict(notes))

    def _walk(self) -> None:
        misnamed: list[tuple[str, str]] = []
        files = (seen for root in self._settings.roots for seen in audio_files(root, misnamed))
        self._catalogue.walked(progress(files, label="files"))
        self._catalogue.misnamed(misnamed)
        for root in self._settings.roots:
            had = self._catalogue.count_present(root)
            if had and not self._catalogue.count_walked(root) and not self._asked.confirm_gone:
                what = "holds no audio now" if os.path.isdir(root) else "is gone"
                raise UserError(
                    f"{root}: {what}, and {had} songs of the library are from there; mount the disk and scan again, or "
                    "give --confirm_gone to leave them out"
                )
        if not self._catalogue.count_present() and not sum(map(self._catalogue.count_walked, self._settings.roots)):
            raise UserError(f"{', '.join(self._settings.roots)}: no audio file here, at any depth")

    def _know(self) -> int:
        """Reads the files that are not known as they are; returns their number."""
        count, catalogue = self._catalogue.count_new(), self._catalogue
        if not count:
            return 0
        asked: list[Seen] = []
        results = self._mapped(know, _kept(catalogue.new(), asked), count, knowing_patience)
        with contextlib.closing(results):
            for some in _some(progress(results, count, "read")):
                files, asked[: len(some)] = asked[: len(some)], []
                catalogue.record([(seen, _or_reason(known)) for seen, known in zip(files, some)])
        return count

    def _require_there(self) -> None:
        """Asks before much of the library is left out."""
        gone, had = self._catalogue.count_gone(), self._catalogue.count_present()
        if gone > MOST_GONE * had and not self._asked.confirm_gone:
            raise UserError(
                f"{self._settings.folder}: {gone} of {had} files are gone from {', '.join(self._settings.roots)}; see "
                "that the disk is mounted and scan again, or give --confirm_gone to leave them out"
            )

    def _hear(self) -> int:
        """Embeds the contents that were never heard; returns how many could be."""
        count = self._catalogue.unheard(self._parts.places)
        if not count:
            return 0
        # Imported here, so that a scan that finds nothing new does not wait for TensorFlow.
        from dmml_tf.embed.embedder import Embedder, mean_of_windows

        before, embedder = len(self._parts), Embedder.of_run(self._run)
        asked: list[tuple[Seen, bytes]] = []
        signal = embedder.signal

        def hearings() -> Iterator[Hearing]:
            for seen, content in self._catalogue.tasks():
                asked.append((seen, content))
                yield Hearing(seen, Task(seen.place, audio=signal.takes_samples, features=signal.features))

        def vector(result: Extracted) -> np.ndarray:
            # Each song in batches of its own: what rounding does to it is then no matter of its neighbours.
            return mean_of_windows(embedder.windows({signal.field: getattr(result, signal.field)}))

        with contextlib.closing(self._mapped(hear, hearings(), count, hearing_patience)) as results:
            for some in _some(self._embedded(progress(results, count, "embed"), asked, vector)):
                # The row first: see `catalogue`.
                self._catalogue.record_sounds(sound for sound in some if sound)
                self._parts.write()
        return len(self._parts) - before

    def _embedded(
        self, results: Iterator, asked: list[tuple[Seen, bytes]], vector: Callable[[Extracted], np.ndarray]
    ) -> Iterator[tuple[bytes, str | None, Sequence[Note]] | None]:
        """What became of each sound; vectors are added to the parts, to be written with the row."""
        for result in results:
            seen, content = asked.pop(0)
            if result == CHANGED:
                self._catalogue.forget_content(seen)
                yield None
            elif isinstance(result, Extracted):
                embedding = vector(result)
                if np.isfinite(embedding).all():
                    self._parts.add(content, result.duration, embedding)
                    yield content, None, result.notes
                else:
                    yield content, "its embedding is not finite", result.notes
            else:
                yield content, result.reason, result.notes if isinstance(result, Refused) else ()

    def _mapped(self, function: Callable, tasks: Iterator, count: int, patience: Callable) -> Generator:
        workers = min(count, self._asked.workers or default_workers())
        return ordered_map(function, tasks, workers, patience)

    def _take_over(self) -> None:
        """The coming model is the library's, now that its vectors are whole; what is of others goes."""
        if self._settings.coming:
            dataclasses.replace(self._settings, model=self._model, coming=None).write()
        for other in self._run.folder.parent.iterdir():
            if other.name != self._run.folder.name:
                shutil.rmtree(other, ignore_errors=True)


def _kept(items: Iterator, into: list) -> Iterator:
    """Passes items through, and keeps them until they are answered."""
    for item in items:
        into.append(item)
        yield item


def _some(items: Iterator) -> Iterator[list]:
    """Items by the few hundred, or of one minute."""
    some, begun = [], time.monotonic()
    for item in items:
        some.append(item)
        if len(some) >= _TOGETHER or time.monotonic() - begun > _SECONDS:
            yield some
            some, begun = [], time.monotonic()
    if some:
        yield some


def _or_reason(result):
    return result.reason if isinstance(result, Died) else result
