"""Listeners who are simulated: how far they lean to A, how constant they are, and whom they agree with, is put in."""

import dataclasses

import numpy as np

from dmml_tf.data.judgements.votes import DISAGREEING, RANDOM, Answer, Asked, Clip, Votes

CLOSER, OTHER = "song1", "song2"


@dataclasses.dataclass(frozen=True)
class Listener:
    """Answers A unheard in a share of the cases, by taste in another, and throws a coin in the rest."""

    towards_a: float = 0.0
    constant: float = 1.0

    def answer(self, taste: str, song1_at_a: bool, rng: np.random.Generator) -> str:
        drawn = rng.random()
        if drawn < self.towards_a:
            return CLOSER if song1_at_a else OTHER
        if drawn < self.towards_a + self.constant:
            return taste
        return CLOSER if rng.random() < 0.5 else OTHER

    @property
    def repeats_alike(self) -> float:
        """How often a repeat is answered as the first time: A unheard is a coin, since sides are drawn anew."""
        return self.constant**2 + (1 - self.constant**2) / 2


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
