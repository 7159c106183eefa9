"""The steps of a scan, each of which keeps what it has done as it goes.

    walk       -> sizes and times of all files            (some seconds for 100,000)
    know       -> contents and tags of new ones           (reads them through, in processes)
    hear       -> vectors of contents never heard before  (decodes in processes, embeds here)
    index      -> models/KEY/index

A sound's vector does not depend on what is embedded beside it: whatever the order, the vectors are those of a scan
from nothing.
"""

import contextlib
import functools
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np

from dmml_tf.library.catalogue import Catalogue
from dmml_tf.library.indexing import write_index
from dmml_tf.library.parts import PARTS_FOLDER, Parts
from dmml_tf.library.reading import CHANGED, Hearing, Seen, hear, hearing_patience, know, knowing_patience
from dmml_tf.library.settings import Settings
from dmml_tf.library.walk import audio_files, prefixes
from dmml_tf.run import Run
from dmml_tf.search.index import INDEX_FOLDER, INDEX_VERSION
from tfrecords_tools.audio.extract import Extracted, Refused, Task
from tfrecords_tools.build.pool import Died, default_workers, ordered_map
from tfrecords_tools.errors import UserError
from tfrecords_tools.notes import Note
from tfrecords_tools.program import progress

MOST_GONE = 0.2  # share of a library's files that may be gone without asking
_TOGETHER = 256  # files whose contents, or sounds whose vectors, are kept in one go
_SECONDS = 60.0  # between two such goes at most


class Steps:
    """One scan.

    Args:
        settings: of the library.
        catalogue: of its files.
        workers: processes that read and decode; 0 takes one a core.
        confirm_gone: leaves out what is gone, however much that is.
        shown: whether the walk, which takes long only where there are many files, reports on standard error.
    """

    def __init__(
        self, settings: Settings, catalogue: Catalogue, workers: int = 0, confirm_gone: bool = False, shown: bool = True
    ):
        self._settings, self._catalogue = settings, catalogue
        self._workers, self._confirm_gone, self._shown = workers, confirm_gone, shown
        self._model = settings.coming or settings.model
        self._folder = settings.model_folder(self._model)
        self.prefixes = prefixes(settings.roots)
        self._had = catalogue.count_present()

    @functools.cached_property
    def _run(self) -> Run:
        return Run.load(self._folder)

    @functools.cached_property
    def _parts(self) -> Parts:
        return Parts(self._folder / PARTS_FOLDER, self._model.weights)

    def walk(self) -> None:
        """Looks at all files.

        Raises:
            UserError: if a root that had songs has none, or no root has.
        """
        misnamed: list[tuple[str, str]] = []
        files = (seen for root in self._settings.roots for seen in audio_files(root, misnamed))
        self._catalogue.walked(progress(files, label="files") if self._shown else files)
        self._catalogue.misnamed(misnamed)
        counts = {root: self._catalogue.count_walked(root) for root in self._settings.roots}
        for root, count in counts.items():
            had = self._catalogue.count_present(root)
            if had and not count and not self._confirm_gone:
                what = "holds no audio now" if os.path.isdir(root) else "is gone"
                raise UserError(
                    f"{root}: {what}, and {had} songs of the library are from there; mount the disk and scan again, or "
                    "give --confirm_gone to leave them out"
                )
        if not self._had and not any(counts.values()):
            raise UserError(f"{', '.join(counts)}: no audio file here, at any depth")

    def know(self) -> int:
        """Reads the files that are not known as they are; returns their number."""
        count, catalogue = self._catalogue.count_new(), self._catalogue
        if not count:
            return 0
        asked: list[Seen] = []
        with contextlib.closing(self._mapped(know, _kept(catalogue.new(), asked), count, knowing_patience)) as results:
            for some in _some(progress(results, count, "read")):
                catalogue.record([(seen, _or_reason(known)) for seen, known in zip(asked, some)])
                del asked[: len(some)]
        return count

    def settle(self) -> tuple[int, int]:
        """Leaves out what is gone, and takes in what is back; returns how many songs are gone, and how many back.

        Raises:
            UserError: if so many are gone that a disk may be missing.
        """
        gone = self._catalogue.count_gone()
        if gone > MOST_GONE * self._had and not self._confirm_gone:
            raise UserError(
                f"{self._settings.folder}: {gone} of {self._had} files are gone from {', '.join(self.prefixes)}; see "
                "that the disk is mounted and scan again, or give --confirm_gone to leave them out"
            )
        return gone, self._catalogue.settle()

    def hear(self) -> int:
        """Embeds the contents that were never heard; returns how many could be."""
        count = self._catalogue.unheard(self._parts.places)
        if not count:
            return 0
        # Imported here, so that a scan that finds nothing new does not build a network.
        from dmml_tf.embed.embedder import Embedder, mean_of_windows

        before, embedder = len(self._parts), Embedder.of_run(self._run)
        asked: list[tuple[Seen, bytes]] = []
        signal = embedder.signal

        def hearings() -> Iterator[Hearing]:
            for seen, _content in _kept(self._catalogue.tasks(), asked):
                yield Hearing(
                    seen,
                    Task(
                        seen.place,
                        audio=signal.takes_samples,
                        features=signal.features,
                        excerpts=self._model.excerpts,
                    ),
                )

        def vector(result: Extracted) -> np.ndarray:
            # Each song in batches of its own: what rounding does to it is then no matter of its neighbours.
            return mean_of_windows(embedder.windows({signal.field: getattr(result, signal.field)}))

        with contextlib.closing(self._mapped(hear, hearings(), count, hearing_patience)) as results:
            for some in _some(self._embedded(progress(results, count, "embed"), asked, vector)):
                # The row first: see `catalogue`.
                self._catalogue.record_sounds(sound for sound in some if sound)
                self._parts.write()
        return len(self._parts) - before

    def index(self) -> None:
        """Makes the index, unless there is one of the same files."""
        folder = self._folder / INDEX_FOLDER
        made_of = f"{INDEX_VERSION} {self._model.key} {list(self.prefixes.items())}"
        if self._catalogue.fact("indexed") == made_of and (folder.exists() or not self._catalogue.count_rows()):
            return
        self._catalogue.name_files(self.prefixes)
        if not write_index(folder, self._run, self._catalogue, self._parts):
            shutil.rmtree(folder, ignore_errors=True)
        self._catalogue.keep_fact("indexed", made_of)

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
        return ordered_map(function, tasks, min(count, self._workers or default_workers()), patience)


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
