"""What is fitted, against plain loops and the definition of the objective."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.heard.calibration import sigmoid
from dmml_tf.heard.fit import fit_heard_as
from dmml_tf.heard.fit_tags import _C, fit_tags, known_tags, linear_scores
from dmml_tf.heard.fit_values import most_alike
from dmml_tf.heard.nearest_values import NEIGHBOURS
from dmml_tf.heard.side import Side
from tests.dmml_tf.heard.made import CONDITIONS, VOCABULARIES, songs


def genre_side(embedded) -> Side:
    rows = [i for i, column in enumerate(embedded.labels["genre"]) if (column >= 0).any()]
    vectors = np.stack([v[:4] / np.linalg.norm(v[:4]) for v in embedded.vectors[rows]])
    return Side(vectors, embedded.labels["genre"][rows], [embedded.artists[row] for row in rows])


def test_scores_are_logistic_regression_by_its_definition():
    train = genre_side(songs(200, 0))
    carries = np.array([[tag in row for tag in range(3)] for row in train.labels])
    scores = linear_scores(train.vectors, carries, "abc", np.ones_like(carries))
    mean = train.vectors.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(((train.vectors - mean) ** 2).mean())
    for tag in range(3):
        wrong = sigmoid(scores.scores(train.vectors)[:, tag]) - carries[:, tag]
        # The gradient of 1/2 |w|^2 + C * sum of log losses, where w is of numbers of deviation 1.
        gradient = scores.weights[tag] * deviation + _C * ((train.vectors - mean) / deviation).T @ wrong
        assert np.abs(gradient).max() < 5e-3 and abs(wrong.sum()) < 0.05


def test_the_tags_scores_are_calibrated_on_valid_and_rare_tags_left_out():
    train, valid = genre_side(songs(200, 0)), genre_side(songs(100, 1))
    scores, figures = fit_tags(train, valid, VOCABULARIES["genre"])
    assert scores.tags == ("folk", "jazz", "rock") and figures["left_out"] == ["rare"] and figures["tags"] == 3
    true = np.array([[tag in row for tag in range(3)] for row in valid.labels])
    # The optimum's two equations: the errors sum to nothing, alone and weighed by the scores.
    wrong = sigmoid(scores.scores(valid.vectors)) - true
    assert abs(wrong.mean()) < 1e-3 and abs((wrong * scores.scores(valid.vectors)).mean()) < 1e-2


def test_tags_and_values_of_a_space_that_tells_them_are_kept_and_right():
    heard_as, figures = fit_heard_as(songs(200, 0), songs(100, 1), CONDITIONS, VOCABULARIES, "abc")
    assert list(heard_as.parts) == ["genre", "tempo"] and heard_as.model == "abc"
    assert figures["genre"]["train"] == 160 and figures["genre"]["valid"] == 80
    assert figures["genre"]["auc"] > 0.9 and figures["genre"]["map"] > 0.9
    assert figures["tempo"]["hits"] > 0.9 > 0.3 > figures["tempo"]["hits_of_one_value"]
    fresh = songs(60, 2)
    right, close, known = 0, 0, 0
    for song, said in enumerate(heard_as.heard(fresh.vectors, most=1)):
        if np.isnan(fresh.labels["tempo"][song]):
            continue
        known += 1
        right += (
            bool(said["genre"]) and VOCABULARIES["genre"].index(said["genre"][0].label) in fresh.labels["genre"][song]
        )
        close += bool(said["tempo"]) and abs(said["tempo"][0].label - fresh.labels["tempo"][song]) <= 5
    assert right / known > 0.85 and close / known > 0.85


def test_shares_mean_what_they_say_on_songs_never_seen():
    heard_as, figures = fit_heard_as(songs(400, 0, noise=0.8), songs(300, 1, noise=0.8), CONDITIONS, VOCABULARIES)
    fresh = songs(3000, 2, noise=0.8)
    shares, true = [], []
    for said, column in zip(heard_as.heard(fresh.vectors, most=3, least=0.0), fresh.labels["genre"]):
        if (column >= 0).any():
            shares += [one.share for one in said["genre"]]
            true += [VOCABULARIES["genre"].index(one.label) in column for one in said["genre"]]
    assert len(shares) == 3 * 2400
    for low in np.arange(0, 1, 0.2):
        rows = [i for i, share in enumerate(shares) if low <= share < low + 0.2]
        said, so = np.mean([shares[i] for i in rows]), np.mean([true[i] for i in rows])
        assert abs(said - so) < 0.1, (low, said, so)
    assert figures["genre"]["error_after"] < 0.1


def test_a_space_that_knows_nothing_says_nothing_and_why():
    heard_as, figures = fit_heard_as(songs(200, 0, tells=False), songs(100, 1, tells=False), CONDITIONS, VOCABULARIES)
    assert heard_as.parts == {} and not any(row["kept"] for row in figures.values())
    assert {row["why"] for row in figures.values()} == {"no better on valid than to say the same of every song"}
    assert heard_as.heard(songs(2, 2).vectors) == [{}, {}]


def test_too_few_songs_are_said_with_their_number():
    few = songs(11, 1)
    _, figures = fit_heard_as(songs(200, 0), few, CONDITIONS, VOCABULARIES)
    assert figures["genre"]["why"] == "9 labelled songs in valid; 10 are needed" and not figures["genre"]["kept"]
    _, figures = fit_heard_as(songs(30, 0), songs(100, 1), CONDITIONS, VOCABULARIES)
    assert figures["tempo"]["why"] == "24 labelled songs in train; 30 are needed"
    _, figures = fit_heard_as(songs(5, 0), songs(100, 1), CONDITIONS, VOCABULARIES)
    assert figures["genre"]["why"] == "no tag of 5 songs in train"


def test_columns_that_the_data_lack_and_conditions_without_a_slice_are_passed_over():
    seen = Conditions([SharedTag("genre", width=7), SharedTag("mood", width=0), Within("year", 2.0, width=0)])
    heard_as, figures = fit_heard_as(songs(200, 0), songs(100, 1), seen, VOCABULARIES)
    assert list(figures) == ["genre"] and list(heard_as.parts) == ["genre"]
    other = Conditions([SharedTag("mood", width=4), Within("tempo", 5.0, width=3)])
    assert list(fit_heard_as(songs(200, 0), songs(100, 1), other, VOCABULARIES)[1]) == ["tempo"]


def test_the_estimate_is_the_vote_of_the_nearest_and_its_share_grows_with_those_that_agree():
    train = songs(200, 0)
    heard_as, _ = fit_heard_as(train, songs(100, 1), CONDITIONS, VOCABULARIES)
    part, fresh = heard_as.parts["tempo"], songs(20, 3, noise=0.3)
    rows = [i for i, value in enumerate(train.labels["tempo"]) if not np.isnan(value)]
    stored = [np.float16(train.vectors[i, 4:] / np.linalg.norm(train.vectors[i, 4:])).astype(float) for i in rows]
    for song, said in enumerate(heard_as.heard(fresh.vectors, least=0.0)):
        asked = fresh.vectors[song, 4:] / np.linalg.norm(fresh.vectors[song, 4:])
        nearest = sorted(range(len(rows)), key=lambda i: -float(asked @ stored[i]))[:NEIGHBOURS]
        values = [float(train.labels["tempo"][rows[i]]) for i in nearest]
        agreeing = np.mean([abs(value - np.median(values)) <= 5 for value in values])
        assert said["tempo"][0].label == pytest.approx(np.median(values), rel=1e-4)
        assert said["tempo"][0].share == pytest.approx(float(sigmoid(part.slope * agreeing + part.offset)), abs=0.05)
    assert part.slope > 0


def test_many_songs_of_known_value_are_thinned(monkeypatch):
    from dmml_tf.heard import fit_values

    monkeypatch.setattr(fit_values, "_MOST", 50)
    heard_as, _ = fit_heard_as(songs(400, 0), songs(100, 1), CONDITIONS, VOCABULARIES)
    assert heard_as.parts["tempo"].values.shape == (50,) and heard_as.parts["tempo"].vectors.dtype == np.float16


def test_the_value_that_most_are_similar_to_against_loops():
    values = np.random.default_rng(0).uniform(60, 180, 40)
    rule = Within("tempo", 5.0, octave=True)
    votes = {v: sum(bool(rule.alike(np.array([v]), np.array([w]))[0]) for w in values) for v in sorted(values)}
    assert most_alike(rule, values) == max(votes, key=votes.get)


def test_the_same_songs_in_another_order_of_artists_change_no_score():
    first, _ = fit_heard_as(songs(200, 0), songs(100, 1), CONDITIONS, VOCABULARIES)
    again, _ = fit_heard_as(
        songs(200, 0), dataclasses.replace(songs(100, 1), artists=["one"] * 100), CONDITIONS, VOCABULARIES
    )
    np.testing.assert_array_equal(first.parts["genre"].weights, again.parts["genre"].weights)


def two_sources(count: int, seed: int):
    """`songs`, of which every second is of a source that calls the genres otherwise; its tags are 3, 4 and 5."""
    made = songs(count, seed)
    source = (np.arange(count) % 2).astype(np.int32)[:, None]
    genre = np.where(made.labels["genre"] >= 0, made.labels["genre"] + 3 * source, -1).astype(np.int32)
    return dataclasses.replace(made, labels={**made.labels, "genre": genre, "source": source})


def test_a_tag_that_a_source_does_not_use_is_not_known_to_be_absent_from_its_songs():
    names = {"genre": ("folk", "jazz", "rock", "Volk", "Jass", "Rokk"), "source": ("one", "other")}
    train, valid, fresh = two_sources(400, 0), two_sources(200, 1), songs(200, 2)

    def heard(**among):
        conditions = Conditions([SharedTag("genre", width=4, **among), Within("tempo", 5.0, width=3)])
        heard_as, figures = fit_heard_as(train, valid, conditions, names)
        said = heard_as.heard(fresh.vectors, least=0.5)
        return [{one.label for one in song["genre"]} for song in said], figures["genre"]

    # The same sound has both names. Without the source each name is as often absent as there.
    both, figures = heard(among="source")
    tagged = [place for place, row in enumerate(fresh.labels["genre"]) if row[0] >= 0]
    right = [
        {names["genre"][fresh.labels["genre"][place][0] + step] for step in (0, 3)} <= both[place] for place in tagged
    ]
    assert np.mean(right) > 0.8 and figures["auc"] > 0.9
    either, _ = heard()
    assert np.mean([len(song) for song in either]) < 0.7 * np.mean([len(song) for song in both])


def test_what_is_known_of_tags_against_a_loop():
    made = two_sources(60, 0)
    side = Side(made.vectors, made.labels["genre"], made.artists, made.labels["source"])
    carries = np.array([[tag in row for tag in range(6)] for row in side.labels])
    known = known_tags(side, side, carries)
    for song in range(60):
        of_source = [i for i in range(60) if side.sources[i] == side.sources[song]]
        assert known[song].tolist() == [any(carries[i, tag] for i in of_source) for tag in range(6)]
    assert known_tags(side._replace(sources=None), side, carries).all()


def test_one_song_of_valid_whose_source_has_such_tags_is_too_few():
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    tags, sources = np.array([[i % 2] for i in range(27)] + [[2]] * 3), np.array([[0]] * 27 + [[1]] * 3)
    train = Side(vectors, tags, [str(i) for i in range(30)], sources)
    valid = Side(vectors[18:], np.array([[0]] + [[2]] * 11), train.artists[18:], np.array([[0]] + [[1]] * 11))
    scores, figures = fit_tags(train, valid, ["a", "b", "rare"])
    assert scores is None and figures["why"].startswith("1 songs in valid") and figures["left_out"] == ["rare"]
