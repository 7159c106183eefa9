"""A split dealt out to replicas: every track once, anew in every epoch; and their batches."""

import collections
import itertools

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag
from dmml_tf.data.forms import FILLING, filled_form, triplet_form
from dmml_tf.data.parts import Part
from dmml_tf.data.pipeline import BatchPlan, form_batches, held_batches, replica_dataset
from dmml_tf.data.records import count_tracks, read_tracks
from tests.synthetic import traced_track, write_dataset

CONDITIONS = Conditions([SharedTag("genre"), SameTrack("track", width=0)])
PLAN = BatchPlan(tracks=8, triplets=16, pool=10).divide(2)


def ids(dataset, part):
    return [row["track_id"] for row in read_tracks(dataset, "train", part=part)]


@pytest.mark.parametrize("of", [2, 3])  # two shards: whole ones, then records of both
def test_every_track_is_in_one_part(synthetic, of):
    whole = ids(synthetic, Part())
    parts = [ids(synthetic, Part(number, of, (0, 0))) for number in range(of)]
    assert sorted(itertools.chain(*parts)) == sorted(whole)
    assert [count_tracks(synthetic, "train", Part(n, of, (0, 0))) for n in range(of)] == [len(part) for part in parts]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_shards_stay_whole_where_they_suffice_and_records_are_dealt_out_anew(synthetic):
    by_shard = [{*ids(synthetic, Part(0, 2, (0, epoch)))} for epoch in range(8)]
    assert len({frozenset(part) for part in by_shard}) == 2
    by_record = [{*ids(synthetic, Part(0, 4, (0, epoch)))} for epoch in range(8)]
    assert len({frozenset(part) for part in by_record}) == 8


@pytest.mark.slow
def test_no_two_replicas_draw_the_same_and_one_seed_gives_one_result(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 40, "valid": 4, "test": 4}, make_track=traced_track)
    form = filled_form(triplet_form(CONDITIONS, PLAN.triplets), PLAN.triplets)
    recent: collections.deque = collections.deque(maxlen=100)

    def batches(parts, steps):
        made = replica_dataset(dataset, "train", CONDITIONS, PLAN, form, 2, 7, parts, 3, recent=recent)
        return [*itertools.islice(made.as_numpy_iterator(), steps)]

    both = batches([Part(0, 2), Part(1, 2)], 8)
    tracks = [{*batch[0]["windows"][:, 0, 0]} for batch in both]
    for first, second in zip(tracks[::2], tracks[1::2]):
        assert not first & second  # band 0 is the track's number
    assert [place for place, _ in recent][:4] == [(3, 0), (3, 0), (3, 1), (3, 1)]  # two steps an epoch, from the third
    alone = batches([Part(1, 2)], 4)  # the same replica in a process of its own, over two epochs
    for mine, theirs in zip(alone, both[1::2], strict=True):
        for value, other in zip([*mine[0].values(), *mine[1:]], [*theirs[0].values(), *theirs[1:]]):
            np.testing.assert_array_equal(value, other)
    direct = next(form_batches(dataset, "train", CONDITIONS, PLAN, form, 7, 3, Part(1, 2)))
    np.testing.assert_array_equal(direct[0]["windows"], alone[0][0]["windows"])


def test_a_batch_is_filled_up_with_triplets_of_no_weight(synthetic):
    conditions = Conditions([SharedTag("genre", weight=2.0), SharedTag("mood")])
    count, seen = 12, 0
    for split in ("valid", "test"):
        drawn = held_batches(synthetic, split, conditions, PLAN, triplet_form(conditions, count), 0)
        filled = held_batches(
            synthetic, split, conditions, PLAN, filled_form(triplet_form(conditions, count), count), 0
        )
        for (inputs, targets, weights), (more, marked, zeroed) in itertools.islice(zip(drawn, filled), 40):
            there = len(targets)
            seen += there < count
            assert marked.shape == zeroed.shape == more["condition"].shape == (count,)
            assert more["triplets"].shape == (count, 3) and more["triplets"].dtype == np.int32
            np.testing.assert_array_equal(more["triplets"][:there], inputs["triplets"])
            np.testing.assert_array_equal(marked, [*targets, *[FILLING] * (count - there)])
            np.testing.assert_array_equal(zeroed, [*weights, *[0] * (count - there)])
            assert marked.dtype == np.int32 and zeroed.dtype == np.float32
    assert seen
