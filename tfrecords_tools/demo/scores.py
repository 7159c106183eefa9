"""Genres that are scores of music21's corpus: chorale, reel, jig.

Only files that the package ships are read; nothing is fetched. What makes each genre is in the
function of its name. A score's own tempo mark is dropped: one beat is the note value that the genre
counts in, and the plan says how many beats a minute.
"""

import functools
import importlib.util
import pathlib
import re
from collections.abc import Callable, Sequence

from tfrecords_tools.demo.piece import BASS, CHORD, MELODY, ROLES, Drum, Note, Piece, repeat_to

# What is struck beside the tune in each beat (part of the beat, General MIDI key, velocity): wood blocks
# stand for a reel's bones, low congas for a jig's bodhran. In 3 s at an unknown tempo they tell two from three.
_HAND_DRUMS = {
    "reel": ((0.0, 76, 0.9), (0.5, 77, 0.65)),
    "jig": ((0.0, 64, 1.0), (1 / 3, 63, 0.55), (2 / 3, 63, 0.8)),
}
# A raw part: (start, length, pitch) of each note, in quarter notes from the excerpt's start.
Part = list[tuple[float, float, int]]


def corpus_folder() -> pathlib.Path:
    """Folder of the installed music21's scores, found without importing music21 (0.5 s)."""
    spec = importlib.util.find_spec("music21")
    assert spec is not None and spec.origin is not None
    return pathlib.Path(spec.origin).parent / "corpus"


@functools.cache
def score_files(genre: str) -> tuple[str, ...]:
    """Paths below the corpus folder of the scores that may serve a genre, in an order that never changes."""
    pattern, accept = _SOURCES[genre]
    root = corpus_folder()
    return tuple(sorted(path.relative_to(root).as_posix() for path in root.glob(pattern) if accept(path)))


