"""The batch contract, end to end: shapes, seeds, epochs, validity by brute force, bad data."""

import collections
import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.forms import explicit_form, triplet_form
from dmml_tf.data.pipeline import BatchPlan, form_batches, held_batches, pipeline_errors, triplet_dataset
from dmml_tf.data.records import label_arrays, read_tracks, repeat_labels
from dmml_tf.data.signal import LOG_MEL
from dmml_tf.data.windows import window_starts
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.objectives.triplets import build_triplet_model
from tests.synthetic import traced_track, write_dataset
from tests.triplet_oracle import is_negative, is_positive
from tfrecords_tools.errors import UserError

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=2),
        SharedTag("mood", width=2),
        SharedTag("instrument", width=2),
        Within("tempo", 5.0, width=2),
        SameTrack("track", width=0, weight=0.5, share=4.0),
    ]
)
PLAN = BatchPlan(tracks=8, windows=2, triplets=48, pool=24)


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Tracks of 700 frames whose first two bands tell track and frame; fewer than a batch wants."""
    folder = tmp_path_factory.mktemp("traced")
    return write_dataset(folder, {"train": 18}, frames=700, make_track=traced_track)


def take(dataset, count, seed=0, epoch=0, conditions=CONDITIONS, plan=PLAN, split="train"):
    form = triplet_form(conditions, plan.triplets, explicit=plan.explicit)
    return list(itertools.islice(form_batches(dataset, split, conditions, plan, form, seed, epoch), count))


def assert_equal_batches(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second):
        tf.nest.map_structure(np.testing.assert_array_equal, a, b)


def test_memory_of_a_batch_that_is_held_is_not_written_over(traced):
    form = triplet_form(CONDITIONS, PLAN.triplets)

    def sounds():
        for inputs, _, _ in itertools.islice(held_batches(traced, "train", CONDITIONS, PLAN, form, 3), 12):
            yield inputs["windows"].held

    one_by_one = [held.copy() for held in sounds()]
    np.testing.assert_array_equal(list(sounds()), one_by_one)


def windows_of(batches):
    return np.concatenate([inputs["windows"] for inputs, _, _ in batches])


def test_the_batch_contract(synthetic):
    for inputs, targets, weights in take(synthetic, 3):
        assert set(inputs) == {"windows", "triplets", "condition"}
        assert inputs["windows"].shape == (16, 129, 128) and inputs["windows"].dtype == np.float32
        # Fewer than asked for where a condition has no valid triplet among the batch's eight tracks.
        count = len(inputs["triplets"])
        assert 30 <= count <= 48
        assert inputs["triplets"].shape == (count, 3) and inputs["triplets"].dtype == np.int32
        assert inputs["triplets"].min() >= 0 and inputs["triplets"].max() < 16
        assert inputs["condition"].shape == (count,) and inputs["condition"].dtype == np.int32
        np.testing.assert_array_equal(targets, inputs["condition"])
        assert weights.dtype == np.float32
        np.testing.assert_array_equal(weights, [0.5 if c == 4 else 1.0 for c in targets])


def test_the_dataset_gives_the_same_batches_for_fit(synthetic):
    dataset = triplet_dataset(synthetic, "train", CONDITIONS, PLAN, steps=2, seed=3)
    assert int(dataset.cardinality()) == 2
    assert_equal_batches(list(dataset.as_numpy_iterator()), take(synthetic, 2, seed=3))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [{"equaliser_db": 6.0, "gain_db": 3.0}, {"equaliser_db": 6.0, "variation": {"speed": 0.2}}, {"explicit": True}],
    ids=["gains", "varied", "explicit"],
)
def test_threads_that_play_windows_change_nothing(synthetic, fields, monkeypatch):
    plan = dataclasses.replace(PLAN, **fields)
    expected = take(synthetic, 6, seed=3, plan=plan)
    for workers in (1, 4):
        monkeypatch.setattr("dmml_tf.data.pipeline.WORKERS", workers)
        dataset = triplet_dataset(synthetic, "train", CONDITIONS, plan, steps=6, seed=3)
        batches = list(dataset.as_numpy_iterator())
        assert_equal_batches([batch[1:] for batch in batches], [batch[1:] for batch in expected])
        np.testing.assert_allclose(windows_of(batches), windows_of(expected), atol=1e-6)
        assert batches[0][0]["windows"].dtype == np.float32
        for name in ("triplets", "condition"):
            for (found, _, _), (wanted, _, _) in zip(batches, expected):
                np.testing.assert_array_equal(found[name], wanted[name])


def test_gains_are_the_only_change_of_a_batch(synthetic):
    plain = take(synthetic, 1)[0][0]["windows"]
    heard = take(synthetic, 1, plan=dataclasses.replace(PLAN, equaliser_db=6.0))[0][0]["windows"]
    ratio = (np.power(10.0, heard) - 1)[plain > 0.1] / (np.power(10.0, plain) - 1)[plain > 0.1]
    decibels = 20 * np.log10(ratio)
    assert 3 < np.abs(decibels).max() < 6.1


def test_no_thread_of_tf_data_tunes_what_is_fixed(synthetic):
    # An iterator that is dropped waits for that thread, for half a minute at times.
    assert triplet_dataset(synthetic, "train", CONDITIONS, PLAN, steps=2, seed=3).options().autotune.enabled is False


def test_seed_and_epoch_decide(synthetic):
    batches = take(synthetic, 3, seed=1, epoch=2)
    assert_equal_batches(batches, take(synthetic, 3, seed=1, epoch=2))
    for other in (take(synthetic, 3, seed=1, epoch=3), take(synthetic, 3, seed=2, epoch=2)):
        assert not np.array_equal(windows_of(batches), windows_of(other))


@pytest.mark.slow
def test_a_resumed_epoch_is_that_of_an_uninterrupted_training(synthetic):
    whole = triplet_dataset(synthetic, "train", CONDITIONS, PLAN, 2, seed=0)
    epochs = [list(whole.as_numpy_iterator()) for _ in range(3)]
    resumed = triplet_dataset(synthetic, "train", CONDITIONS, PLAN, 2, seed=0, first_epoch=1)
    assert_equal_batches(epochs[1], list(resumed.as_numpy_iterator()))
    assert_equal_batches(epochs[2], list(resumed.as_numpy_iterator()))
    assert not np.array_equal(windows_of(epochs[0]), windows_of(epochs[1]))


def test_validation_is_the_same_every_epoch(synthetic):
    dataset = triplet_dataset(synthetic, "valid", CONDITIONS, PLAN, 2, seed=0, same_every_epoch=True)
    assert_equal_batches(list(dataset.as_numpy_iterator()), list(dataset.as_numpy_iterator()))


def source(window):
    """(track, frame) that a traced window was cut from."""
    assert (np.diff(window[:, 1]) == 1).all() and (window[:, 0] == window[0, 0]).all()
    return int(window[0, 0]), int(window[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("max_frames", [300, 1292], ids=["cut", "whole"])
def test_ten_thousand_triplets_are_valid(traced, max_frames):
    """By brute force, from the windows' own content: twice 10,000 triplets, each song in the pool more than once."""
    rows = list(read_tracks(traced, "train"))
    numbers = {int(row["log_mel"][0, 0]): n for n, row in enumerate(rows)}
    truth = label_arrays(traced.schema, rows)
    # More tracks a batch than there are: the pool holds songs twice, cut at different places.
    plan = BatchPlan(tracks=48, windows=2, triplets=500, pool=64, max_frames=max_frames)
    seen = collections.Counter()
    for inputs, _, _ in take(traced, 20, plan=plan):
        cut_from = [source(window) for window in inputs["windows"]]
        items, starts = np.array([numbers[track] for track, _ in cut_from]), np.array([s for _, s in cut_from])
        labels = repeat_labels(truth, items, starts)
        for (a, p, n), number in zip(inputs["triplets"].tolist(), inputs["condition"].tolist()):
            assert is_positive(CONDITIONS[number], labels, a, p), (CONDITIONS[number].name, cut_from[a], cut_from[p])
            assert is_negative(CONDITIONS[number], labels, a, n), (CONDITIONS[number].name, cut_from[a], cut_from[n])
            seen[number] += 1
    assert sum(seen.values()) == 10_000 and min(seen[c] for c in range(5)) > 1000


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("spare", [0, 1, 7, 64, 500])
def test_windows_lie_half_a_window_apart(count, spare):
    frames = 129 + 65 * (count - 1) + spare
    drawn = []
    for seed in range(40):
        starts = window_starts(frames, count, np.random.default_rng(seed))
        assert len(starts) == count and starts.min() >= 0 and starts.max() <= frames - 129
        assert (np.diff(np.sort(starts)) >= 65).all()
        drawn.append(tuple(starts))
    if not spare:
        assert {tuple(sorted(starts)) for starts in drawn} == {tuple(65 * n for n in range(count))}
    if count > 1 or spare:
        assert len(set(drawn)) > 1  # drawn, and in no fixed order


