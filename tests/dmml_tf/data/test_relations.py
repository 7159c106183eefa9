"""Relations of a batch against the conditions' rules, pair by pair, and against the triplets drawn from it."""

import itertools

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag, Within
from dmml_tf.data.relations import relations
from dmml_tf.data.triplets import draw_batch
from tests.triplet_oracle import is_negative, is_positive, random_labels, with_parts
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN

CONDITIONS = Conditions(
    [
        SharedTag("genre"),
        Within("tempo", 5.0),
        SameTrack("track", width=0),
    ]
)
RNG = np.random.default_rng(0)
ITEMS = np.repeat(np.arange(6), 3)
LABELS = {
    "genre": RNG.integers(-1, 3, (6, 2)).astype(np.int32)[ITEMS],
    "tempo": np.array([90, 94, 99, 120, np.nan, 95], np.float32)[ITEMS],
    "track": ITEMS.astype(np.int32),
    "start": np.tile([0, PAPER_CHAIN.half_window - 1, PAPER_CHAIN.half_window + 3], 6).astype(np.int32),
}


def rule(name, a, b):
    """1, -1 or 0 for two windows, from the words of the paper."""
    same = ITEMS[a] == ITEMS[b]
    if name == "track":
        return (1 if abs(LABELS["start"][a] - LABELS["start"][b]) >= PAPER_CHAIN.half_window else 0) if same else -1
    if same:
        return 0
    if name == "tempo":
        gap = abs(LABELS["tempo"][a] - LABELS["tempo"][b])
        return 0 if np.isnan(gap) else (1 if gap <= 5 else -1)
    one, two = (set(LABELS["genre"][x]) - {-1} for x in (a, b))
    return 0 if not one or not two else (1 if one & two else -1)


def test_every_pair():
    found = relations(CONDITIONS, LABELS)
    assert found.shape == (3, 18, 18) and found.dtype == np.int8
    for c, name in enumerate(CONDITIONS.names):
        assert found[c].tolist() == [[rule(name, a, b) for b in range(18)] for a in range(18)]
        assert {-1, 0, 1} == set(found[c].ravel().tolist())


def test_drawn_triplets_are_of_these_relations():
    found = relations(CONDITIONS, LABELS)
    triplets, condition = draw_batch(CONDITIONS, LABELS, 200, RNG)
    assert len(triplets) == 200
    a, p, n = triplets.T
    assert (found[condition, a, p] == 1).all() and (found[condition, a, n] == -1).all()


@pytest.mark.parametrize("seed", range(3))
def test_every_pair_of_parts_of_songs(seed):
    rng = np.random.default_rng(seed)
    labels = with_parts(random_labels(rng, tracks=6, windows=3), rng)
    found = relations(CONDITIONS, labels)
    for square, condition in zip(found, CONDITIONS):
        for a, b in itertools.product(range(18), repeat=2):
            wanted = int(is_positive(condition, labels, a, b)) - int(is_negative(condition, labels, a, b))
            assert square[a, b] == wanted, (condition.name, a, b)


def test_one_window_has_no_relation():
    one = {name: column[:1] for name, column in LABELS.items()}
    assert relations(CONDITIONS, one).tolist() == [[[0]]] * 3


def test_judgements_are_not_for_a_miner():
    with pytest.raises(
        UserError, match="condition 'votes': people have chosen its negatives.*config.objective"
    ) as caught:
        relations(Conditions([CONDITIONS[0], Judged("votes")]), LABELS)
    assert "\n" not in str(caught.value)
