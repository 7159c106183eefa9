"""A section of a song as the query, and the section of a result that is most like it.

An index holds one vector a song, so that results are heard again for this: only the first of them, and decoded anew.
"""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.search.index import Hit, Index, Query
from dmml_tf.search.section import LEAST_SECONDS, Section, clock
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

if TYPE_CHECKING:  # a search by id does not wait for TensorFlow
    from dmml_tf.embed.embedder import Embedder

# Results that are heard again at least, and for each that is asked for.
HEARD_AGAIN, HEARD_A_RESULT = 20, 2
_HOPS = 3  # windows that begin within the length of one: each second, for the paper's 3 s


def heard_again(k: int) -> int:
    """How many results by whole songs are heard again, for the `k` best by their sections."""
    return max(HEARD_AGAIN, HEARD_A_RESULT * k)


@dataclasses.dataclass(frozen=True, eq=False)
class Sections:
    """Hears sections of songs.

    Attributes:
        embedder: of the network that made the index; called when it is needed.
        sound: track id -> its audio file; raises `UserError` where there is none.
    """

    embedder: Callable[[], "Embedder"]
    sound: Callable[[str], Path]

    def embed(self, path: str | os.PathLike[str], section: Section | None = None) -> tuple[Array, float]:
        """The mean of the 3 s windows that lie in a section of a file.

        The whole file is decoded, since how loud it is as a whole sets the level of its parts; what is left of the
        section after its last whole window is not heard.

        Args:
            path: an audio file.
            section: None takes the whole file.

        Returns:
            float32 [E], and the seconds of the section.

        Raises:
            UserError: if the file cannot be used, or ends before the section does.
        """
        from dmml_tf.embed.audio import read_sound

        embedder = self.embedder()
        signal = embedder.signal
        sound, seconds = read_sound(path, signal)
        if section is None:
            return embedder.song(sound), seconds
        if section.end > seconds + 0.5:
            raise UserError(f"{os.fspath(path)}: is {clock(seconds)} long; the window {section} ends after it")
        rate = signal.features.frames_per_second
        frames = max(signal.features.window_frames, round((section.end - section.begin) * rate))
        first = max(0, min(round(section.begin * rate), signal.frames(sound) - frames))
        part = {signal.field: signal.stretch(sound, first, frames)}
        return embedder.song(part), section.end - section.begin

    def find(
        self, index: Index, query: Query, weights: Mapping[str, float] | None, hits: Sequence[Hit], seconds: float
    ) -> list[Hit]:
        """Hears results again, and ranks them by that section of each which is most like the query.

        What cannot be heard is left out, a line on standard error says why.

        Args:
            index: that found them.
            query, weights: as for `Index.search`.
            hits: the results to hear, each about a second of a core.
            seconds: of a section; a result that is shorter is taken as a whole.

        Returns:
            The results with score, cosines and `section` of their best section, best first.
        """
        found = list(self._found(index, query, weights, hits, seconds))
        return sorted(found, key=lambda hit: (-hit.score, hit.track["id"]))

    def _found(
        self, index: Index, query: Query, weights: Mapping[str, float] | None, hits: Sequence[Hit], seconds: float
    ) -> Iterator[Hit]:
        from dmml_tf.embed.audio import read_sound

        embedder = self.embedder()
        chain = embedder.signal.features
        hop = chain.window_frames // _HOPS
        count = max(1, int(max(seconds, LEAST_SECONDS) * chain.frames_per_second) // chain.window_frames)
        plain = dataclasses.replace(query, sources=())
        for hit in progress(hits, len(hits), "hear"):
            try:
                sound, _ = read_sound(self.sound(hit.track["id"]), embedder.signal)
            except UserError as error:
                print(f"{hit.track['id']}: not heard again, left out: {error}", file=sys.stderr)
                continue
            vectors, windows = sections_of(embedder.windows(sound, hop), count, _HOPS)
            names = [{"id": f"{place:09d}"} for place in range(len(vectors))]
            best = Index.build(vectors, index.conditions, names).search(plain, weights, 1)[0]
            begin = int(best.track["id"]) * hop / chain.frames_per_second
            end = begin + windows * chain.window_frames / chain.frames_per_second
            yield dataclasses.replace(hit, score=best.score, cosines=best.cosines, section=Section(begin, end))


def sections_of(windows: Array, count: int, hops: int) -> tuple[Array, int]:
    """The means of `count` windows side by side, from each window on.

    Args:
        windows: float32 [W, E], each beginning `1 / hops` of its length after the one before.
        count: windows of a section; fewer where there are not so many.
        hops: see `windows`.

    Returns:
        float32 [S, E] of the S sections, and the windows of each.
    """
    count = min(count, (len(windows) - 1) // hops + 1)
    last = len(windows) - hops * (count - 1)
    return np.mean([windows[hops * place : hops * place + last] for place in range(count)], axis=0), count
