"""How listeners answer, whatever they hear: how constant they are, and whether they lean to one side."""

import dataclasses

from scipy.stats import binomtest

from dmml_tf.data.judgements.votes import SONG1, SONG2, Votes
from dmml_tf.evaluation.accuracy import Score


@dataclasses.dataclass(frozen=True)
class Listening:
    """One listener, or all together; each figure is None where nothing tells it.

    Attributes:
        votes: answers that count, without repeats.
        repeats: share of the repeats that were answered as the first time.
        towards_a: which side is chosen when one of the songs is, -1..1: 0 where both are chosen as often; a listener
            who answers A without listening in a share of the cases, and by what is heard otherwise, has that share.
            Which song is A is drawn for each showing, so that what is heard leans to neither side.
    """

    votes: int
    repeats: Score | None
    towards_a: Score | None


def listening(votes: Votes, listener: str | None = None) -> Listening:
    """Counts the answers of one listener, or with None of all; 95 % intervals are Wilson's.

    Answers are taken as independent of each other: the interval of several listeners together is too narrow where they
    differ much.
    """
    mine = [answer for answer in votes.answers if listener in (None, answer.listener)]
    again = [(answer, votes.answers[answer.repeat_of]) for answer in mine if answer.repeat_of is not None]
    one = [answer for answer in mine if answer.answer in (SONG1, SONG2)]
    side = _share(sum((answer.answer == SONG1) == answer.song1_at_a for answer in one), len(one))
    if side is not None:
        side = Score(2 * side.value - 1, 2 * side.low - 1, 2 * side.high - 1, side.n)
    alike = _share(sum(answer.answer == first.answer for answer, first in again), len(again))
    return Listening(len(mine) - len(again), alike, side)


def _share(count: int, of: int) -> Score | None:
    if not of:
        return None
    low, high = binomtest(count, of).proportion_ci(method="wilson")
    return Score(count / of, float(low), float(high), of)
