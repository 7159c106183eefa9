"""What each listener hears next, and what becomes of the answers."""

import dataclasses
import datetime
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dmml_tf.data.judgements.votes import ANSWERS, ROLES, SONG1, SONG2
from dmml_tf.judge.questions import Question
from dmml_tf.judge.sound import RATE
from dmml_tf.judge.votes_file import Given, VotesFile
from tfrecords_tools.audio.decode import AudioError
from tfrecords_tools.errors import UserError

# What a listener answers: a side, or what `ANSWERS` has beside the songs.
SIDES = (A, B) = ("a", "b")
MOST_SHOWN = 64  # showings that wait for an answer; the oldest is forgotten
REPEAT_AFTER = 5  # other showings lie between a question and its repeat, while there are others

Sounds = Callable[[Question], list[bytes]]


@dataclasses.dataclass(frozen=True, eq=False)
class Showing:
    """A question as one listener hears it.

    Attributes:
        token: names it, and says nothing of the songs.
        listener: code.
        question: the question.
        song1_at_a: whether the first song is called A.
        repeat_of: vote id of the listener's first answer to it; empty where it is new.
        number, of: how many showings this is of how many.
        sounds: WAV of the anchor, of A and of B.
        begun: seconds of a monotonic clock.
    """

    token: str
    listener: str
    question: Question
    song1_at_a: bool
    repeat_of: str
    number: int
    of: int
    sounds: tuple[bytes, bytes, bytes]
    begun: float


class Sessions:
    """Every listener gets all questions, in an order and with sides of their own, and some of them again.

    What was answered is known from the file of votes: who comes back with the same code goes on.

    Args:
        questions: what is asked.
        votes: where answers go.
        sounds: WAV of a question's three clips; `AudioError` passes it over, for everybody.
        repeats: share of the questions that are asked again.
        rng: of orders and sides; None takes fresh entropy.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        votes: VotesFile,
        sounds: Sounds,
        repeats: float,
        rng: np.random.Generator | None = None,
    ):
        self._questions = {question.triplet_id: question for question in questions}
        self._votes, self._sounds, self._repeats = votes, sounds, repeats
        self._rng = np.random.default_rng() if rng is None else rng
        self._shown: dict[str, Showing] = {}
        self._guard = threading.Lock()

    def next(self, listener: str) -> Showing | None:
        """What a listener hears next, or None where all is answered; the same one again until it is answered.

        Raises:
            UserError: if no question can be played at all.
        """
        with self._guard:
            waiting = next((showing for showing in self._shown.values() if showing.listener == listener), None)
            while waiting is None:
                chosen = self._choose(listener)
                if chosen is None:
                    if not self._questions:
                        raise UserError("no question can be played: none of the songs' audio can be decoded")
                    return None
                waiting = self._show(listener, *chosen)
            return waiting

    def sound(self, token: str, place: int) -> bytes:
        """WAV of a showing's anchor, 0, of A, 1, or of B, 2.

        Raises:
            KeyError: if no such showing waits for an answer.
        """
        return self._shown[token].sounds[place]

    def vote(self, token: str, answer: str, plays: Sequence[int]) -> None:
        """Takes an answer: `a`, `b`, `same` or `neither`; it is on the disk when this returns.

        Args:
            token: of the showing.
            answer: the answer.
            plays: how often the anchor, A and B were played.

        Raises:
            KeyError: if the showing was answered, or there was none.
            UserError: if the vote cannot be written; then the showing still waits.
        """
        with self._guard:
            showing = self._shown[token]
            self._votes.append(_cells(showing, _as_song(showing, answer), plays))
            del self._shown[token]

    def _choose(self, listener: str) -> tuple[Question, str, int, int] | None:
        """(question, vote that it repeats, number, of how many)."""
        mine = [vote for vote in self._votes.given(listener) if vote.triplet_id in self._questions]
        answered = {vote.triplet_id for vote in mine if not vote.repeat}
        new = [question for name, question in self._questions.items() if name not in answered]
        wanted = round(self._repeats * len(self._questions))
        done = sum(vote.repeat for vote in mine)
        place = (len(mine) + 1, len(self._questions) + wanted)
        again = self._to_repeat(mine, REPEAT_AFTER if new else 1) if done < wanted else []
        due = done < self._repeats * len(answered) or not new
        if again and due:
            vote = again[self._rng.integers(len(again))]
            return self._questions[vote.triplet_id], vote.vote_id, *place
        return (new[self._rng.integers(len(new))], "", *place) if new else None

    def _to_repeat(self, mine: Sequence[Given], after: int) -> list[Given]:
        """First answers whose question did not come again, but for the last `after` votes, where there are others."""
        repeated = {vote.triplet_id for vote in mine if vote.repeat}
        once = [vote for vote in mine if not vote.repeat and vote.triplet_id not in repeated]
        fresh = {vote.triplet_id for vote in mine[-after:]}
        old = [vote for vote in once if vote.triplet_id not in fresh]
        return old or (once if after == 1 else [])

    def _show(self, listener: str, question: Question, repeat_of: str, number: int, of: int) -> Showing | None:
        at_a = bool(self._rng.random() < 0.5)
        try:
            anchor, song1, song2 = self._sounds(question)
        except AudioError as error:
            named = ", ".join(f"{clip.song} @ {clip.start:g} s" for clip in question.clips)
            logging.getLogger(__name__).warning("not asked: %s (%s)", named, error)
            del self._questions[question.triplet_id]
            return None
        sounds = (anchor, song1, song2) if at_a else (anchor, song2, song1)
        token = secrets.token_urlsafe(12)
        showing = Showing(token, listener, question, at_a, repeat_of, number, of, sounds, time.monotonic())
        self._shown[token] = showing
        if len(self._shown) > MOST_SHOWN:
            del self._shown[next(iter(self._shown))]
        return showing


def _as_song(showing: Showing, answer: str) -> str:
    """One of `ANSWERS`."""
    if answer in SIDES:
        return SONG1 if (answer == A) == showing.song1_at_a else SONG2
    assert answer in ANSWERS[2:]
    return answer


def _cells(showing: Showing, answer: str, plays: Sequence[int]) -> Mapping[str, object]:
    question, counts = showing.question, not showing.repeat_of
    cells: dict[str, object] = {"triplet_id": question.triplet_id}
    for role, clip in zip(ROLES, question.clips):
        cells |= {
            f"{role}_id": clip.song,
            f"{role}_start_seconds": f"{clip.start:.6f}",
            f"{role}_start_samples": round(clip.start * RATE),
        }
    seconds = question.clips[0].seconds or 0.0
    return cells | {
        "sampling_rate": RATE,
        "clip_lengths_seconds": f"{seconds:g}",
        "clip_lengths_samples": round(seconds * RATE),
        "song1_vote": int(counts and answer == SONG1),
        "song2_vote": int(counts and answer == SONG2),
        "listener": showing.listener,
        "answer": answer,
        "song1_side": "A" if showing.song1_at_a else "B",
        "repeat_of": showing.repeat_of,
        "why_asked": question.why,
        "times_as_likely": f"{question.times_as_likely:g}",
        "disagreement": "" if question.disagreement is None else f"{question.disagreement:g}",
        "plays": " ".join(map(str, plays)),
        "seconds": f"{time.monotonic() - showing.begun:.1f}",
        "answered_at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
