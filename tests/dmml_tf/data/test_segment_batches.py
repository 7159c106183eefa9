"""Batches of songs whose labels change: each window's label at its true place, and batches of other songs as ever."""

import collections
import dataclasses
import hashlib
import itertools

import numpy as np
import pytest
import tensorflow as tf

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.forms import mined_form, tag_form, triplet_form
from dmml_tf.data.pipeline import BatchPlan, held_batches, window_batches
from dmml_tf.data.records import read_tracks
from tests.dmml_tf.data.test_pipeline import CONDITIONS
from tests.segment_oracle import window_share
from tests.synthetic import SEGMENTED_SCHEMA, synthetic_track, write_dataset
from tests.triplet_oracle import is_negative, is_positive

PLAN = BatchPlan(tracks=8, windows=3, triplets=120, pool=24, max_frames=300)
# Of the version before segments, on both stacks.
BEFORE = "c202966db901dc6791883ef09de66eb73b21f590a94497a5ab2ef23e7e4894b3"
TAGS = {name: len(tags) for name, tags in SEGMENTED_SCHEMA.vocabularies.items()}


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    """30 tracks of 10 s, four in five of which change their genre and their tempo in the middle."""
    return write_dataset(tmp_path_factory.mktemp("halved"), {"train": 30}, segments=True)


def drawn(dataset, plan, count, seed=0):
    return list(
        itertools.islice(window_batches(dataset, "train", CONDITIONS, plan, np.random.default_rng(seed)), count)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "pool, variation", [(24, {}), (48, {"speed": 0.25})], ids=["read again and again", "read once, at speeds"]
)
def test_every_window_has_the_label_of_its_place_in_the_song(halved, pool, variation):
    rows = {row["track_id"]: row for row in read_tracks(halved, "train")}
    seen = collections.Counter()
    for windows in drawn(halved, dataclasses.replace(PLAN, pool=pool, variation=variation), 6):
        labels = windows.labels
        for window, track in enumerate(windows.track_ids):
            speed = labels["speed"][window] if variation else 1.0
            for name in SEGMENTED_SCHEMA.segmented:
                said, share = window_share(SEGMENTED_SCHEMA, rows[track], name, int(labels["start"][window]), speed)
                part = int(labels[f"part/{name}"][window])
                assert (part != 0) == (len(rows[track]["segments/start"]) > 0)
                if abs(share - 0.75) < 2e-3:
                    continue
                said = said if share > 0.75 else None
                if name == "tempo":
                    found = labels[name][window]
                    assert np.isnan(found) if said is None else found == pytest.approx(said * speed, rel=1e-6)
                else:
                    assert {int(tag) for tag in labels[name][window] if tag >= 0} == (said or set())
                seen[name, min(part, 2)] += 1
    # Joins, songs of one label, a song's own label, which holds in no half for the genre, and that of a segment.
    assert all(seen["genre", part] > 4 for part in (-1, 0, 2)) and not seen["genre", 1]
    assert all(seen["tempo", part] > 4 for part in (-1, 0, 1, 2))


def test_triplets_of_such_batches_are_valid_and_some_negatives_are_of_the_anchors_song(halved):
    own, total = 0, 0
    rng = np.random.default_rng(1)
    form = triplet_form(CONDITIONS, 120)
    for windows in drawn(halved, PLAN, 8):
        inputs, numbers, _ = form.make(windows, rng)
        for (a, p, n), number in zip(inputs["triplets"].tolist(), numbers.tolist()):
            condition, track = CONDITIONS[number], windows.labels["track"]
            assert is_positive(condition, windows.labels, a, p) and is_negative(condition, windows.labels, a, n)
            own += track[a] == track[n]
            assert track[a] != track[n] or condition.name in ("genre", "tempo")
            total += 1
    assert total > 600 and 0.01 < own / total < 0.3


def test_windows_of_two_halves_learn_two_tags(halved):
    conditions = Conditions([SharedTag("genre", width=4)])
    windows = drawn(halved, PLAN, 1)[0]
    targets = tag_form(conditions, TAGS).make(windows, np.random.default_rng(0))[1]["genre"]
    part = windows.labels["part/genre"]
    assert (targets[part > 1].sum(axis=1) == 1).all() and (part > 1).any()  # a track's own tags are two
    assert (targets[part < 0] == -1).all()


def test_one_label_a_song_where_segments_are_left_out(halved):
    own = {row["track_id"]: row for row in read_tracks(halved, "train")}
    for windows in drawn(halved.without_segments(), PLAN, 2):
        assert not any(name.startswith("part/") for name in windows.labels)
        wanted = [own[track]["values/tempo"] for track in windows.track_ids]
        np.testing.assert_array_equal(windows.labels["tempo"], np.array(wanted))


def choices(dataset, form, plan, batches=3, conditions=CONDITIONS):
    """What a seed's batches hold, without their sound, as bytes."""
    held = itertools.islice(held_batches(dataset, "train", conditions, plan, form, 5), batches)
    return b"".join(np.ascontiguousarray(part).tobytes() for batch in held for part in tf.nest.flatten(batch))


VARIED = {"variation": {"speed": 0.25, "pitch": 2, "mixed": 0.5}, "windows": 4}


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """The same songs twice, none of which has a segment: in data without segments, and in data that could hold them."""
    folder = tmp_path_factory.mktemp("twins")
    return [
        write_dataset(folder / name, {"train": 20}, frames=300, make_track=synthetic_track, segments=segments)
        for name, segments in (("plain", False), ("segmented", True))
    ]


@pytest.mark.parametrize(
    "make, fields",
    [(triplet_form, {}), (triplet_form, VARIED), (mined_form, VARIED), (triplet_form, {"pool": 12})],
    ids=["triplets", "varied", "mined", "stream"],
)
def test_songs_without_segments_give_the_bytes_that_they_give_in_data_without_any(twins, make, fields):
    plain, without = twins
    plan = dataclasses.replace(PLAN, tracks=6, triplets=40, max_frames=200, **fields)
    form = make(CONDITIONS, 40) if make is triplet_form else make(CONDITIONS)
    assert without.schema.segmented and not plain.schema.segmented
    assert choices(plain, form, plan) == choices(without, form, plan)


def test_batches_of_data_without_segments_are_those_of_before_there_were_any(synthetic):
    digest = hashlib.sha256()
    plan = BatchPlan(tracks=8, windows=2, triplets=48, pool=24, max_frames=300)
    stream = held_batches(synthetic, "train", CONDITIONS, plan, triplet_form(CONDITIONS, 48), 7)
    for inputs, condition, _ in itertools.islice(stream, 6):
        digest.update(np.asarray(inputs["triplets"], "<i4").tobytes() + np.asarray(condition, "<i4").tobytes())
        digest.update(np.asarray(inputs["windows"].held, "<f2").tobytes())
    assert digest.hexdigest() == BEFORE


@pytest.mark.parametrize("condition", [SharedTag("genre"), Within("tempo", 5.0)], ids=["genre", "tempo"])
def test_speeds_alone_make_no_pair_of_one_song(synthetic, condition):
    plan = dataclasses.replace(PLAN, windows=4, variation={"speed": 0.5})
    for windows in drawn(synthetic, plan, 3):
        every = np.arange(len(windows.track_ids))
        related = condition.dissimilar(windows.labels, every[:, None], every[None])
        track = windows.labels["track"]
        assert related.any() and not related[track[:, None] == track[None]].any()
