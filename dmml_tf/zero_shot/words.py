"""Word vectors in a text file, as GloVe and word2vec write them: streamed, only the words that are asked for are kept.

word v1 v2 ... vD        one a line, UTF-8, divided by blanks; word2vec's header line `count D` may come first
"""

import dataclasses
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

_BLOCK = 16 * 2**20  # bytes read at a time; the file may have any size
_LONGEST = 2**20  # bytes of a line; what is longer is no line of text


@dataclasses.dataclass(frozen=True, eq=False)
class WordVectors:
    """What was found of the words asked for.

    Attributes:
        vectors: word, as asked for -> float32 [D].
        size: D.
        missing: words without a line, sorted.
        skipped: lines with another number of values than D, such as words that hold a blank.
        sha256: of the file's bytes.
    """

    vectors: Mapping[str, np.ndarray]
    size: int
    missing: tuple[str, ...]
    skipped: int
    sha256: str


def words_of(tag: str) -> list[str]:
    """The words of a tag, in small letters: `Hip-Hop`, `hip hop` and `hip_hop` are `hip` and `hop`."""
    return re.findall(r"[^\W_]+", tag.casefold())


def phrase_vector(tag: str, vectors: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """float32 [D]: the mean of the vectors of the tag's words that have one; None if none has."""
    known = [vectors[word] for word in words_of(tag) if word in vectors]
    return np.mean(known, axis=0, dtype=np.float64).astype(np.float32) if known else None


def read_word_vectors(path: str | os.PathLike, words: Collection[str]) -> WordVectors:
    """Reads the file once, holding the lines of `words` alone.

    Case is ignored. Where several lines are one word but for case, the one in small letters counts, else the first.
    The values of words that are not asked for are counted, not read.

    Args:
        path: the file. D is what its header says, or what its first line has.
        words: in small letters, as `words_of` gives them.

    Raises:
        UserError: if the file cannot be read or is no text of that form, or a value of a word asked for is not a
            finite number.
    """
    path, digest = Path(path), hashlib.sha256()
    wanted, vectors, exact = set(words), {}, set()
    size, skipped = 0, 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_lines(file, path, digest), 1):
                word, *values = line.split()
                if not size:
                    header = number == 1 and len(values) == 1 and word.isdigit() and values[0].isdigit()
                    size = int(values[0]) if header else len(values)
                    if header:
                        continue
                if len(values) != size:
                    skipped += 1
                    continue
                text = word.decode("utf-8", "replace")
                key = text.casefold()
                if key not in wanted or key in exact or (key in vectors and text != key):
                    continue
                vectors[key] = _numbers(path, number, key, values)
                if text == key:
                    exact.add(key)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a text file of word vectors") from error
    if not size:
        raise UserError(f"{path}: holds no word vectors; its lines must be a word and its numbers, divided by blanks")
    return WordVectors(vectors, size, tuple(sorted(wanted - set(vectors))), skipped, digest.hexdigest())


def _lines(file, path: Path, digest) -> Iterator[bytes]:
    """Lines that are not empty; every byte goes into `digest`."""
    total = -(-os.fstat(file.fileno()).st_size // _BLOCK)
    for lines in progress(_blocks(file), total, f"{path.name}, blocks of 16 MiB"):
        for line in lines:
            digest.update(line)
            if len(line) > _LONGEST:
                raise UserError(
                    f"{path}: holds a line of {len(line)} bytes; word vectors must be in text form, one word a line"
                )
            if not line.isspace():
                yield line


def _blocks(file) -> Iterable[list[bytes]]:
    while lines := file.readlines(_BLOCK):
        yield lines


def _numbers(path: Path, number: int, word: str, values: list[bytes]) -> np.ndarray:
    try:
        vector = np.array([float(value) for value in values], np.float32)
    except ValueError:
        vector = np.array([np.nan], np.float32)
    if not np.isfinite(vector).all():
        raise UserError(
            f"{path}: the vector of '{word}' (line {number}, empty lines not counted) has a value that is "
            "no finite number; mend or remove the line"
        )
    return vector
