"""What is measured of simulated listeners is what was put in, within its interval."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.benchmarks.listeners import Listener
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.data.judgements.votes import Votes
from dmml_tf.data.signal import LOG_MEL
from dmml_tf.evaluation.human import ClipError, EmbeddedClips
from dmml_tf.evaluation.listeners import listening
from dmml_tf.evaluation.views import Views
from dmml_tf.evaluation.vote_weights import fit_weights, halves
from dmml_tf.evaluation.votes import THRESHOLDS, ScoredVotes, VotingSystem, margins, score_votes, strata
from dmml_tf.evaluation.votes_text import votes_text
from tests.dmml_tf.evaluation.made_listeners import CLOSER, OTHER, heard, triplet

TWO = Conditions([SharedTag("genre", width=2), SharedTag("mood", width=2)])
VIEWS = Views.of_conditions(TWO, 4)
NEAR, FAR = (1.0, 0.1), (0.0, 1.0)
ANCHOR = (1.0, 0.0)


def embedded(genre: np.ndarray, mood: np.ndarray) -> EmbeddedClips:
    """Triplets of songs of their own; true: the first song is the closer one in that sub-space."""
    count = len(genre)
    pair = {True: (NEAR, FAR), False: (FAR, NEAR)}
    vectors = []
    for g, m in zip(genre, mood):
        sides = zip(pair[bool(g)], pair[bool(m)])
        vectors += [[*ANCHOR, *ANCHOR], *([*one, *other] for one, other in sides)]
    rows = np.arange(3 * count)
    return EmbeddedClips(np.array(vectors, np.float32), rows, rows.reshape(-1, 3), {}, 0, np.arange(count))


@pytest.mark.parametrize("listener", [Listener(), Listener(0.3, 0.6), Listener(0.0, 0.5), Listener(0.5, 0.2)])
def test_bias_and_constancy_are_what_was_put_in(listener):
    within = np.zeros(2)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        tastes = [CLOSER if one else OTHER for one in rng.random(150) < 0.5]
        figures = listening(heard({"k1": listener}, tastes, 60, rng), "k1")
        assert (figures.votes, figures.repeats.n, figures.towards_a.n) == (150, 60, 210)
        for place, (share, truth) in enumerate(
            [(figures.towards_a, listener.towards_a), (figures.repeats, listener.repeats_alike)]
        ):
            within[place] += share.low - 1e-12 <= truth <= share.high + 1e-12
    assert (within >= 0.87 * 60).all(), within


def test_listeners_apart_and_together():
    rng = np.random.default_rng(0)
    votes = heard({"k1": Listener(), "k2": Listener(1.0, 0.0)}, [CLOSER] * 40, 10, rng)
    one, two, both = (listening(votes, code) for code in ("k1", "k2", None))
    assert (one.repeats.value, two.towards_a.value) == (1.0, 1.0) and both.votes == one.votes + two.votes == 80
    assert one.repeats.value > both.repeats.value > two.repeats.value
    nobody = listening(Votes(votes.asked))
    assert (nobody.votes, nobody.repeats, nobody.towards_a) == (0, None, None)


def test_agreement_with_the_majority_at_each_threshold():
    # Five listeners: all, four, three and none of whom say the first song; the genre always does, the mood never.
    counts = [(5, 0, 0, 0), (4, 1, 0, 0), (3, 2, 0, 0), (0, 5, 0, 0), (2, 2, 1, 0), (1, 0, 0, 4)]
    votes = Votes(tuple(dataclasses.replace(triplet(n), counts=given) for n, given in enumerate(counts)))
    judged = embedded(np.ones(6, bool), np.zeros(6, bool))
    scored = ScoredVotes.of(votes, judged, VIEWS, 0, 200).agreement()["all"]
    genre = {t: (score["value"], score["n"]) for t, score in scored["genre"].items()}
    assert genre == {"0.5": (0.75, 4), "0.6": (0.75, 4), "0.7": (2 / 3, 3), "0.8": (2 / 3, 3), "0.9": (0.5, 2)}
    assert scored["mood"]["0.5"]["value"] == 0.25 and set(scored) == {"whole", "genre", "mood"}
    # The whole is at one distance from both: it agrees with nobody.
    assert scored["whole"]["0.9"]["value"] == 0.0


def test_the_weighted_rate_is_that_of_random_triplets():
    """People agree with the genre at .9, but at .5 in the tenth of the triplets that half the questions are about."""
    share, asked_more, truth = 0.1, 0.5, 0.9 * 0.9 + 0.1 * 0.5
    within, plain = {"random": 0, "all": 0, "disagreeing": 0}, []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        drawn_at_random = np.arange(300) >= 300 * asked_more
        contested = ~drawn_at_random | (rng.random(300) < share)
        likely = np.where(contested, 1 - asked_more + asked_more / share, 1 - asked_more)
        asked = [triplet(n, not drawn_at_random[n], likely[n]) for n in range(300)]
        agrees = rng.random(300) < np.where(contested, 0.5, 0.9)
        votes = heard({"k1": Listener()}, [CLOSER if one else OTHER for one in agrees], 0, rng, asked)
        judged = embedded(np.ones(300, bool), np.zeros(300, bool))
        scored = ScoredVotes.of(votes, judged, VIEWS, seed, 150)
        for stratum in within:
            score = scored.score(scored.margins["genre"], 0.5, stratum)
            within[stratum] += score.low <= (0.5 if stratum == "disagreeing" else truth) <= score.high
        plain.append(agrees.mean())
        assert scored.score(scored.margins["genre"], 0.5, "all").n == 300
    assert np.mean(plain) < truth - 0.1
    assert min(within.values()) >= 27, within


def test_a_file_of_random_triplets_has_one_stratum():
    assert list(strata(Votes((triplet(0), triplet(1))))) == ["all"]
    assert list(strata(Votes((triplet(0), triplet(1, True, 5.5))))) == ["random", "disagreeing", "all"]


def test_margins_are_halved_differences_of_squared_distances():
    space = np.random.default_rng(0).normal(size=(6, 3))
    space /= np.linalg.norm(space, axis=1, keepdims=True)
    triplets = np.array([[0, 1, 2], [3, 4, 5]])
    expected = [space[a] @ space[b] - space[a] @ space[c] for a, b, c in triplets]
    np.testing.assert_allclose(margins(space, triplets), expected, atol=1e-12)


def test_the_weights_that_people_have_are_found():
    rng = np.random.default_rng(0)
    each = rng.normal(size=(2000, 3)) * (1.0, 0.2, 3.0)
    heard_as = each @ (0.3, 1.0, 0.0) + rng.logistic(scale=0.1, size=2000)
    weights = fit_weights(each, heard_as > 0, np.ones(2000))
    assert weights == pytest.approx([0.3, 1.0, 0.0], abs=0.06)
    # A triplet that counts twice is two triplets.
    often = rng.integers(1, 3, 500)
    one, two = each[:500], np.repeat(each[:500], often, axis=0)
    fitted = (
        fit_weights(one, heard_as[:500] > 0, often),
        fit_weights(two, np.repeat(heard_as[:500] > 0, often), np.ones(len(two))),
    )
    assert fitted[0] == pytest.approx(fitted[1], abs=1e-3)
    assert fit_weights(each, each[:, 0] < 0, np.ones(2000)).tolist()[0] == 0.0  # worse than nothing
    first, second = halves(21, 3)
    assert sorted([*first, *second]) == list(range(21)) and halves(7, 0) is None


def test_weights_are_scored_on_the_half_they_were_not_fitted_on():
    rng = np.random.default_rng(1)
    genre, mood = rng.random(200) < 0.5, rng.random(200) < 0.5
    votes = heard({f"k{n}": Listener() for n in range(3)}, [CLOSER if one else OTHER for one in genre], 0, rng)
    found = ScoredVotes.of(votes, embedded(genre, mood), VIEWS, 0, 200).fitted_weights(0)
    assert found["weights"]["genre"] == 1.0 and found["weights"]["mood"] < 0.3
    assert (found["fitted_on"], found["scored_on"], found["fitted"]["n"]) == (100, 100, 100)
    assert found["fitted"]["value"] == 1.0 and found["equal"]["value"] < 0.7
    assert found["gain"]["low"] > 0.2 and found["gain"]["value"] == pytest.approx(1 - found["equal"]["value"])


def test_everything_of_a_file_with_a_clip_that_is_gone():
    rng = np.random.default_rng(2)
    tastes = [CLOSER] * 30
    asked = [triplet(n, n % 2 == 1, 5.5 if n % 2 else 0.5) for n in range(30)]
    votes = heard({"k1": Listener(), "k2": Listener(0.4, 0.5)}, tastes, 5, rng, asked)

    def sound_of(clip):
        if clip.song == "3 y":
            raise ClipError("gone")
        return np.array({"x": [*ANCHOR] * 2, "y": [*NEAR] * 2, "z": [*FAR] * 2}[clip.song[-1]])

    systems = {"mine": VotingSystem(lambda sound: sound, LOG_MEL, VIEWS)}
    content = score_votes(votes, systems, lambda _: sound_of, rounds=100)
    assert (content["triplets"], content["votes"], content["repeats"]) == (30, 60, 10)
    assert content["without_clips"] == 1 and content["missing"] == {"3 y": "gone"}
    assert list(content["listeners"]) == ["k1", "k2"] and list(content["majorities"]) == [f"{t:g}" for t in THRESHOLDS]
    assert content["agreement"]["mine"]["random"]["genre"]["0.9"]["value"] == 1.0
    assert content["alpha"]["all"]["n"] == 30
    text = votes_text(content)
    for line in (
        "People: 60 votes of 2 listeners on 30 triplets",
        "asked because systems disagree",
        "repeats answered as the first time:",
        "--weights genre=",
        "3 y: gone",
        "gain over equal weights",
        f"at least 0.9 (n {content['agreement']['mine']['all']['genre']['0.9']['n']})",
    ):
        assert line in text
    counts = score_votes(Votes(votes.asked), systems, lambda _: sound_of, rounds=50)
    assert "votes of unnamed listeners" in votes_text(counts) and counts["agreement"].keys() == {"mine"}
