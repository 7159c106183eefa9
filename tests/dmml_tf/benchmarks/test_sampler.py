"""The sampler's targets, in small: no invalid triplet, shares as asked, coverage, rare tags, any vocabulary."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.benchmarks import sampler as bench_sampler
from dmml_tf.benchmarks.brute_force import BruteForce, count_alone
from dmml_tf.benchmarks.made_labels import TagMakeUp, even, label_batches, made_tracks
from dmml_tf.benchmarks.sampler import (
    MSD,
    PAPER,
    epoch_steps,
    measure_dataset,
    measure_made,
    passed_over,
    rare_tag,
    time_vocabularies,
)
from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag, Within
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.records import repeat_labels
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.tracks import TrackRow

PLAN = BatchPlan(tracks=24, windows=2, triplets=512, pool=256)
CONDITIONS = Conditions(
    [
        SharedTag("genre"),
        SharedTag("artist"),
        Within("tempo", 5.0),
        SameTrack("track", width=0, share=3.0),
    ]
)


def test_a_dataset_by_brute_force(synthetic):
    octaves = Within("octaves", 3.0, column="tempo", octave=True)
    conditions = Conditions([*CONDITIONS, octaves])
    found = measure_dataset(synthetic, "train", conditions, dataclasses.replace(PLAN, tracks=12), least=500)
    assert found["steps_an_epoch"] == 7
    for name, one in found["conditions"].items():
        assert one["invalid"] == 0 and one["triplets"] >= 500
        assert one["share"] == pytest.approx(one["asked"], abs=0.02)
        assert one["tagged"] == (32 if name in ("tempo", "octaves") else 40) and one["anchors"] <= one["tagged"]


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    """40 tracks, four in five of which change their genre and their tempo in the middle."""
    return write_dataset(tmp_path_factory.mktemp("halved"), {"train": 40}, frames=300, segments=True)


def measured(dataset):
    plan = dataclasses.replace(PLAN, tracks=12, triplets=256)
    return measure_dataset(dataset, "train", CONDITIONS, plan, least=300)["conditions"]


def test_songs_whose_labels_change_by_brute_force(halved):
    found = measured(halved)
    for name, one in found.items():
        assert one["invalid"] == 0 and one["share"] == pytest.approx(one["asked"], abs=0.04)
        # Of the 172 starts in a track that changes, 65 give a window between both halves; pairs lie apart, so fewer.
        low, high = (0.1, 0.8 * 65 / 172) if name in ("genre", "tempo") else (0, 0)
        assert low <= one["between_labels"] <= high
        assert one["anchors"] >= 0.9 * one["tagged"] and one["tagged"] == (32 if name == "tempo" else 40)


def test_labels_of_songs_in_place_of_their_parts_would_be_found(halved, monkeypatch):
    def own(labels, rows, segmented, items, start, *_):
        return repeat_labels(labels, items, start)

    monkeypatch.setattr("dmml_tf.data.pipeline.label_windows", own)
    found = measured(halved)
    # Two genres of three a song leave no two songs apart; half of the windows are not of their song's own tempo.
    assert found["genre"]["triplets"] == found["artist"]["invalid"] == found["track"]["invalid"] == 0
    assert found["tempo"]["invalid"] > 0.05 * found["tempo"]["triplets"]


def test_a_kind_without_a_rule_here_is_refused():
    truth, place = BruteForce({}), ("a", 0)
    with pytest.raises(UserError, match="no rule for kind 'judged'; it checks: shared_tag, within"):
        truth.valid(Judged("votes"), place, place, place)


def test_a_wrong_triplet_would_be_found(synthetic, monkeypatch):
    draw = bench_sampler.draw_batch

    def swapped(*arguments):
        triplets, numbers = draw(*arguments)
        triplets[::10] = triplets[::10, [0, 2, 1]]
        return triplets, numbers

    monkeypatch.setattr(bench_sampler, "draw_batch", swapped)
    found = measure_dataset(synthetic, "train", CONDITIONS, dataclasses.replace(PLAN, tracks=12), least=200)
    total, invalid = (sum(one[key] for one in found["conditions"].values()) for key in ("triplets", "invalid"))
    assert invalid == pytest.approx(0.1 * total, rel=0.05)


@pytest.fixture(scope="module")
def sparse():
    """An epoch of 600 made tracks whose tags are as sparse as the Million Song Dataset's."""
    return measure_made(MSD, 600, dataclasses.replace(PLAN, pool=512))