@pytest.mark.parametrize("frames", [1, 128, 129, 193])
def test_windows_of_a_track_without_room_are_drawn_freely(frames):
    starts = np.concatenate([window_starts(frames, 2, np.random.default_rng(seed)) for seed in range(400)])
    assert set(starts) == set(range(max(frames - 129, 0) + 1))


def test_a_short_track_is_filled_with_silence():
    log_mel = np.ones((100, 128), np.float16)
    window = LOG_MEL.cut({"log_mel": log_mel}, 0)
    assert window.shape == (129, 128) and window.dtype == np.float32
    assert (window[:100] == 1).all() and (window[100:] == 0).all()
    longer = {"log_mel": np.arange(300)[:, None] * np.ones((1, 128))}
    np.testing.assert_array_equal(LOG_MEL.cut(longer, 171)[:, 5], range(171, 300))


def test_short_tracks_train_without_track_triplets(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 12}, frames=100)
    for inputs, targets, _ in take(dataset, 3):
        assert inputs["windows"].shape == (16, 129, 128) and not inputs["windows"][:, 100:].any()
        assert 4 not in targets and 0 in targets


@pytest.mark.parametrize("tracks", [2, 3, 7])
def test_any_number_of_tracks(synthetic, tracks):
    plan = dataclasses.replace(PLAN, tracks=tracks)
    assert all(len(inputs["windows"]) == 2 * tracks for inputs, _, _ in take(synthetic, 3, plan=plan))


