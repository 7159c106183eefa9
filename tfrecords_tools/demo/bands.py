"""Genres that are a band's rules: rock, techno, swing, reggae, bossa, waltz, country.

A genre is its drum pattern, its comping rhythm, its bass line and the rhythm of its tune; these are
the same for every band. A band (an artist) is what `Band` holds: progressions, habits and voicings.
All is written in C major; moods turn it into minor, and the register is theirs as well.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tfrecords_tools.demo.piece import BASS, CHORD, MELODY, Drum, Note, Piece, close_voicing, scale_pitch

# General MIDI keys of the drum kit.
HARD_KICK, KICK, RIM, SNARE, CLAP, CLOSED, PEDAL, OPEN, TOM, RIDE, SHAKER = 35, 36, 37, 38, 39, 42, 44, 46, 45, 51, 70
_PROGRESSIONS = (
    (0, 4, 5, 3),
    (0, 5, 3, 4),
    (0, 3, 0, 4),
    (5, 3, 0, 4),
    (1, 4, 0, 0),
    (0, 3, 4, 3),
    (0, 2, 3, 4),
    (0, 1, 4, 0),
    (3, 4, 2, 5),
)


@dataclasses.dataclass(frozen=True)
class Band:
    """Habits of one band.

    Attributes:
        progressions: two progressions of four scale degrees, one chord a bar.
        voicing: lowest pitch of the chords.
        variant: 0 or 1, a choice inside the genre's rules (extra kick, pushed note, ...).
        fill_every: bars from one drum fill to the next.
        leaps: share of the tune's steps that are leaps.
        rests: share of the tune's notes that are left out.
    """

    progressions: tuple[Sequence[int], Sequence[int]]
    voicing: int
    variant: int
    fill_every: int
    leaps: float
    rests: float


def found_band(rng: np.random.Generator) -> Band:
    """Draws a band."""
    first, second = rng.choice(len(_PROGRESSIONS), 2, replace=False)
    return Band(
        progressions=(_PROGRESSIONS[first], _PROGRESSIONS[second]),
        voicing=int(rng.integers(52, 60)),
        variant=int(rng.integers(2)),
        fill_every=int(rng.choice([4, 8])),
        leaps=float(rng.uniform(0.15, 0.5)),
        rests=float(rng.uniform(0.0, 0.2)),
    )


def play(genre: str, band: Band, rng: np.random.Generator, beats: float) -> Piece:
    """One song of a band, at least `beats` long, in C major.

    Args:
        genre: a key of `GENRES`.
        band: who plays.
        rng: draws the song.
        beats: least length.
    """
    write, beats_a_bar, rhythms = GENRES[genre]
    notes, drums, degree = [], [], int(rng.integers(4, 9))
    cells = [rhythms[k] for k in rng.integers(len(rhythms), size=2)]
    for bar in range(int(np.ceil(beats / beats_a_bar))):
        root = band.progressions[(bar // 8) % 2][bar % 4]
        new_notes, new_drums = write(band, root, bar, rng)
        tune, degree = _tune(band, root, cells[(bar // 2) % 2], degree, rng)
        start = bar * beats_a_bar
        notes += [note._replace(start=note.start + start) for note in new_notes + tune]
        drums += [drum._replace(start=drum.start + start) for drum in new_drums]
    return Piece(tuple(notes), tuple(drums), tonic=0, division=3 if genre == "swing" else 4, running=genre == "techno")


def _tune(band: Band, root: int, rhythm: Sequence[float], degree: int, rng: np.random.Generator):
    """A bar of melody on a rhythm (onsets in beats, the last entry is the bar's end), and its last degree."""
    notes = []
    for k, (start, end) in enumerate(itertools.pairwise(rhythm)):
        step = int(rng.choice([-3, -2, 2, 3, 4]) if rng.random() < band.leaps else rng.choice([-1, 1]))
        degree = int(np.clip(degree + step, 2, 13))
        if k == 0:
            # A chord tone on the bar's first note ties the tune to the harmony.
            degree = min(
                (root + tone + octave for tone in (0, 2, 4) for octave in (0, 7)), key=lambda tone: abs(tone - degree)
            )
        if k and rng.random() < band.rests:
            continue
        notes.append(Note(start, end - start, scale_pitch(degree), MELODY, 0.85 if start % 1 == 0 else 0.7))
    return notes, degree


def _chord(band: Band, root: int, start: float, length: float, velocity: float = 0.75, size: int = 3) -> list[Note]:
    pitches = close_voicing(root, band.voicing, size)
    return [Note(start, length, pitch, CHORD, velocity, voice) for voice, pitch in enumerate(pitches[:size])]


def _bass(degree: int, start: float, length: float, velocity: float = 0.85) -> Note:
    pitch = scale_pitch(degree, 36)
    return Note(start, length, pitch - 12 if pitch > 45 else pitch, BASS, velocity)


def _pattern(key: int, starts: Iterable[float], velocity: float) -> list[Drum]:
    return [Drum(start, key, velocity) for start in starts]


def _rock(band: Band, root: int, bar: int, rng: np.random.Generator):
    """Backbeat on 2 and 4, straight eighths on bass and hi-hat, power chords that ring."""
    notes = [_bass(root, k / 2, 0.45, 0.9 if k % 2 == 0 else 0.75) for k in range(8)]
    for start, length in ((0, 1.5), (1.5, 1.0), (2.5, 1.5)) if band.variant else ((0, 2.0), (2, 2.0)):
        low = scale_pitch(root, 48)
        notes += [Note(start, length, low + step, CHORD, 0.85, k) for k, step in enumerate((0, 7, 12))]
    drums = _pattern(KICK, (0, 2, 2.5) if band.variant else (0, 1.5, 2), 1.0) + _pattern(SNARE, (1, 3), 1.0)
    drums += _pattern(CLOSED, np.arange(0, 4, 0.5), 0.6)
    if bar % band.fill_every == band.fill_every - 1:
        drums += [Drum(3 + k / 4, (SNARE, SNARE, 48, TOM)[k], 0.9) for k in range(4)]
    return notes, drums


def _techno(band: Band, root: int, bar: int, rng: np.random.Generator):
    """Kick on every beat, open hi-hat between, bass on the off-sixteenths, one chord stabbed in 3-3-2."""
    root = band.progressions[0][0] if bar % 8 < 6 else root
    notes = [_bass(root, beat + k / 4, 0.22, 0.8) for beat in range(4) for k in (1, 2, 3)]
    stabs = (0, 0.75, 1.5, 2, 2.75, 3.5) if band.variant else (0, 0.75, 1.5, 2.25, 3.0, 3.5)
    notes += [note for start in stabs for note in _chord(band, root, start, 0.2, 0.85)]
    drums = _pattern(KICK, range(4), 1.0) + _pattern(HARD_KICK, range(4), 1.0)
    drums += _pattern(OPEN, np.arange(0.5, 4), 0.85) + _pattern(CLAP, (1, 3), 0.6)
    drums += _pattern(CLOSED, np.arange(0.25, 4, 0.5), 0.5)
    return notes, drums


def _swing(band: Band, root: int, bar: int, rng: np.random.Generator):
    """Walking bass in quarters, ride in long-short triplets, hi-hat foot on 2 and 4, pushed seventh chords."""
    walk = [root, root + int(rng.choice([1, 2])), root + int(rng.choice([3, 4])), root + int(rng.choice([-1, 5]))]
    notes = [_bass(degree, beat, 0.9) for beat, degree in enumerate(walk)]
    hits = ((0, 0.6), (1 + 2 / 3, 1.0)) if band.variant else ((2 / 3, 0.3), (2 + 2 / 3, 0.9))
    notes += [note for start, length in hits for note in _chord(band, root, start, length, 0.8, size=4)[1:]]
    drums = _pattern(RIDE, (0, 1, 1 + 2 / 3, 2, 3, 3 + 2 / 3), 0.85) + _pattern(PEDAL, (1, 3), 0.9)
    if rng.random() < 0.4:
        drums.append(Drum(float(rng.integers(4)) + 2 / 3, SNARE, 0.45))
    return notes, drums


def _reggae(band: Band, root: int, bar: int, rng: np.random.Generator):
    """One drop: kick and rim on 3 alone, chords chopped between the beats, bass that leaves the 1 empty."""
    riff = ((0.5, 0), (1, 2), (1.5, 4), (2.5, 0), (3, 0)) if band.variant else ((0.75, 0), (1.5, 0), (2, 4), (3, 2))
    notes = [_bass(root + degree, start, 0.45, 0.95) for start, degree in riff]
    notes += [note for beat in range(4) for note in _chord(band, root, beat + 0.5, 0.18, 0.95)]
    drums = _pattern(KICK, (2,), 1.0) + _pattern(RIM, (2,), 1.0)
    drums += _pattern(CLOSED, range(4), 0.7) + _pattern(CLOSED, np.arange(0.5, 4), 0.45)
    if bar % band.fill_every == band.fill_every - 1:
        drums += [Drum(3 + k / 4, 50 - 2 * k, 0.8) for k in range(4)]
    return notes, drums


def _bossa(band: Band, root: int, bar: int, rng: np.random.Generator):
    """Rim plays the bossa clave over two bars, shaker in eighths, bass dotted root and fifth, soft ninths."""
    notes = [
        _bass(root + degree, start, length)
        for start, degree, length in ((0, 0, 1.4), (1.5, 4, 0.45), (2, 4, 1.4), (3.5, 0, 0.45))
    ]
    hits = ((0, 0.5), (1, 0.5), (2.5, 0.9)) if (bar + band.variant) % 2 else ((0.5, 0.5), (1.5, 0.5), (3, 0.9))
    notes += [note for start, length in hits for note in _chord(band, root, start, length, 0.75, size=4)[1:]]
    clave = (0, 1.5, 3) if bar % 2 == 0 else (1, 2.5)
    drums = _pattern(RIM, clave, 0.95) + _pattern(SHAKER, np.arange(0, 4, 0.5), 0.7)
    drums += _pattern(KICK, (0, 1.5, 2, 3.5), 0.6)
    return notes, drums


def _waltz(band: Band, root: int, bar: int, rng: np.random.Generator):
    """Three beats: bass on 1, chords on 2 and 3, brushed snare with them."""
    low = root + (4 if band.variant and bar % 2 else 0)
    notes = [_bass(low, 0, 0.9, 0.95)]
    notes += [note for beat in (1, 2) for note in _chord(band, root, beat, 0.4, 0.75)]
    drums = _pattern(KICK, (0,), 0.9) + _pattern(SNARE, (1, 2), 0.4) + _pattern(CLOSED, (1, 2), 0.7)
    return notes, drums


def _country(band: Band, root: int, bar: int, rng: np.random.Generator):
    """Train beat: brushed sixteenths with accents between the beats; root and fifth on 1 and 3, chord on 2 and 4."""
    notes = [_bass(root, 0, 0.9, 0.95), _bass(root + 4, 2, 0.9, 0.9)]
    if band.variant and bar % 4 == 3:
        notes.append(_bass(root + 2, 3, 0.9, 0.8))
    notes += [note for beat in (1, 3) for note in _chord(band, root, beat, 0.35, 0.9)]
    accents = (0.55, 0.4, 1.0, 0.4)
    drums = [Drum(k / 4, SNARE, accents[k % 4]) for k in range(16)] + _pattern(KICK, (0, 2), 0.9)
    return notes, drums


# genre -> (rules of one bar, beats a bar, rhythms of the tune: onsets and the bar's end in beats)
GENRES: dict[str, tuple[Callable, int, Sequence[Sequence[float]]]] = {
    "rock": (_rock, 4, ((0, 0.5, 1, 2, 2.5, 3, 4), (0, 1, 1.5, 2, 3, 3.5, 4), (0, 1, 2, 2.5, 3, 4))),
    "techno": (
        _techno,
        4,
        (
            (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.25, 2.5, 2.75, 3, 3.5, 4),
            (0, 0.25, 0.75, 1, 1.25, 1.75, 2, 2.25, 2.75, 3, 3.25, 3.75, 4),
        ),
    ),
    "swing": (
        _swing,
        4,
        ((0, 2 / 3, 1, 5 / 3, 2, 8 / 3, 3, 4), (0, 1, 5 / 3, 2, 3, 11 / 3, 4), (0, 2 / 3, 5 / 3, 2, 8 / 3, 11 / 3, 4)),
    ),
    "reggae": (_reggae, 4, ((0, 1, 1.5, 2, 3, 4), (0, 0.5, 1, 2, 2.5, 4), (0, 1.5, 2, 3, 3.5, 4))),
    "bossa": (_bossa, 4, ((0, 1.5, 2, 3, 3.5, 4), (0, 0.5, 1.5, 2.5, 3.5, 4), (0, 1, 1.5, 2.5, 3, 4))),
    "waltz": (_waltz, 3, ((0, 1, 2, 3), (0, 2, 3), (0, 1, 2, 2.5, 3), (0, 1.5, 2, 3))),
    "country": (
        _country,
        4,
        ((0, 0.5, 1, 1.5, 2, 2.5, 3, 4), (0, 1, 1.5, 2, 2.5, 3, 3.5, 4), (0, 0.5, 1, 2, 2.5, 3, 4)),
    ),
}
