"""Eight instrument families and who plays what: General MIDI programs, balanced in level."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from tfrecords_tools.demo.piece import BASS, CHORD, MELODY, ROLES


@dataclasses.dataclass(frozen=True)
class Program:
    """A General MIDI program.

    Attributes:
        number: 0..127.
        level: dB of its notes (velocity 90, pitches 42 to 88, gate 0.4 and 0.95) in TimGM6mb, as rendered.
        least_note: s; a shorter note does not speak, so none is.
    """

    number: int
    level: float
    least_note: float = 0.06


# Chosen for being told apart by the cepstra of 3 s of any notes: among 22 programs these are mistaken
# for each other least. An acoustic guitar, for one, is a piano to a log-mel.
FAMILIES: dict[str, Program] = {
    "piano": Program(0, -37.6),
    "guitar": Program(30, -34.1),
    "banjo": Program(105, -34.2),
    "strings": Program(48, -36.5, 0.25),
    "voice": Program(52, -33.0, 0.2),
    "saxophone": Program(64, -32.2, 0.12),
    "synth": Program(81, -31.3),
    "mallets": Program(11, -29.0),
}
_TARGET_LEVEL = -34.0
# Chords are short in most genres: at the tune's level a family that only comps is still heard.
_ROLE_LEVEL = {MELODY: 0.0, CHORD: 0.0, BASS: -2.0}


@dataclasses.dataclass(frozen=True)
class Seat:
    """Who plays a role: family, program, MIDI volume (controller 7) and pan (controller 10)."""

    family: str
    program: int
    volume: int
    pan: int


def draw_families(count: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Tag sets for `count` tracks: 85 % of one family, 10 % of two, 5 % of three, all families alike often.

    Two tracks of such a corpus share a tag with a probability of about 0.2.
    """
    sizes = [3 if k % 20 == 3 else 2 if k % 20 in (1, 11) else 1 for k in range(count)]
    pools = {size: _shuffled_forever(list(itertools.combinations(FAMILIES, size)), rng) for size in (1, 2, 3)}
    return [next(pools[size]) for size in sizes]


def seat(
    families: Sequence[str], rng: np.random.Generator, programs: Mapping[str, Program] = FAMILIES
) -> dict[str, Seat]:
    """Gives each role to a family, so that every family plays all the time.

    Two families: one has the tune, the other chords and bass. The stereo positions are drawn as well.

    Args:
        families: who plays.
        rng: draws who has which role, and where each sits.
        programs: each family's program.
    """
    order = [families[k] for k in rng.permutation(len(families))]
    cast = {MELODY: order[0], CHORD: order[-1], BASS: order[min(1, len(order) - 1)]}
    return {
        role: Seat(family, programs[family].number, _volume(programs[family], role), int(rng.integers(24, 105)))
        for role, family in ((role, cast[role]) for role in ROLES)
    }


def _volume(program: Program, role: str) -> int:
    gain = _TARGET_LEVEL - program.level + _ROLE_LEVEL[role]
    # Controller 7 acts on the amplitude with its square: 40 dB a decade.
    return int(np.clip(round(92 * 10 ** (gain / 40)), 1, 127))


def _shuffled_forever(items: list, rng: np.random.Generator):
    while True:
        for k in rng.permutation(len(items)):
            yield items[k]