@pytest.mark.parametrize("name", PAPER.names)
def test_shares_and_coverage_hold_where_few_tracks_carry_a_tag(sparse, name):
    one = sparse[name]
    assert one["share"] == pytest.approx(one["asked"], abs=0.02)
    assert one["anchors"] >= 0.95 * (one["tagged"] - one["alone"]) and one["alone"] < 0.1 * one["tagged"]
    assert 60 < one["tagged"] < 120 or name not in ("mood", "instrument")


@pytest.mark.parametrize("seed", range(2))
def test_a_tag_of_one_percent_gets_its_triplets(seed):
    one = measure_made(rare_tag(), 600, PLAN, seed=seed)["genre"]
    assert 2 <= one["rare_tracks"] <= 12 and one["rare_anchors"] >= 0.8 * one["rare_tracks"]
    assert one["rare_triplets"] > 0.6 * one["rare_expected"]


def test_time_does_not_depend_on_the_vocabulary():
    spent = time_vocabularies(PLAN, tracks=300, batches=12)
    assert list(spent) == [10, 100, 1_000, 10_000] and max(spent.values()) < 2 * min(spent.values())


def test_an_epoch_begins_where_the_stream_begins_anew():
    rng = np.random.default_rng(0)
    schema, rows = made_tracks(100, {"genre": TagMakeUp(even(3))}, rng)
    plan = BatchPlan(tracks=20, windows=2, pool=40)
    stream = label_batches(schema, rows, Conditions([CONDITIONS[0]]), plan, rng)
    for _ in range(passed_over(100, plan)):
        next(stream)
    new = [track for _ in range(epoch_steps(100, plan)) for track in next(stream)[1][:20:2]]
    assert len(new) == 100 and len(set(new)) == 100


def test_made_tracks_are_as_asked():
    schema, rows = made_tracks(
        3_000, {"genre": TagMakeUp([0.1, 0.9], 0.5, each=2), "mood": TagMakeUp(even(4))}, np.random.default_rng(0)
    )
    assert schema.vocabularies == {"genre": ("0", "1"), "mood": ("0", "1", "2", "3")} and schema.values == ("tempo",)
    tagged = [row["tags/genre"].tolist() for row in rows if len(row["tags/genre"])]
    assert len(tagged) == pytest.approx(1_500, abs=100) and [1, 1] not in tagged
    assert np.mean([0 in tags for tags in tagged]) == pytest.approx(0.19, abs=0.03)
    assert min(float(row["values/tempo"]) for row in rows) >= 60


def row(track, genre=(), artist="", tempo=float("nan")):
    return TrackRow(2, track, "", artist, "train", 10.0, {"genre": genre}, {"tempo": tempo})


TRUTH = BruteForce(
    {
        one.track_id: one
        for one in (
            row("a", ("folk", "jazz"), "x", 90.0),
            row("b", ("jazz",), "x", 95.0),
            row("c", ("rock",), "y", 95.5),
            row("d"),
        )
    }
)


@pytest.mark.parametrize(
    "condition, anchor, positive, negative, valid",
    [
        (0, ("a", 0), ("b", 0), ("c", 0), True),
        (0, ("a", 0), ("c", 0), ("b", 0), False),
        (0, ("a", 0), ("a", 99), ("c", 0), False),
        (0, ("a", 0), ("b", 0), ("d", 0), False),
        (0, ("d", 0), ("b", 0), ("c", 0), False),
        (0, ("a", 0), ("b", 0), ("a", 99), False),
        (1, ("a", 0), ("b", 0), ("c", 0), True),
        (1, ("a", 0), ("b", 0), ("d", 0), False),
        (2, ("a", 0), ("b", 0), ("c", 0), True),
        (2, ("b", 0), ("c", 0), ("a", 0), False),
        (2, ("a", 0), ("b", 0), ("d", 0), False),
        (2, ("a", 0), ("c", 0), ("b", 0), False),
        (3, ("a", 0), ("a", 65), ("b", 0), True),
        (3, ("a", 0), ("a", 64), ("b", 0), False),
        (3, ("a", 0), ("b", 65), ("c", 0), False),
        (3, ("a", 0), ("a", 65), ("a", 0), False),
    ],
)
def test_brute_force_says_what_the_paper_says(condition, anchor, positive, negative, valid):
    assert TRUTH.valid(CONDITIONS[condition], anchor, positive, negative) == valid
    assert [TRUTH.labelled(one, "d") for one in CONDITIONS] == [False, False, False, True]


def test_who_is_alone_can_never_be_an_anchor():
    assert count_alone([{1, 2}, {2}, {3}, set(), {4, 5}, set()]) == 2
    assert [TRUTH.alone(one) for one in CONDITIONS] == [1, 1, 0, 0]