def toy_embedding():
    inputs = keras.Input((129, 128))
    x = keras.layers.GlobalAveragePooling1D()(inputs)
    return keras.Model(inputs, keras.layers.Dense(8)(keras.layers.BatchNormalization()(x)))


@pytest.mark.parametrize("norm_order", ["mask_then_norm", "norm_then_mask"])
def test_the_papers_explicit_form_has_the_same_loss(synthetic, norm_order):
    model = build_triplet_model(toy_embedding(), CONDITIONS, norm_order=norm_order)
    (inputs, targets, _), hinge = take(synthetic, 1)[0], TripletHinge()
    explicit, count = explicit_form(inputs), len(inputs["triplets"])
    assert explicit["windows"].shape == (3 * count, 129, 128) and explicit["triplets"].dtype == np.int32
    assert sorted(explicit["triplets"].ravel()) == list(range(3 * count))
    distances = [np.asarray(model(form, training=False)) for form in (inputs, explicit)]
    np.testing.assert_allclose(*distances, atol=1e-5)
    assert float(hinge(targets, distances[0])) == pytest.approx(float(hinge(targets, distances[1])), abs=1e-5)
    assert float(hinge(targets, distances[0])) > 0


def test_data_without_a_valid_triplet_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("dmml_tf.data.pipeline.PATIENCE", 3)
    dataset = write_dataset(tmp_path, {"train": 1}, shards=1)
    with pytest.raises(UserError, match="split 'train' gives no valid triplet for any of genre, track") as caught:
        take(dataset, 1, conditions=Conditions([CONDITIONS[0], CONDITIONS[4]]))
    assert "\n" not in str(caught.value)


def test_an_empty_split_is_one_line(synthetic):
    with pytest.raises(UserError, match="split 'holdout' holds no track"):
        take(synthetic, 1, split="holdout")


def test_a_truncated_shard_is_one_line(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 12})
    path = dataset.files("train")[0]
    content = open(path, "rb").read()
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
    with pytest.raises(UserError, match="split 'train'.*cut short.*build the dataset again") as caught:
        take(dataset, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fields", [{"tracks": 1}, {"windows": 0}, {"triplets": 0}, {"max_frames": 128}])
def test_a_batch_that_cannot_be_is_refused(fields):
    with pytest.raises(UserError, match="a batch needs 2 tracks, 1 window, 1 triplet and 129 frames"):
        BatchPlan(**fields)


def test_a_truncated_shard_is_the_same_line_through_tf_data(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 12}, shards=1)
    path = dataset.files("train")[0]
    with open(path, "r+b") as file:
        file.truncate(20_000)
    with (
        pytest.raises(UserError, match="split 'train'.*cut short.*build the dataset again") as caught,
        pipeline_errors(),
    ):
        next(iter(triplet_dataset(dataset, "train", CONDITIONS, PLAN, steps=2, seed=0)))
    assert "\n" not in str(caught.value)


def failing(message):
    def generate():
        yield 1
        raise UserError(message)

    return tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec((), tf.int32))


def test_a_user_error_comes_back_from_tf_data():
    with pytest.raises(UserError) as caught, pipeline_errors():
        list(failing("a shard is cut short: build the dataset again").as_numpy_iterator())
    assert str(caught.value) == "a shard is cut short: build the dataset again"


def test_other_errors_of_tf_data_are_left_alone():
    with pytest.raises(tf.errors.InvalidArgumentError), pipeline_errors():
        tf.reshape(tf.zeros(3), (2, 2))
