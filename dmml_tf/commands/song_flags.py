"""What search, path and playlist share: songs by id or by file, where their sound is, and `--m3u`."""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from dmml_tf.commands.run_flag import chosen_index, chosen_run, chosen_sounds, define_run_or_library_flags
from dmml_tf.search.index import Index, Query
from dmml_tf.search.m3u import Entry, write_m3u
from dmml_tf.search.query import by_embedding, by_tracks, together
from dmml_tf.search.section import Section
from tfrecords_tools.errors import UserError

if TYPE_CHECKING:  # a search by id does not wait for TensorFlow
    from dmml_tf.embed.embedder import Embedder


def define_song_flags(fv: flags.FlagValues) -> None:
    """Defines `--run`, `--library`, `--data`, `--m3u` and `--format`."""
    define_run_or_library_flags(fv)
    flags.DEFINE_string(
        "data",
        None,
        "Dataset folder whose table says where the songs of a run are; default: the one it was trained on.",
        flag_values=fv,
    )
    flags.DEFINE_string("m3u", None, "Playlist (.m3u8) to write, with paths relative to its folder.", flag_values=fv)
    flags.DEFINE_enum("format", "table", ["table", "json"], "How the results are printed.", flag_values=fv)


@dataclasses.dataclass(frozen=True, eq=False)
class Songs:
    """The songs of a run or a library.

    Attributes:
        folder: of the run, which a library has within its own.
        index: the songs.
        sounds: gives track id -> audio file, which raises `UserError` where there is none.
    """

    folder: Path
    index: Index
    sounds: Callable[[], Callable[[str], Path]]

    @classmethod
    def chosen(cls, fv: flags.FlagValues) -> "Songs":
        """Those that the flags name.

        Raises:
            UserError: as `chosen_run`, or if there is no index.
        """
        folder = chosen_run(fv)
        if fv.data and fv.library:
            raise UserError("--data is for --run; a library knows where its songs are")
        return cls(folder, chosen_index(fv), functools.cache(lambda: chosen_sounds(fv)))

    def query(self, name: str) -> Query:
        """A song by its id; a name that is no id but that of an audio file is heard.

        Raises:
            UserError: if it is neither, or the file cannot be used.
        """
        if self.index.row(name) is None and os.path.exists(name):
            return self.heard(name)
        try:
            return by_tracks(self.index, [name])
        except UserError as error:
            raise UserError(f"{name}: no such file, and {error}") from None

    def together(self, names: Sequence[str]) -> Query:
        """What several songs have in common; `UserError` as `query`."""
        return together(self.index, [self.query(name) for name in names])

    def heard(self, path: str) -> Query:
        """An audio file; `UserError` if it cannot be used."""
        if path not in self._heard:
            # Imported here, so that a search by id does not wait for TensorFlow.
            from dmml_tf.embed.audio import embed_audio

            self._heard[path] = by_embedding(embed_audio(path, self._embedder), self.index.conditions)
        return self._heard[path]

    @functools.cached_property
    def _heard(self) -> dict[str, Query]:
        return {}

    def file_of(self, name: str) -> tuple[Path, str]:
        """The audio file of a song, and its id, empty of a file that is none; `UserError` as `query` and `sound_of`."""
        row = self.index.row(name)
        if row is None and os.path.exists(name):
            return Path(name), ""
        track_id = self.index.tracks[self.index.position(name)]["id"]
        return self.sound_of(track_id), track_id

    def embedder(self) -> "Embedder":
        """What hears as the index's songs were heard; `UserError` if the run has other weights by now."""
        return self._embedder

    @functools.cached_property
    def _embedder(self) -> "Embedder":
        from dmml_tf.embed.embedder import Embedder
        from dmml_tf.run import Run
        from dmml_tf.search.of_run import require_own_index

        trained = Run.load(self.folder)
        require_own_index(trained, self.index)
        return Embedder.of_run(trained)

    def sound_of(self, track_id: str) -> Path:
        """The audio file of a track; `UserError` where it is not known."""
        return self.sounds()(track_id)

    def sound(self, track_id: str) -> Path | None:
        """The audio file of a track, None where it is not known; `UserError` if `--data` names no dataset."""
        find = self.sounds()
        try:
            return find(track_id)
        except UserError:
            return None

    def write_m3u(
        self, path: str, tracks: Sequence[Mapping[str, str] | Path], sections: Sequence[Section | None] = ()
    ) -> str:
        """Writes a playlist of tracks of the index and of files beside it; returns a line that says so.

        Args:
            path: of the playlist.
            tracks: rows of the index, and files.
            sections: of each, where it shall begin to play; none given: all from their beginning.

        Raises:
            UserError: if the file of none is known, or it cannot be written.
        """
        entries, unknown = [], []
        for track, section in zip(tracks, sections or [None] * len(tracks)):
            if isinstance(track, Path):
                entries.append(Entry(track, {}))
            elif sound := self.sound(track["id"]):
                entries.append(Entry(sound, track, section and section.begin))
            else:
                unknown.append(track["id"])
        if unknown and not entries:
            raise UserError(
                f"{path}: no audio file is known of '{unknown[0]}' or the others; name the records with --data"
            )
        left = [*unknown, *map(str, write_m3u(path, entries))]
        without = f"; without {len(left)} whose file has no usable path, such as {left[0]}" if left else ""
        return f"{path}: {len(entries) + len(unknown) - len(left)} songs{without}"
