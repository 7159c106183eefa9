"""Votes of simulated listeners on triplets that are made."""

import dataclasses

import numpy as np

from dmml_tf.benchmarks.listeners import Listener
from dmml_tf.data.judgements.votes import DISAGREEING, RANDOM, Answer, Asked, Clip, Votes

CLOSER, OTHER = "song1", "song2"


def heard(
    listeners: dict[str, Listener], tastes: list[str], repeats: int, rng: np.random.Generator, asked: list | None = None
) -> Votes:
    """Every listener answers every triplet, and the first `repeats` of them again."""
    places = [*range(len(tastes)), *range(repeats)]
    answers, counts = [], np.zeros((len(tastes), 4))
    for code, listener in listeners.items():
        begun = len(answers)
        for number, place in enumerate(places):
            at_a = bool(rng.random() < 0.5)
            given = listener.answer(tastes[place], at_a, rng)
            repeat_of = begun + place if number >= len(tastes) else None
            answers.append(Answer(place, code, given, at_a, repeat_of))
            counts[place, (CLOSER, OTHER).index(given)] += repeat_of is None
    known = asked or [triplet(number) for number in range(len(tastes))]
    return Votes(tuple(dataclasses.replace(a, counts=tuple(c)) for a, c in zip(known, counts)), tuple(answers))


def triplet(number: int, disagreeing: bool = False, likely: float = 1.0) -> Asked:
    """A triplet of three songs of its own."""
    clips = tuple(Clip(f"{number} {role}", 0.0, 3.0) for role in "xyz")
    return Asked(clips, (0.0,) * 4, DISAGREEING if disagreeing else RANDOM, likely)
