"""What a listener gets: everything once, some of it again, in an order and with sides of their own; and goes on."""

import csv
from collections import Counter

import numpy as np
import pytest

from dmml_tf.benchmarks.listeners import Listener
from dmml_tf.data.judgements.read import read_dim_sim
from dmml_tf.data.judgements.votes import read_votes
from dmml_tf.evaluation.listeners import listening
from dmml_tf.judge.questions import draw_questions
from dmml_tf.judge.sessions import MOST_SHOWN, REPEAT_AFTER, Sessions
from dmml_tf.judge.votes_file import VotesFile
from tests.dmml_tf.judge.test_questions import CHAIN, MANY
from tfrecords_tools.audio.decode import AudioError
from tfrecords_tools.errors import UserError

SOUNDS = [b"anchor", b"song1", b"song2"]


def questions(count: int = 20):
    return draw_questions(MANY, CHAIN, count, 0.0, None, 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "votes.csv"


def answer_all(sessions, listener, answer=lambda showing: "a", most=10_000) -> list:
    """The showings that were answered."""
    shown = []
    while len(shown) < most and (showing := sessions.next(listener)) is not None:
        shown.append(showing)
        sessions.vote(showing.token, answer(showing), [1, 2, 1])
    return shown


def test_everything_once_and_a_share_again(path):
    with VotesFile(path) as votes:
        sessions = Sessions(questions(), votes, lambda _: SOUNDS, 0.25)
        shown = answer_all(sessions, "k1")
        assert sessions.next("k1") is None
    counts = Counter(showing.question.triplet_id for showing in shown)
    assert len(shown) == 25 and sorted(counts.values()) == [1] * 15 + [2] * 5
    assert [(showing.number, showing.of) for showing in shown] == [(number, 25) for number in range(1, 26)]
    names = [showing.question.triplet_id for showing in shown]
    gaps = [number - names.index(name) for number, name in enumerate(names) if shown[number].repeat_of]
    assert len(gaps) == 5 and sum(gap > REPEAT_AFTER for gap in gaps) >= 4 and min(gaps) > 1
    read = read_votes(path)
    assert len(read.asked) == 20 and sum(answer.repeat_of is not None for answer in read.answers) == 5
    assert sum(sum(asked.counts) for asked in read.asked) == 20


def test_order_and_sides_are_each_listeners_own(path):
    with VotesFile(path) as votes:
        sessions = Sessions(questions(), votes, lambda _: SOUNDS, 1.0)
        one, two = answer_all(sessions, "k1"), answer_all(sessions, "k2")
    assert [s.question.triplet_id for s in one] != [s.question.triplet_id for s in two]
    assert 10 < sum(showing.song1_at_a for showing in one + two) < 70
    sides = {s.question.triplet_id: s.song1_at_a for s in one if not s.repeat_of}
    assert 0 < sum(sides[s.question.triplet_id] != s.song1_at_a for s in one if s.repeat_of) < 20  # a repeat's too
    for showing in one:
        assert showing.sounds == (b"anchor", *((b"song1", b"song2") if showing.song1_at_a else (b"song2", b"song1")))


def test_who_comes_back_goes_on_and_a_page_that_is_loaded_again_shows_the_same(path):
    asked = questions()
    with VotesFile(path) as votes:
        sessions = Sessions(asked, votes, lambda _: SOUNDS, 0.25)
        answer_all(sessions, "k1", most=8)
        assert sessions.next("k1") is sessions.next("k1")
    with VotesFile(path) as votes:
        rest = answer_all(Sessions(asked, votes, lambda _: SOUNDS, 0.25), "k1")
        assert len(rest) == 17 and rest[0].number == 9
    with open(path, newline="") as file:
        kept = Counter(row["triplet_id"] for row in csv.DictReader(file) if not row["repeat_of"])
    assert set(kept.values()) == {1} and len(kept) == 20


def test_what_is_answered_is_the_song_that_was_heard_there(path):
    with VotesFile(path) as votes:
        sessions = Sessions(questions(8), votes, lambda _: SOUNDS, 0.0)
        wanted = iter(["a", "b", "same", "neither"] * 2)
        shown = answer_all(sessions, "k1", lambda _: next(wanted))
    read = read_votes(path)
    for showing, answer, key in zip(shown, read.answers, ["a", "b", "same", "neither"] * 2):
        heard = {"a": "song1" if showing.song1_at_a else "song2", "b": "song2" if showing.song1_at_a else "song1"}
        assert answer.answer == heard.get(key, key) and answer.song1_at_a == showing.song1_at_a
        assert read.asked[answer.asked].clips == showing.question.clips
    assert len(read_dim_sim(path).triplets) == 4


def test_what_cannot_be_played_is_passed_over(path, caplog):
    asked = questions(6)

    def sounds(question):
        if question is asked[2]:
            raise AudioError("cannot be decoded")
        return SOUNDS

    with VotesFile(path) as votes:
        shown = answer_all(Sessions(asked, votes, sounds, 0.0), "k1")
        assert len(shown) == 5 and asked[2] not in [showing.question for showing in shown]
        assert "cannot be decoded" in caplog.text

        def silence(_):
            raise AudioError("is silent")

        with pytest.raises(UserError, match="no question can be played"):
            Sessions(asked[:2], votes, silence, 0.0).next("k2")


def test_a_vote_is_taken_once_and_strangers_fill_no_memory(path):
    with VotesFile(path) as votes:
        sessions = Sessions(questions(), votes, lambda _: SOUNDS, 0.0)
        first = sessions.next("k1")
        assert sessions.sound(first.token, 0) == b"anchor"
        sessions.vote(first.token, "a", [1, 1, 1])
        for call in (lambda: sessions.vote(first.token, "b", [1, 1, 1]), lambda: sessions.sound(first.token, 0)):
            with pytest.raises(KeyError):
                call()
        for number in range(2 * MOST_SHOWN):
            sessions.next(f"stranger{number}")
        assert len(sessions._shown) == MOST_SHOWN
    assert len(read_votes(path).answers) == 1


def test_a_vote_that_cannot_be_written_can_be_given_again(path):
    with VotesFile(path) as votes:
        sessions = Sessions(questions(), votes, lambda _: SOUNDS, 0.0)
        showing = sessions.next("k1")
        path.rename(path.with_suffix(".away"))
        with pytest.raises(UserError, match="moved"):
            sessions.vote(showing.token, "a", [1, 1, 1])
        path.with_suffix(".away").rename(path)
        sessions.vote(showing.token, "a", [1, 1, 1])
    assert len(read_votes(path).answers) == 1


@pytest.mark.parametrize("listener", [Listener(0.4, 0.5), Listener(0.0, 0.9)])
def test_a_simulated_listener_is_measured_as_it_was_made(path, listener):
    """Through sessions, file and reader: the bias towards A and the constancy that were put in."""
    rng = np.random.default_rng(5)

    def answer(showing):
        # The taste is for the song whose name comes first in the alphabet: always song1.
        given = listener.answer("song1", showing.song1_at_a, rng)
        return "a" if (given == "song1") == showing.song1_at_a else "b"

    with VotesFile(path) as votes:
        answer_all(Sessions(questions(120), votes, lambda _: SOUNDS, 1.0, np.random.default_rng(6)), "k1", answer)
    figures = listening(read_votes(path), "k1")
    assert (figures.votes, figures.repeats.n) == (120, 120)
    assert figures.towards_a.low <= listener.towards_a <= figures.towards_a.high
    assert figures.repeats.low <= listener.repeats_alike <= figures.repeats.high
