"""Scoring systems on triplets drawn once, and the cross table."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.accuracy import triplet_accuracy
from dmml_tf.evaluation.cross_table import cross_table, diagonal_gap
from dmml_tf.evaluation.evaluate import answers, evaluate, hold_out, scores
from dmml_tf.spaces import unit
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=3),
        Within("tempo", 5.0, width=2),
        SameTrack("track", width=0, weight=0.5),
    ]
)


def perfect(tracks: int = 36, noise: float = 0.0) -> Embedded:
    """Tracks whose first three numbers tell the genre and whose last two the tempo; three windows each."""
    rng = np.random.default_rng(0)
    genre, tempo = rng.integers(3, size=tracks), rng.uniform(60, 180, tracks)
    angle = (tempo - 60) / 120 * np.pi / 2
    vectors = np.concatenate([np.eye(3)[genre], np.stack([np.cos(angle), np.sin(angle)], 1)], 1).astype(np.float32)
    vectors += noise * rng.normal(size=vectors.shape).astype(np.float32)
    names = [f"t{i}" for i in range(tracks)]
    labels = {
        "genre": genre[:, None].astype(np.int32),
        "tempo": tempo.astype(np.float32),
        "track": np.arange(tracks, dtype=np.int32),
    }
    windows = np.repeat(vectors, 3, axis=0) + 1e-3 * rng.normal(size=(3 * tracks, 5)).astype(np.float32)
    return Embedded(
        names,
        names,
        names,
        labels,
        vectors,
        windows,
        np.repeat(np.arange(tracks), 3).astype(np.int32),
        np.tile([0, 129, 258], tracks).astype(np.int32),
    )


def held_out_of(embedded: Embedded, conditions: Conditions = CONDITIONS, count: int = 400):
    return hold_out(conditions, embedded.labels, embedded.window_track, embedded.window_start, count, seed=1)


def test_a_disentangled_space_scores_full_marks_in_its_subspaces_only():
    embedded = perfect()
    scores = evaluate(embedded, held_out_of(embedded), rounds=50)
    assert list(scores) == ["whole", "subspace"]
    assert all(list(scores[space]) == ["genre", "tempo", "track", "overall"] for space in scores)
    own = scores["subspace"]
    assert own["genre"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 400}
    assert own["tempo"]["value"] == own["overall"]["value"] == 1.0
    assert own["overall"]["n"] == 800
    assert scores["whole"]["tempo"]["value"] < 0.95
    assert scores["whole"]["track"] == own["track"]  # its own mask is all ones


def test_scores_equal_triplet_accuracy_on_slices_by_hand():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    scores = evaluate(embedded, held_out, rounds=60)
    genre = triplet_accuracy(unit(embedded.vectors[:, :3]), held_out.triplets["genre"], seed=1, rounds=60)
    assert scores["subspace"]["genre"] == dataclasses.asdict(genre)
    track = triplet_accuracy(unit(embedded.windows), held_out.triplets["track"], embedded.window_track, 1, 60)
    assert scores["whole"]["track"] == dataclasses.asdict(track)
    whole = scores["whole"]
    assert whole["overall"]["value"] == pytest.approx((whole["genre"]["value"] + whole["tempo"]["value"]) / 2)
    assert whole["overall"]["low"] < whole["overall"]["value"] < whole["overall"]["high"]


def test_the_other_order_of_mask_and_norm_is_another_space():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    first, second = (evaluate(embedded, held_out, order, rounds=5) for order in ("mask_then_norm", "norm_then_mask"))
    by_hand = triplet_accuracy(unit(embedded.vectors)[:, :3], held_out.triplets["genre"], rounds=5)
    assert second["subspace"]["genre"]["value"] == by_hand.value != first["subspace"]["genre"]["value"]
    assert second["whole"] == first["whole"]


def test_a_system_with_one_space_is_compared_as_it_is():
    embedded = perfect(noise=0.5)
    long = dataclasses.replace(embedded, vectors=embedded.vectors * np.linspace(1, 9, 36, dtype=np.float32)[:, None])
    held_out = held_out_of(embedded)
    scores = evaluate(long, held_out, subspaces=False, rounds=5)
    assert scores["whole"] == scores["subspace"]
    assert scores["whole"]["genre"]["value"] == triplet_accuracy(long.vectors, held_out.triplets["genre"]).value


def test_a_system_of_another_width_is_scored_on_the_same_triplets():
    embedded = perfect()
    held_out = held_out_of(embedded)
    wide = dataclasses.replace(embedded, vectors=np.tile(embedded.vectors, 7), windows=np.tile(embedded.windows, 7))
    assert evaluate(wide, held_out, subspaces=False, rounds=5)["whole"]["genre"]["n"] == 400


def test_a_condition_without_triplets_is_none_and_the_mean_is_over_the_others():
    embedded = perfect()
    labels = {**embedded.labels, "tempo": np.full(36, np.nan, np.float32)}
    held_out = held_out_of(dataclasses.replace(embedded, labels=labels))
    scores = evaluate(embedded, held_out, rounds=5)
    assert scores["subspace"]["tempo"] is None
    assert scores["subspace"]["overall"] == scores["subspace"]["genre"]
    table = cross_table(embedded, held_out)
    assert table["genre"]["tempo"] is None and table["tempo"]["tempo"] is None
    assert diagonal_gap(table) == pytest.approx(1.0 - table["tempo"]["genre"])


def test_nothing_labelled_and_one_window_a_track_gives_none_throughout():
    embedded = perfect(4)
    labels = {
        "genre": np.full((4, 1), -1, np.int32),
        "tempo": np.full(4, np.nan, np.float32),
        "track": np.arange(4, dtype=np.int32),
    }
    alone = dataclasses.replace(
        embedded,
        labels=labels,
        windows=embedded.vectors,
        window_track=labels["track"],
        window_start=np.zeros(4, np.int32),
    )
    held_out = held_out_of(alone)
    scores = evaluate(alone, held_out, rounds=5)
    assert scores["whole"] == {"genre": None, "tempo": None, "track": None, "overall": None}
    assert diagonal_gap(cross_table(alone, held_out)) is None


def test_a_collapsed_and_a_silent_embedding_score_nothing():
    embedded = perfect()
    held_out = held_out_of(embedded)
    silent = dataclasses.replace(embedded, vectors=0.0 * embedded.vectors, windows=0.0 * embedded.windows)
    scores = evaluate(silent, held_out, rounds=5)
    assert {score["value"] for score in scores["subspace"].values()} == {0.0}


def test_track_triplets_are_drawn_even_where_no_condition_asks_for_them():
    embedded = perfect()
    held_out = held_out_of(embedded, Conditions(CONDITIONS[:2]))
    assert held_out.conditions.names == ("genre", "tempo", "track")
    windows = held_out.triplets["track"]
    assert (embedded.window_track[windows[:, 0]] == embedded.window_track[windows[:, 1]]).all()
    assert (windows[:, 0] != windows[:, 1]).all()
    assert evaluate(embedded, held_out, rounds=5)["whole"]["track"]["value"] == 1.0


def test_without_slices_there_is_one_space_and_no_cross_table():
    embedded = perfect()
    category = Conditions([dataclasses.replace(c, width=0) for c in CONDITIONS])
    held_out = held_out_of(embedded, category)
    scores = evaluate(embedded, held_out, rounds=5)
    assert scores["whole"] == scores["subspace"] and scores["whole"]["overall"]["n"] == 800
    assert cross_table(embedded, held_out) == {} and diagonal_gap({}) is None


def test_cross_table_by_hand():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    table = cross_table(embedded, held_out)
    slices = {"genre": slice(0, 3), "tempo": slice(3, 5)}
    for row, owned in slices.items():
        for column in slices:
            expected = triplet_accuracy(unit(embedded.vectors[:, owned]), held_out.triplets[column], rounds=2).value
            assert table[row][column] == expected
    gap = (table["genre"]["genre"] + table["tempo"]["tempo"] - table["genre"]["tempo"] - table["tempo"]["genre"]) / 2
    assert diagonal_gap(table) == pytest.approx(gap) and gap > 0.1


def test_learned_masks_are_seen_through_in_the_accuracies_and_in_the_cross_table():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    masks = {"tempo": np.array([0.0, 0.2, 0.0, 1.5, 0.7], np.float32), "gone": np.ones(5, np.float32)}
    found = evaluate(embedded, held_out, rounds=5, masks=masks)
    expected = triplet_accuracy(unit(embedded.vectors * masks["tempo"]), held_out.triplets["tempo"], rounds=5).value
    assert found["subspace"]["tempo"]["value"] == expected != found["whole"]["tempo"]["value"]
    assert found["subspace"]["genre"] == found["whole"]["genre"]  # it has no mask: it sees the whole
    assert cross_table(embedded, held_out, masks=masks) == {"tempo": {"tempo": expected}}
    other = evaluate(embedded, held_out, "norm_then_mask", rounds=5, masks=masks)["subspace"]["tempo"]["value"]
    assert other == triplet_accuracy(unit(embedded.vectors) * masks["tempo"], held_out.triplets["tempo"]).value


def test_answers_are_of_the_conditions_asked_for_and_their_scores_are_means():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    found = answers(held_out, lambda name: embedded.vectors, {"genre", "loudness"})
    assert list(found) == ["genre"] and found["genre"].shape == (400,)
    table = scores(held_out, found, 5)
    assert table["genre"]["value"] == found["genre"].mean() == table["overall"]["value"] and table["tempo"] is None


def test_a_condition_may_not_take_the_name_of_the_mean():
    embedded = perfect()
    with pytest.raises(UserError, match="overall"):
        held_out_of(embedded, Conditions([SharedTag("overall", column="genre")]))
