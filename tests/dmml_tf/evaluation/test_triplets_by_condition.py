"""Scoring systems on triplets drawn once, and the cross table."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.evaluation.accuracy import triplet_accuracy
from dmml_tf.evaluation.by_condition import accuracies, correct_by_condition
from dmml_tf.evaluation.cross_table import cross_table, diagonal_gap
from dmml_tf.evaluation.views import Views
from dmml_tf.spaces import unit
from tests.dmml_tf.evaluation.made_systems import CONDITIONS, held_out_of, perfect, scores_of, views_of
from tfrecords_tools.errors import UserError


def test_a_disentangled_space_scores_full_marks_in_its_subspaces_only():
    embedded = perfect()
    scores = scores_of(embedded, held_out_of(embedded), rounds=50)
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
    scores = scores_of(embedded, held_out, rounds=60)
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
    first, second = (
        scores_of(embedded, held_out, views_of(embedded, norm_order=order))
        for order in ("mask_then_norm", "norm_then_mask")
    )
    by_hand = triplet_accuracy(unit(embedded.vectors)[:, :3], held_out.triplets["genre"], rounds=5)
    assert second["subspace"]["genre"]["value"] == by_hand.value != first["subspace"]["genre"]["value"]
    assert second["whole"] == first["whole"]


def test_a_system_with_one_space_is_compared_as_it_is():
    embedded = perfect(noise=0.5)
    long = dataclasses.replace(embedded, vectors=embedded.vectors * np.linspace(1, 9, 36, dtype=np.float32)[:, None])
    held_out = held_out_of(embedded)
    scores = scores_of(long, held_out, dataclasses.replace(views_of(long), normalise=False))
    assert scores["whole"] == scores["subspace"]
    assert scores["whole"]["genre"]["value"] == triplet_accuracy(long.vectors, held_out.triplets["genre"]).value


def test_a_system_of_another_width_is_scored_on_the_same_triplets():
    embedded = perfect()
    held_out = held_out_of(embedded)
    wide = dataclasses.replace(embedded, vectors=np.tile(embedded.vectors, 7), windows=np.tile(embedded.windows, 7))
    as_they_are = Views({"whole": dict.fromkeys(CONDITIONS.names)}, normalise=False)
    assert scores_of(wide, held_out, as_they_are)["whole"]["genre"]["n"] == 400


def test_a_condition_without_triplets_is_none_and_the_mean_is_over_the_others():
    embedded = perfect()
    labels = {**embedded.labels, "tempo": np.full(36, np.nan, np.float32)}
    held_out = held_out_of(dataclasses.replace(embedded, labels=labels))
    scores = scores_of(embedded, held_out)
    assert scores["subspace"]["tempo"] is None
    assert scores["subspace"]["overall"] == scores["subspace"]["genre"]
    table = cross_table(embedded, held_out, views_of(embedded))
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
    scores = scores_of(alone, held_out)
    assert scores["whole"] == {"genre": None, "tempo": None, "track": None, "overall": None}
    assert diagonal_gap(cross_table(alone, held_out, views_of(alone))) is None


def test_a_collapsed_and_a_silent_embedding_score_nothing():
    embedded = perfect()
    held_out = held_out_of(embedded)
    silent = dataclasses.replace(embedded, vectors=0.0 * embedded.vectors, windows=0.0 * embedded.windows)
    scores = scores_of(silent, held_out)
    assert {score["value"] for score in scores["subspace"].values()} == {0.0}


def test_track_triplets_are_drawn_even_where_no_condition_asks_for_them():
    embedded = perfect()
    held_out = held_out_of(embedded, Conditions(CONDITIONS[:2]))
    assert held_out.conditions.names == ("genre", "tempo", "track")
    windows = held_out.triplets["track"]
    assert (embedded.window_track[windows[:, 0]] == embedded.window_track[windows[:, 1]]).all()
    assert (windows[:, 0] != windows[:, 1]).all()
    assert scores_of(embedded, held_out)["whole"]["track"]["value"] == 1.0


def test_without_slices_there_is_one_space_and_no_cross_table():
    embedded = perfect()
    category = Conditions([dataclasses.replace(c, width=0) for c in CONDITIONS])
    held_out = held_out_of(embedded, category)
    scores = scores_of(embedded, held_out)
    assert scores["whole"] == scores["subspace"] and scores["whole"]["overall"]["n"] == 800
    assert cross_table(embedded, held_out, views_of(embedded, category)) == {} and diagonal_gap({}) is None


def test_cross_table_by_hand():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    table = cross_table(embedded, held_out, views_of(embedded))
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
    whole = dict.fromkeys(CONDITIONS.names)
    views = Views({"whole": whole, "subspace": {**whole, **masks}})
    found = scores_of(embedded, held_out, views)
    expected = triplet_accuracy(unit(embedded.vectors * masks["tempo"]), held_out.triplets["tempo"], rounds=5).value
    assert found["subspace"]["tempo"]["value"] == expected != found["whole"]["tempo"]["value"]
    assert found["subspace"]["genre"] == found["whole"]["genre"]  # it has no mask: it sees the whole
    assert cross_table(embedded, held_out, views) == {"tempo": {"tempo": expected}}
    views = dataclasses.replace(views, norm_order="norm_then_mask")
    other = scores_of(embedded, held_out, views)["subspace"]["tempo"]["value"]
    assert other == triplet_accuracy(unit(embedded.vectors) * masks["tempo"], held_out.triplets["tempo"]).value


def test_answers_are_of_the_conditions_asked_for_and_their_scores_are_means():
    embedded = perfect(noise=0.5)
    held_out = held_out_of(embedded)
    views = Views({"whole": {"genre": None, "loudness": None}}, normalise=False)
    found = correct_by_condition(embedded, held_out, views)["whole"]
    assert list(found) == ["genre"] and found["genre"].shape == (400,)
    table = accuracies(held_out, found, 5)
    assert table["genre"]["value"] == found["genre"].mean() == table["overall"]["value"] and table["tempo"] is None


def test_a_condition_may_not_take_the_name_of_the_mean():
    embedded = perfect()
    with pytest.raises(UserError, match="overall"):
        held_out_of(embedded, Conditions([SharedTag("overall", column="genre")]))


def test_specialized_systems_are_one_row():
    genre, tempo = perfect(noise=0.3), perfect(noise=0.3)
    genre = dataclasses.replace(genre, vectors=genre.vectors[:, :3], windows=genre.windows[:, :3])
    tempo = dataclasses.replace(tempo, vectors=tempo.vectors[:, 3:], windows=tempo.windows[:, 3:])
    held_out = held_out_of(genre, count=300)
    own = {
        name: correct_by_condition(system, held_out, Views({"subspace": {name: None}}))["subspace"][name]
        for name, system in (("genre", genre), ("tempo", tempo))
    }
    found = accuracies(held_out, own, 40)
    joint = scores_of(perfect(noise=0.3), held_out, rounds=40)["subspace"]
    assert found["track"] is None
    assert all(found[name] == joint[name] for name in ("genre", "tempo", "overall"))
    as_they_are = Views({"subspace": {"genre": None}}, normalise=False)
    alone = scores_of(genre, held_out, as_they_are, rounds=40)["subspace"]
    assert alone["tempo"] is None and alone["overall"]["value"] == alone["genre"]["value"]
    expected = triplet_accuracy(genre.vectors, held_out.triplets["genre"], seed=1, rounds=40)
    assert alone["genre"]["value"] == pytest.approx(expected.value)