def read_score(genre: str, file: str, beats: float) -> Piece | None:
    """Parses one score and writes it out as its genre demands.

    Args:
        genre: a key of `GENRES`.
        file: path below the corpus folder.
        beats: least length; the score is repeated if it is shorter.

    Returns:
        The piece, or None if the score does not have what the genre needs (parts, metre).
    """
    from music21 import converter, stream  # Half a second, and only the workers need it.

    score = converter.parse(corpus_folder() / file, forceSource=True, storePickle=False)
    assert isinstance(score, stream.Score)
    parts = [part for part in map(_notes_of, score.parts) if part]
    if not parts:
        return None
    tonic = score.analyze("key").tonic.pitchClass
    notes = GENRES[genre](parts, tonic)
    if not notes:
        return None
    notes = _from_full_entry(notes)
    if not notes:
        return None
    # Whole bars of four beats, so that a repeat does not shift the metre.
    length = 4 * -(-max(note.start + note.length for note in notes) // 4)
    strokes = [
        Drum(beat + part, key, velocity)
        for beat in range(int(length))
        for part, key, velocity in _HAND_DRUMS.get(genre, ())
    ]
    piece = Piece(
        tuple(notes), tuple(strokes), tonic=tonic, division=3 if genre == "jig" else 2, running=genre != "chorale"
    )
    return repeat_to(piece, beats, length)


def _from_full_entry(notes: Sequence[Note]) -> list[Note]:
    """Begins on the beat from which all roles have entered: a family that rests would not be a true tag.

    None are left if fewer than eight beats remain.
    """
    firsts = [min((note.start for note in notes if note.role == role), default=float("inf")) for role in ROLES]
    if max(firsts) + 8 > max(note.start for note in notes):
        return []
    entry = int(max(firsts))
    return [note._replace(start=note.start - entry) for note in notes if note.start >= entry]


def chorale(parts: Sequence[Part], tonic: int) -> list[Note]:
    """Four voices in one rhythm, a chord on every beat (a quarter note), passing notes in between."""
    if len(parts) != 4:
        return []
    return _voices(parts, 1.0, longest=1.0)


def reel(parts: Sequence[Part], tonic: int) -> list[Note]:
    """One tune, two notes to the beat; bass on the beat, tonic and fifth between the beats, bones."""
    tune = parts[0]
    # Reels are printed in eighths or in sixteenths; both are the same music.
    running = min((0.25, 0.5), key=lambda value: -sum(abs(length - value) < 0.01 for _, length, _ in tune))
    notes = _voices([tune], 2 * running, longest=1.0)
    low = 48 + (tonic - 48) % 12
    for beat in range(int(max(note.start for note in notes)) + 1):
        accent = 0.8 if beat % 2 == 0 else 0.6
        notes.append(Note(beat, 0.5, low - (12 if beat % 2 == 0 else 5), BASS, accent))
        notes += [Note(beat + 0.5, 0.4, low + step, CHORD, 0.7, k) for k, step in enumerate((7, 12))]
    return notes


def jig(parts: Sequence[Part], tonic: int) -> list[Note]:
    """One tune, three notes to the beat; a bass note on the beat, a chord on the beat's third; hand drum."""
    notes = _voices(parts[:1], 1.5, longest=1.0)
    for beat in range(int(max(note.start for note in notes)) + 1):
        root = _best_root([note for note in notes if note.role == MELODY and beat <= note.start < beat + 1], tonic)
        low = 45 + (tonic + root - 45) % 12
        notes.append(Note(beat, 0.6, low - 12, BASS, 0.85))
        notes += [Note(beat + 2 / 3, 1 / 3, low + step, CHORD, 0.7, k) for k, step in enumerate((7, 12))]
    return notes


def _voices(parts: Sequence[Part], beat: float, longest: float) -> list[Note]:
    """Parts as notes in beats, longer ones struck again: the top is the melody, the bottom the bass."""
    notes = []
    for voice, part in enumerate(parts):
        role = MELODY if voice == 0 else BASS if voice == len(parts) - 1 else CHORD
        for start, length, pitch in part:
            notes += _struck_again(start / beat, length / beat, pitch, role, voice, longest)
    return notes


def _struck_again(start: float, length: float, pitch: int, role: str, voice: int, limit: float) -> list[Note]:
    cuts = [start]
    while start + length - cuts[-1] > limit + 1e-6:
        cuts.append(cuts[-1] + limit)
    ends = [*cuts[1:], start + length]
    return [Note(a, b - a, pitch, role, 0.85 if abs(a - round(a)) < 1e-6 else 0.7, voice) for a, b in zip(cuts, ends)]


def _best_root(tune: Sequence[Note], tonic: int) -> int:
    """Semitones above the tonic (0, 5 or 7) of the chord that holds most of the tune's notes."""

    def fit(root: int) -> float:
        return sum(note.length for note in tune if (note.pitch - tonic - root) % 12 in (0, 3, 4, 7))

    return max((0, 7, 5), key=fit)


def _notes_of(part) -> Part:
    """Notes of a music21 part, ties joined; of a chord the top note. An upbeat ends its own bar."""
    bars = list(part.getElementsByClass("Measure"))
    upbeat = float(bars[1].offset) if len(bars) > 1 else 0.0
    late = -upbeat % max(float(bars[1].barDuration.quarterLength), 1.0) if len(bars) > 1 else 0.0
    notes: Part = []
    for element in part.flatten().notes:
        start, length = late + float(element.offset), float(element.quarterLength)
        if length <= 0:
            continue
        pitch = max(p.midi for p in element.pitches) if element.pitches else None
        tied = element.tie is not None and element.tie.type in ("stop", "continue")
        if tied and notes and notes[-1][2] == pitch:
            notes[-1] = (notes[-1][0], start + length - notes[-1][0], pitch)
        elif pitch is not None:
            notes.append((start, length, pitch))
    return notes


def _metre(*metres: str) -> Callable[[pathlib.Path], bool]:
    """Accepts an ABC file whose header has one of these metres and no change of metre inside."""

    def accept(path: pathlib.Path) -> bool:
        metres_of_file = re.findall(r"^M:\s*(\S+)", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        return len(metres_of_file) == 1 and metres_of_file[0] in metres

    return accept


def _common_time(path: pathlib.Path) -> bool:
    """Chorales with a plain number; suffixed files are parts of cantatas with instruments."""
    return re.fullmatch(r"bwv(2[5-9]\d|3\d\d|4[0-3]\d)", path.stem) is not None


_SOURCES = {
    "chorale": ("bach/bwv*.mxl", _common_time),
    "reel": ("ryansMammoth/*Reel*.abc", _metre("2/4", "4/4", "C", "C|", "2/2")),
    "jig": ("ryansMammoth/*Jig*.abc", _metre("6/8")),
}
GENRES: dict[str, Callable[[Sequence[Part], int], list[Note]]] = {
    function.__name__: function for function in (chorale, reel, jig)
}


def files_of_artist(genre: str, artist: int, artists: int) -> tuple[str, ...]:
    """The range of a genre's works that stands for one artist; ranges are disjoint."""
    files = score_files(genre)
    return files[len(files) * artist // artists : len(files) * (artist + 1) // artists]
