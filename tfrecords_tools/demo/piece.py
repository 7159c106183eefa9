"""Notes in beats: what a score or a band hands to the moods and the moods to the instruments."""

import dataclasses
from typing import NamedTuple

import numpy as np

MELODY, CHORD, BASS = "melody", "chord", "bass"
ROLES = (MELODY, CHORD, BASS)

MAJOR = (0, 2, 4, 5, 7, 9, 11)


class Note(NamedTuple):
    """One note: start and length in beats, MIDI pitch, role, velocity 0..1, and its voice within the role."""

    start: float
    length: float
    pitch: int
    role: str
    velocity: float = 0.8
    voice: int = 0


class Drum(NamedTuple):
    """One stroke of the General MIDI kit: start in beats, key of channel 10, velocity 0..1."""

    start: float
    key: int
    velocity: float


@dataclasses.dataclass(frozen=True)
class Piece:
    """Music without a tempo, a mood or instruments.

    Attributes:
        notes: sorted by start.
        drums: strokes of the kit; empty for chorales.
        tonic: pitch class 0..11 of the key.
        division: notes that fill a beat: 2 or 4 where beats halve, 3 where they part in three.
        running: the tune's running notes are what makes the genre, so that no mood may thin them.
    """

    notes: tuple[Note, ...]
    drums: tuple[Drum, ...] = ()
    tonic: int = 0
    division: int = 4
    running: bool = False

    def __post_init__(self):
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))
        object.__setattr__(self, "drums", tuple(sorted(self.drums)))


def scale_pitch(degree: int, octave_base: int = 60) -> int:
    """MIDI pitch of a degree of the C major scale: 0 is the tonic, 7 its octave, negative ones go below."""
    return octave_base + 12 * (degree // 7) + MAJOR[degree % 7]


def chord_degrees(root: int, size: int = 3) -> list[int]:
    """Scale degrees of the chord of stacked thirds on degree `root`."""
    return [root + 2 * k for k in range(size)]


def close_voicing(root: int, lowest: int, size: int = 3, octave_base: int = 60) -> list[int]:
    """MIDI pitches of a chord, each in the octave that starts at `lowest`, so that chords follow closely."""
    pitches = (scale_pitch(degree, octave_base) for degree in chord_degrees(root, size))
    return sorted(lowest + (pitch - lowest) % 12 for pitch in pitches)


def repeat_to(piece: Piece, beats: float, length: float) -> Piece:
    """The piece of `length` beats again and again until `beats` are filled."""
    times = np.arange(int(np.ceil(beats / length)))
    notes = [note._replace(start=note.start + k * length) for k in times for note in piece.notes]
    drums = [drum._replace(start=drum.start + k * length) for k in times for drum in piece.drums]
    return dataclasses.replace(piece, notes=tuple(notes), drums=tuple(drums))
