"""Pairs of a window and two tags, against the rules read off the labels one by one."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.zero_shot.pairs import draw_tag_pairs

CONDITIONS = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4, share=2)])
TAGS = {"genre": 9, "mood": 4}


def case(seed=0, windows=40):
    rng = np.random.default_rng(seed)

    def column(tags):
        ids = np.stack([rng.permutation(tags)[:3] for _ in range(windows)])
        return np.where(rng.random(ids.shape) < 0.5, -1, ids).astype(np.int32)

    held_out = {name: rng.permutation(tags) < 1 for name, tags in TAGS.items()}
    # One tag more is neither seen nor held out: it has no vector.
    seen = {
        name: ~held & (np.arange(len(held)) != (int(held.argmax()) + 1) % len(held)) for name, held in held_out.items()
    }
    return {name: column(tags) for name, tags in TAGS.items()}, seen, held_out


def draw(labels, seen, held_out, count=3000, seed=1):
    return draw_tag_pairs(CONDITIONS, labels, seen, held_out, count, np.random.default_rng(seed))


def able_by_hand(column, seen, held_out):
    able = []
    for window, ids in enumerate(column):
        mine = {int(i) for i in ids if i >= 0}
        known = {i for i in mine if seen[i]}
        if known and not any(held_out[i] for i in mine) and len(known) < seen.sum():
            able.append(window)
    return able


@pytest.mark.parametrize("seed", range(3))
def test_every_pair_keeps_the_rules_and_everything_possible_is_drawn(seed):
    labels, seen, held_out = case(seed)
    window, condition, tags = draw(labels, seen, held_out)
    assert window.dtype == condition.dtype == tags.dtype == np.int32 and len(window) == 3000
    assert np.bincount(condition).tolist() == [1000, 2000]  # shares 1 and 2
    for number, name in enumerate(TAGS):
        mine = condition == number
        drawn = {(int(w), int(p), int(n)) for w, (p, n) in zip(window[mine], tags[mine])}
        able = able_by_hand(labels[name], seen[name], held_out[name])
        assert 0 < len(able) < len(labels[name]) and {w for w, _, _ in drawn} == set(able)
        possible = {
            (w, int(p), int(n))
            for w in able
            for p in labels[name][w]
            if p >= 0 and seen[name][p]
            for n in np.flatnonzero(seen[name])
            if n not in labels[name][w]
        }
        assert drawn <= possible and len(drawn) > 0.9 * len(possible)


def test_windows_serve_in_turn_and_negatives_are_even():
    column = np.array([[0, 3], [1, -1], [2, -1], [4, -1]], np.int32)
    conditions, seen = CONDITIONS[:1], np.array([True] * 6)
    window, _, tags = draw_tag_pairs(
        Conditions(conditions), {"genre": column}, {"genre": seen}, {"genre": ~seen}, 8000, np.random.default_rng(0)
    )
    assert np.bincount(window).tolist() == [2000] * 4
    first = tags[window == 0]
    np.testing.assert_allclose(np.bincount(first[:, 0], minlength=6) / 2000, [0.5, 0, 0, 0.5, 0, 0], atol=0.04)
    np.testing.assert_allclose(np.bincount(first[:, 1], minlength=6) / 2000, [0, 0.25, 0.25, 0, 0.25, 0.25], atol=0.04)


def test_a_track_with_a_held_out_tag_is_out_for_that_column_alone():
    labels = {"genre": np.array([[0, 1], [1, -1]], np.int32), "mood": np.array([[0], [1]], np.int32)}
    everything = {name: np.ones(tags, bool) for name, tags in TAGS.items()}
    held_out = {name: np.zeros(tags, bool) for name, tags in TAGS.items()}
    held_out["genre"][0] = True
    window, condition, _ = draw(labels, {**everything, "genre": ~held_out["genre"]}, held_out, 60)
    assert set(window[condition == 0]) == {1} and set(window[condition == 1]) == {0, 1}


def test_nothing_to_draw():
    labels = {"genre": np.full((3, 2), -1, np.int32), "mood": np.array([[0, 1, 2, 3]] * 3, np.int32)}
    everything = {name: np.ones(tags, bool) for name, tags in TAGS.items()}
    nothing = {name: ~flags for name, flags in everything.items()}
    window, condition, tags = draw(labels, everything, nothing)  # untagged; and no tag that is lacking
    assert window.shape == condition.shape == (0,) and tags.shape == (0, 2)
    window, condition, tags = draw({**labels, "mood": labels["mood"][:, :1]}, everything, nothing, 9)
    assert set(condition) == {1} and len(window) == 6


def test_the_same_seed_gives_the_same_pairs():
    made = case()
    for first, again, other in zip(draw(*made), draw(*made), draw(*made, seed=2)):
        np.testing.assert_array_equal(first, again)
        assert first.shape == other.shape
    assert not np.array_equal(draw(*made)[2], draw(*made, seed=2)[2])
