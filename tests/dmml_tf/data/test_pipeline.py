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
from dmml_tf.data.pipeline import BatchPlan, form_batches, pipeline_errors, triplet_dataset
from dmml_tf.data.records import label_arrays, read_tracks, repeat_labels
from dmml_tf.data.signal import AUDIO, LOG_MEL
from dmml_tf.data.windows import vary, window_starts
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


def test_the_equaliser_equals_a_gain_on_the_magnitudes():
    rng = np.random.default_rng(0)
    magnitudes = rng.uniform(0, 3, (5, 129, 128))
    windows = np.log10(1 + 10 * magnitudes).astype(np.float32)
    heard = vary(windows, 6.0, 0.0, np.random.default_rng(1), LOG_MEL)
    gains = (np.power(10.0, heard) - 1) / 10 / magnitudes
    decibels = 20 * np.log10(gains)
    assert heard.dtype == np.float32 and heard.shape == windows.shape
    assert np.abs(decibels).max() <= 6.01
    # One gain a band, the same at every frame, along a straight line; another for each window.
    np.testing.assert_allclose(decibels, np.broadcast_to(decibels[:, :1], decibels.shape), atol=0.02)
    np.testing.assert_allclose(np.diff(decibels[:, 0], n=2), 0, atol=0.03)
    assert len(np.unique(np.round(decibels[:, 0, 0], 3))) == 5
    np.testing.assert_array_equal(vary(windows[:0], 6.0, 0.0, rng, LOG_MEL), windows[:0])


@pytest.mark.parametrize("signal", [LOG_MEL, AUDIO], ids=["log-mel", "samples"])
@pytest.mark.parametrize("equaliser_db", [0.0, 6.0])
def test_a_window_is_made_louder_or_softer_as_a_whole(signal, equaliser_db):
    rng = np.random.default_rng(0)
    magnitudes = np.abs(rng.normal(0, 1, (40, *signal.shape)))
    windows = np.log10(1 + 10 * magnitudes) if signal is LOG_MEL else magnitudes - magnitudes.mean()
    windows = windows.astype(np.float32)
    heard = vary(windows, equaliser_db, 12.0, np.random.default_rng(1), signal)
    alone = vary(windows, equaliser_db, 0.0, np.random.default_rng(1), signal)  # the same draws, and no gain after them
    assert heard.dtype == np.float32 and heard.shape == windows.shape
    linear = [np.power(10.0, x) - 1 if signal is LOG_MEL else x for x in (heard, alone)]
    gains = np.array([(a * b).sum() / (b * b).sum() for a, b in zip(*linear)])  # least squares: one a window
    np.testing.assert_allclose(
        linear[0], gains.reshape(-1, *[1] * (windows.ndim - 1)) * linear[1], rtol=0.02, atol=0.02
    )
    decibels = 20 * np.log10(gains)
    assert -12 <= decibels.min() < -9 and 9 < decibels.max() <= 12 and abs(decibels.mean()) < 4


def test_without_limits_nothing_is_drawn_or_changed():
    windows, rng = np.ones((2, 129, 128), np.float32), np.random.default_rng(0)
    assert vary(windows, 0.0, 0.0, rng, LOG_MEL) is windows
    assert rng.random() == np.random.default_rng(0).random()


def test_gains_leave_silence_silent():
    assert not vary(np.zeros((2, 129, 128), np.float32), 6.0, 12.0, np.random.default_rng(0), LOG_MEL).any()
