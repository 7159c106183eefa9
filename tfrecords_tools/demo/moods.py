"""Moods as transformations of any piece, by rules that a listener would accept.

| | happy | calm | sad | tense |
|---|---|---|---|---|
| mode | major | major | minor | minor, harmonic |
| register of the tune | high | middle | low | rather low |
| articulation | staccato | legato | legato | marcato, accents on the beat |
| density | long notes in two | only what falls on the beat | only the beat, sighs from above | tremolo |
| dissonance | none | none | the sighs | seconds under the tune, tritones in the bass |
| force | lively | soft | soft | loud |

Follows the cues collected by Juslin & Laukka (Psychological Bulletin 2003, table 11), but for tempo,
which the corpus draws independently of the mood.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfrecords_tools.demo.piece import BASS, CHORD, MELODY, ROLES, Drum, Note, Piece


@dataclasses.dataclass(frozen=True)
class Mood:
    """One column of the table above.

    Attributes:
        minor: mode.
        register: MIDI pitch that the tune's mean is moved to.
        gate: share of a note's time that sounds; above 1 is legato, up to the next note.
        force: factor on every velocity.
    """

    minor: bool
    register: int
    gate: float
    force: float


MOODS = {
    "happy": Mood(minor=False, register=82, gate=0.42, force=0.95),
    "sad": Mood(minor=True, register=58, gate=1.1, force=0.7),
    "calm": Mood(minor=False, register=72, gate=1.1, force=0.55),
    "tense": Mood(minor=True, register=62, gate=0.7, force=1.1),
}
_LOWEST = {MELODY: 45, CHORD: 41, BASS: 33}
_HIGHEST = 98
_EPSILON = 1e-3
TAMBOURINE, FLOOR_TOM = 54, 41
_BRIGHT = (38, 39, 42, 46, 70)  # Snare, clap, hi-hats, shaker: what a legato mood holds back.


def apply_mood(piece: Piece, mood: str, rng: np.random.Generator) -> Piece:
    """The piece in a mood.

    Args:
        piece: in either mode.
        mood: a key of `MOODS`.
        rng: draws ornaments and the key (up to a major third around the mood's register).
    """
    rules = MOODS[mood]
    notes = [note._replace(pitch=_in_mode(note.pitch, piece.tonic, rules.minor)) for note in piece.notes]
    notes = _DENSITY[mood](notes, piece, rng)
    notes = _articulated(notes, rules.gate)
    shift = _transposition(notes, rules.register, rng)
    notes = [
        note._replace(
            pitch=_in_range(note.pitch + shift, note.role),
            velocity=float(np.clip(note.velocity * rules.force, 0.15, 1.0)),
        )
        for note in notes
    ]
    return dataclasses.replace(
        piece, notes=tuple(notes), drums=tuple(_drums(piece, mood, rules.force)), tonic=(piece.tonic + shift) % 12
    )


def _in_mode(pitch: int, tonic: int, minor: bool) -> int:
    """Moves the third, sixth and seventh degree to the other mode; other degrees stay."""
    degree = (pitch - tonic) % 12
    return pitch + (-1 if minor and degree in (4, 9, 11) else 1 if not minor and degree in (3, 8, 10) else 0)


def _transposition(notes: Sequence[Note], register: int, rng: np.random.Generator) -> int:
    tune = [note.pitch for note in notes if note.role == MELODY]
    return round(register - np.mean(tune)) + int(rng.integers(-4, 5))


def _in_range(pitch: int, role: str) -> int:
    while pitch < _LOWEST[role]:
        pitch += 12
    while pitch > _HIGHEST:
        pitch -= 12
    return pitch


def _voices(notes: Sequence[Note]) -> dict[tuple[str, int], list[Note]]:
    voices: dict[tuple[str, int], list[Note]] = {}
    for note in sorted(notes):
        voices.setdefault((note.role, note.voice), []).append(note)
    return voices


def _articulated(notes: Sequence[Note], gate: float) -> list[Note]:
    """Shortens every note, or (gate above 1) holds it to the next one of its voice.

    The tune is held at most a beat longer, the others a third: a chopped chord must stay short of a held one.
    """
    if gate < 1:
        return [note._replace(length=note.length * gate) for note in notes]
    held = []
    for voice in _voices(notes).values():
        following = [note.start for note in voice[1:]] + [voice[-1].start + voice[-1].length]
        for note, until in zip(voice, following):
            longer = 1.0 if note.role == MELODY else 1 / 3
            held.append(note._replace(length=max(min(until - note.start, note.length + longer), 0.1)))
    return held


def _on_beat(start: float) -> bool:
    return abs(start - round(start)) < _EPSILON


def _sparse(notes: Sequence[Note], piece: Piece, rng: np.random.Generator) -> list[Note]:
    """Keeps the tune's and the chorale voices' notes on the beat; comping and running tunes are genre and stay."""
    if piece.running:
        return list(notes)
    thinned = (MELODY,) if piece.drums else ROLES[:2]
    return [note for note in notes if note.role not in thinned or _on_beat(note.start)]


def _sighing(notes: Sequence[Note], piece: Piece, rng: np.random.Generator) -> list[Note]:
    """Sparse, and every other note of the tune is reached by a step from above that takes a third of it."""
    result = []
    for note in _sparse(notes, piece, rng):
        if note.role != MELODY or not _on_beat(note.start) or rng.random() < 0.5:
            result.append(note)
            continue
        above = _in_mode(note.pitch + 2, piece.tonic, True)
        # Half of a short running note, a third of a longer one.
        sigh = note.length / 2 if piece.running else max(note.length, 1.0) / 3
        result.append(note._replace(length=sigh, pitch=above, velocity=1.0))
        result.append(note._replace(start=note.start + sigh, length=max(note.length - sigh, sigh), velocity=0.6))
    return result


def _lively(notes: Sequence[Note], piece: Piece, rng: np.random.Generator) -> list[Note]:
    """Parts the tune's (a score's other voices', too) beats in equal notes, the later ones often a step up."""
    parted = (MELODY,) if piece.drums or piece.running else ROLES[:2]
    step = 1 / (3 if piece.division == 3 else 2)
    result = []
    for note in notes:
        count = round(min(note.length, 2.0) / step) if note.role in parted else 1
        if count < 2:
            result.append(note)
            continue
        for k in range(count):
            up = _in_mode(note.pitch + 2, piece.tonic, False) if k % 2 and note.role == MELODY else note.pitch
            result.append(
                note._replace(
                    start=note.start + k * step, length=step, pitch=up, velocity=note.velocity * (1 if k == 0 else 0.85)
                )
            )
    return result


def _clashing(notes: Sequence[Note], piece: Piece, rng: np.random.Generator) -> list[Note]:
    """Tremolo in the tune with a second below it, tritones above every other bass note."""
    step = 1 / (6 if piece.division == 3 else 4)
    result = []
    for note in notes:
        accent = note._replace(velocity=1.0 if _on_beat(note.start) else note.velocity * 0.8)
        if note.role == MELODY:
            for k in range(max(1, round(min(note.length, 2.0) / step))):
                result.append(
                    accent._replace(
                        start=note.start + k * step,
                        length=min(step, note.length),
                        velocity=accent.velocity * (1 if k == 0 else 0.75),
                    )
                )
            result.append(accent._replace(pitch=note.pitch - 1, voice=9, velocity=0.9))
            continue
        result.append(accent)
        if note.role == BASS and _on_beat(note.start) and rng.random() < 0.5:
            result.append(accent._replace(pitch=note.pitch + 6, voice=9))
    return result


_DENSITY = {"happy": _lively, "sad": _sighing, "calm": _sparse, "tense": _clashing}


def _drums(piece: Piece, mood: str, force: float) -> list[Drum]:
    """The kit follows the force by half, since it keeps the beat in every mood, its bright keys softer in
    legato moods; happy adds a tambourine between the beats, tense a low tom on the division.
    """
    if not piece.drums:
        return []
    soft = MOODS[mood].gate > 1
    drums = []
    for drum in piece.drums:
        held_back = 0.7 if soft and drum.key in _BRIGHT else 1.0
        drums.append(drum._replace(velocity=min(drum.velocity * held_back * (1 + force) / 2, 1.0)))
    beats = range(int(piece.drums[-1].start) + 1)
    if mood == "happy":
        off = 2 / 3 if piece.division == 3 else 0.5
        drums += [Drum(beat + off, TAMBOURINE, 0.6) for beat in beats]
    elif mood == "tense":
        parts = (0, 1 / 3, 2 / 3) if piece.division == 3 else (0, 0.25, 0.5, 0.75)
        drums += [Drum(beat + part, FLOOR_TOM, 0.75 if part == 0 else 0.5) for beat in beats for part in parts]
    return drums
