"""Songs are found by words: one text of all songs, so that a hundred thousand are looked through in milliseconds."""

import bisect
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

# What nobody looks for by words.
_LEFT_OUT = {"split", "seconds"}
_END = "\n"  # of a song


class Words:
    """The words of some songs.

    Args:
        tracks: rows of metadata.
    """

    def __init__(self, tracks: Iterable[Mapping[str, str]]):
        self._starts, lines, place = [0], [], 0
        for track in tracks:
            line = plain(" ".join([cell for name, cell in track.items() if cell and name not in _LEFT_OUT]))
            lines.append(line.replace(_END, " "))
            place += len(lines[-1]) + 1
            self._starts.append(place)
        self._text = _END.join([*lines, ""])

    def rows(self, text: str) -> Iterator[int]:
        """Ascending rows in which every word of `text` occurs, in any case, with or without accents."""
        words = sorted(plain(text).split(), key=len, reverse=True)
        return self._having(words) if words else iter(range(len(self._starts) - 1))

    def _having(self, words: Sequence[str]) -> Iterator[int]:
        # The longest word is likely the rarest: it is looked for in all songs, the others where it is.
        place = self._text.find(words[0])
        while place >= 0:
            row = bisect.bisect_right(self._starts, place) - 1
            start, end = self._starts[row], self._starts[row + 1]
            if all(self._text.find(word, start, end) >= 0 for word in words[1:]):
                yield row
            place = self._text.find(words[0], end)


def plain(text: str) -> str:
    """Folded to lower case, without accents: what a search by words compares."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
