"""What differs between songs that a model is to learn from, where the demo's songs are alike.

The demo's have one synthesiser, one program a family and claves on every beat, so that 600 steps are enough to learn
them. Who is to hear real music shall not learn that synthesiser, nor wait for claves. So each song draws its SoundFont,
the program of each of its families, and whether there are claves; none of it tells anything of its labels.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfrecords_tools.demo.instruments import FAMILIES, Program
from tfrecords_tools.demo.plan import TrackPlan

# Family -> General MIDI programs that a listener would call by the family's name.
PROGRAMS = {
    "piano": (0, 1, 2),
    "guitar": (24, 25, 27, 29, 30),
    "banjo": (105,),
    "strings": (48, 49),
    "voice": (52, 53),
    "saxophone": (64, 65, 66, 67),
    "synth": (80, 81, 90),
    "mallets": (11, 12, 13),
}
# dB of each program's notes (volume 92, velocity 90, pitches 42 to 88, gate 0.4 and 0.95, 0.5 s a beat) as rendered.
_TIMGM6MB = {
    0: -39.7,
    1: -39.6,
    2: -38.5,
    24: -34.9,
    25: -37.9,
    27: -41.3,
    29: -37.0,
    30: -35.1,
    105: -35.8,
    48: -35.3,
    49: -38.8,
    52: -35.2,
    53: -35.2,
    64: -35.2,
    65: -33.3,
    66: -35.5,
    67: -39.5,
    80: -32.0,
    81: -33.2,
    90: -36.5,
    11: -31.0,
    12: -40.4,
    13: -43.3,
}
_FLUIDR3 = {
    0: -37.4,
    1: -37.9,
    2: -33.4,
    24: -33.5,
    25: -33.9,
    27: -33.4,
    29: -32.6,
    30: -30.5,
    105: -38.1,
    48: -35.1,
    49: -32.5,
    52: -34.1,
    53: -31.7,
    64: -32.6,
    65: -31.6,
    66: -33.3,
    67: -36.6,
    80: -30.8,
    81: -32.5,
    90: -32.8,
    11: -37.7,
    12: -34.4,
    13: -44.3,
}


def vary(plans: Sequence[TrackPlan], fluid: str, seed: int) -> list[TrackPlan]:
    """The same songs, each with a SoundFont, programs and claves of its own.

    Args:
        plans: of any corpus.
        fluid: FluidR3 as a file in the corpus's folder; half of the songs are played with it, half with TimGM6mb.
        seed: of all that is drawn; a song's own seed is left to its notes.
    """
    rng = np.random.default_rng([seed, 3])
    varied = []
    for plan in plans:
        has_fluid, claves = rng.random(2) < 0.5
        levels = _FLUIDR3 if has_fluid else _TIMGM6MB
        programs = tuple(_draw(family, levels, rng) for family in plan.families)
        varied.append(
            dataclasses.replace(plan, programs=programs, soundfont=fluid if has_fluid else "", claves=bool(claves))
        )
    return varied


def _draw(family: str, levels: Mapping[int, float], rng: np.random.Generator) -> Program:
    number = int(rng.choice(PROGRAMS[family]))
    return Program(number, levels[number], FAMILIES[family].least_note)
