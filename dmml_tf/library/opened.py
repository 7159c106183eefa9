"""A library in Python: scan it, search it, and hear where its songs are."""

import functools
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dmml_tf.library.duplicates import Duplicates, find_duplicates
from dmml_tf.library.library import Library
from dmml_tf.library.path import STEPS, SongPath, song_path
from dmml_tf.library.playlist import Listed, Taste, make_playlist
from dmml_tf.library.scan import Scan, Scanned, scan
from dmml_tf.search.rules import NO_RULES, Rules
from dmml_tf.search.searcher import Example, Results, Searcher
from dmml_tf.search.sections import Sections

PathLike = str | os.PathLike[str]


class OpenLibrary:
    """A library of one's own music.

    >>> library = dmml.open_library("music.dmml", "music", run="runs/mine")
    >>> results = library.search("t001.wav", weights={"tempo": 1}, k=2)
    >>> [library.sound(track_id).suffix for track_id in results.ids]
    ['.wav', '.wav']

    Attributes:
        library: what is on disk.
    """

    def __init__(self, folder: PathLike):
        """Opens the library in `folder`.

        Raises:
            UserError: as `Library.open`.
        """
        self.library = Library.open(folder)

    def search(self, like: Example | None = None, **asked: Any) -> Results:
        """The most similar songs; what can be asked for is what `Searcher.search` takes.

        Raises:
            UserError: as `Searcher.search`.
        """
        return self.searcher.search(like, **asked)

    def path(
        self,
        start: Example,
        end: Example,
        steps: int = STEPS,
        *,
        weights: Mapping[str, float] | None = None,
        keep: Collection[str] = (),
        rules: Rules = NO_RULES,
    ) -> SongPath:
        """A sequence of songs from one to another, whose neighbours are close and which lie evenly on the way.

        >>> library = dmml.open_library("music.dmml", "music", run="runs/mine")
        >>> path = library.path("t001.wav", "t004.wav", steps=1, weights={"tempo": 1})
        >>> [stop.track["id"] for stop in path.stops]
        ['t001.wav', 't004.wav']

        Args:
            start, end: an id, a file or a vector each.
            steps, weights, keep, rules: as `dmml_tf.library.path.song_path`.

        Raises:
            UserError: as `song_path`.
        """
        ends = self.searcher.query(start), self.searcher.query(end)
        return song_path(self.library.index, *ends, steps, weights, keep, rules)

    def playlist(
        self,
        seeds: Sequence[Example] = (),
        likes: Sequence[Example] = (),
        dislikes: Sequence[Example] = (),
        **asked: Any,
    ) -> list[Listed]:
        """The seeds, and songs like them and the likes, unlike the dislikes, and not too like each other.

        >>> library = dmml.open_library("music.dmml", "music", run="runs/mine")
        >>> [song.track["id"] for song in library.playlist(["t001.wav"], dislikes=["t003.wav"], songs=2)]
        ['t001.wav', ...]

        Args:
            seeds, likes, dislikes: each as `Searcher.query` takes it.
            asked: songs, minutes, weights, variety, rules: see `dmml_tf.library.playlist.make_playlist`.

        Raises:
            UserError: as `dmml_tf.library.playlist.make_playlist`.
        """
        taste = Taste(*([self.searcher.query(song) for song in songs] for songs in (seeds, likes, dislikes)))
        return make_playlist(self.library.index, taste, **asked)

    def scan(self, *music: PathLike, **asked: Any) -> Scanned:
        """Brings the library up to date with its folders, and with those of `music` besides.

        >>> library = dmml.open_library("music.dmml", "music", run="runs/mine")
        >>> library.scan().embedded
        0

        Args:
            music: folders to add.
            asked: what else `dmml_tf.library.scan.Scan` takes: `run`, `reembed`, `confirm_gone`, `retry`, `workers`,
                `excerpts`.

        Raises:
            UserError: as `dmml_tf.library.scan.scan`.
        """
        scanned = scan(self.library.folder, Scan(_roots(music), **asked))
        self.library = Library.open(self.library.folder)
        self.__dict__.pop("searcher", None)
        return scanned

    @functools.cached_property
    def searcher(self) -> Searcher:
        """Searches the songs, and by files that are not in the library."""
        library = self.library

        @functools.cache
        def embedder() -> Any:
            from dmml_tf.embed.embedder import Embedder

            return Embedder.of_run(library.run)

        def hear(path: PathLike) -> npt.NDArray[np.float32]:
            from dmml_tf.embed.audio import embed_audio

            return embed_audio(path, embedder())

        return Searcher(library.index, hear, None, library.heard_as, Sections(embedder, library.sound))

    def duplicates(self, **asked: Any) -> Duplicates:
        """The recordings that are in the library more than once; nothing is deleted.

        >>> library = dmml.open_library("music.dmml", "music", run="runs/mine")
        >>> library.duplicates(workers=1).groups
        []

        Args:
            asked: what `dmml_tf.library.duplicates.find_duplicates` takes: `cosine`, `similarity`, `neighbours`,
                `workers`. Files are decoded in processes: a script calls this under `if __name__ == "__main__":`.
        """
        return find_duplicates(self.library.index, self.library.sound, **asked)

    def sound(self, track_id: str) -> Path:
        """The audio file of a song; `UserError` if there is no such song."""
        return self.library.sound(track_id)

    @property
    def ids(self) -> list[str]:
        """The songs' ids, ascending: their paths below the folder of music."""
        return self.searcher.ids

    @property
    def tracks(self) -> Sequence[Mapping[str, str]]:
        """Metadata as text, a row a song: id, title, artist, album, year, seconds."""
        return self.searcher.tracks

    def __len__(self) -> int:
        return len(self.searcher)

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        return iter(self.searcher)

    def __repr__(self) -> str:
        return f"{self.library!r}, {len(self)} songs"


def open_library(folder: PathLike, *music: PathLike, **asked: Any) -> OpenLibrary:
    """Opens a library; with folders of music it is made, or brought up to date with them, before.

    >>> library = dmml.open_library("music.dmml", "music", run="runs/mine")
    >>> library.ids
    ['t001.wav', 't002.wav', 't003.wav', 't004.wav']

    A script that names folders calls this under `if __name__ == "__main__":`, since files are decoded in processes.

    Args:
        folder: of the library.
        music: folders of music, at any depth.
        asked: as for `OpenLibrary.scan`.

    Raises:
        UserError: if there is no library and no folder is named, or as `dmml_tf.library.scan.scan`.
    """
    if music:
        scan(folder, Scan(_roots(music), **asked))
    return OpenLibrary(folder)


def _roots(music: Sequence[PathLike]) -> list[str]:
    return [os.path.expanduser(os.fspath(root)) for root in music]
