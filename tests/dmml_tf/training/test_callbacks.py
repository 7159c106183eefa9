"""Between epochs: the warning, the spread, and resuming as if nothing had happened."""

import importlib.util
import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from dmml_tf.training.callbacks import (
    NAN_BATCH,
    STATE,
    Checkpoint,
    CollapseWarning,
    EmbeddingSpread,
    EpochBoard,
    EpochLine,
    StopOnNaN,
)
from dmml_tf.training.optimizers import build_optimizer
from dmml_tf.training.schedules import PlateauThenStop
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.trains


@pytest.mark.parametrize(
    "active, d_ap, d_an, warns",
    [
        (1.0, 0.0, 0.0, True),
        (0.99, 0.5, 0.504, True),
        (0.99, 0.6, 0.5, True),
        (0.97, 0.5, 0.5, False),
        (1.0, 0.5, 0.51, False),
        (0.3, 0.2, 0.9, False),
    ],
)
def test_the_warning_fires_on_collapse_alone(active, d_ap, d_an, warns):
    said = []
    CollapseWarning(said.append).on_epoch_end(2, {"active": active, "d_ap": d_ap, "d_an": d_an, "spread": 0.01})
    assert len(said) == warns
    assert all("epoch 3" in line and "collapsed" in line and "\n" not in line for line in said)


def test_the_warning_is_silent_without_triplets():
    said = []
    CollapseWarning(said.append).on_epoch_end(0, {"loss": 1.0})
    assert said == []


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_the_batch_that_breaks_a_training_is_written_down(tmp_path, loss):
    recent = [((1, 7), ["earlier"]), ((2, 6), ["x", "y"]), ((2, 7), ["b", "a"]), ((2, 7), ["a"]), ((2, 8), ["later"])]
    stop = StopOnNaN(tmp_path, recent)
    stop.on_epoch_begin(2)
    stop.on_train_batch_end(6, {"loss": 0.1})
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="epoch 3, step 8: the loss is (nan|inf); the batch's 2 tracks are") as caught:
        stop.on_train_batch_end(7, {"loss": loss})
    assert "\n" not in str(caught.value) and str(tmp_path / NAN_BATCH) in str(caught.value)
    written = json.loads((tmp_path / NAN_BATCH).read_text(encoding="utf-8"))
    assert written == {"epoch": 3, "step": 8, "loss": str(loss), "tracks": ["a", "b"], "tracks_before": ["x", "y"]}


def spread_of(vectors):
    logs = {}
    EmbeddingSpread(lambda windows, training: windows, np.asarray(vectors, np.float32)).on_epoch_end(0, logs)
    return logs["spread"]


def test_spread():
    rng = np.random.default_rng(0)
    assert spread_of(np.ones((50, 16)) * rng.uniform(1, 9, size=(50, 1))) == pytest.approx(0.0, abs=1e-3)
    assert spread_of(rng.normal(size=(2000, 16))) == pytest.approx(1.0, abs=1e-3)
    assert spread_of([[1, 0], [0, 1]]) == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert np.isfinite(spread_of(np.zeros((3, 4))))


def test_the_board_writes_what_keras_s_does_and_makes_no_tensor_of_a_batch_s_figures(tmp_path, monkeypatch):
    passed, whole = [], keras.callbacks.TensorBoard.on_train_batch_end
    monkeypatch.setattr(
        keras.callbacks.TensorBoard,
        "on_train_batch_end",
        lambda self, batch, logs=None: passed.append(logs) or whole(self, batch, logs),
    )
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((8, 1), np.float32)
    tags = []
    for board, folder in (
        (EpochBoard(str(tmp_path / "mine")), "mine"),
        (keras.callbacks.TensorBoard(str(tmp_path / "keras"), profile_batch=0), "keras"),
    ):
        passed.clear()
        # Beside a callback that hears of batches, as a training's do, Keras 2 tells the board of them too.
        other = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        model.fit(x, x, batch_size=2, epochs=3, validation_data=(x, x), verbose=0, callbacks=[board, other])
        assert len(passed) == 12 and all((logs is None) == (folder == "mine") for logs in passed)
        tags.append(
            [
                value.tag
                for file in sorted((tmp_path / folder).rglob("events*"))
                for event in events_of(file)
                for value in event.summary.value
            ]
        )
    assert tags[0] == tags[1] and tags[0].count("epoch_loss") == 6


def events_of(file):
    return [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]


class Killed(Exception):
    pass


class KillAfter(keras.callbacks.Callback):
    """Ends the process's work in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise Killed


def toy(folder, config=None, kill=None, epochs=6, optimizer=("Adam", 0.01)):
    """A small regression that resumes; batches depend on the epoch. Returns weights, history, epochs done before."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(5, activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile(optimizer=build_optimizer(*optimizer), loss="mse", run_eagerly=True)  # tracing would cost more
    schedule = PlateauThenStop(patience=1, divide_by=5.0, drops=3)
    checkpoint = Checkpoint(folder, schedule, config or {"seed": 0})
    done, stopped = checkpoint.restore(model)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(24, 3)).astype(np.float32)
    y = (x.sum(axis=1) + rng.normal(size=24)).astype(np.float32)
    if not stopped:
        model.fit(
            x,
            y,
            batch_size=8,
            shuffle=False,
            validation_data=(x[::-1], -y),
            epochs=epochs,
            initial_epoch=done,
            verbose=0,
            callbacks=[schedule, checkpoint, *([KillAfter(kill)] if kill else [])],
        )
    return model.get_weights(), checkpoint.history, done


needs_addons = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_addons") is None, reason="needs tensorflow-addons"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return toy(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("kill", [1, 4])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, whole, kill):
    weights, history, _ = whole
    with pytest.raises(Killed):
        toy(tmp_path / "killed", kill=kill)
    resumed_weights, resumed_history, done = toy(tmp_path / "killed")
    assert done == kill
    assert [row["epoch"] for row in resumed_history] == [row["epoch"] for row in history]
    for mine, theirs in zip(resumed_history, history):
        assert mine == pytest.approx(theirs, abs=1e-6)
    for mine, theirs in zip(resumed_weights, weights):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert len({row["learning_rate"] for row in history}) > 1  # the schedule was at work


@pytest.mark.parametrize(
    "optimizer",
    [
        *(
            pytest.param(optimizer, marks=needs_addons)
            for optimizer in [("LAMB", 0.01), ("RectifiedAdam", 0.01), ("Adam", 0.01, True)]
        ),
        ("Adam", 0.01, False, True),
    ],
)
def test_other_optimisers_resume_as_if_nothing_had_happened(tmp_path, optimizer):
    weights, history, _ = toy(tmp_path / "whole", epochs=2, optimizer=optimizer)
    with pytest.raises(Killed):
        toy(tmp_path / "killed", kill=1, epochs=2, optimizer=optimizer)
    resumed_weights, resumed_history, done = toy(tmp_path / "killed", epochs=2, optimizer=optimizer)
    assert done == 1
    for mine, theirs in zip(resumed_history, history):
        assert mine == pytest.approx(theirs, abs=1e-6)
    for mine, theirs in zip(resumed_weights, weights):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_a_stopped_training_stays_stopped(tmp_path):
    weights, history, _ = toy(tmp_path, epochs=40)
    assert len(history) < 40
    again, same, done = toy(tmp_path, epochs=40)
    assert done == len(history) and same == history
    for mine, theirs in zip(again, weights):
        np.testing.assert_allclose(mine, theirs, atol=1e-7)


def test_a_checkpoint_of_another_configuration_is_refused_and_kept(tmp_path):
    toy(tmp_path, epochs=1)
    state = (tmp_path / STATE).read_text(encoding="utf-8")
    with pytest.raises(UserError, match="unfinished run of another configuration"):
        toy(tmp_path, config={"seed": 1}, epochs=1)
    assert (tmp_path / STATE).read_text(encoding="utf-8") == state


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_not_finite_stops_training_and_keeps_the_epoch_before(tmp_path, name):
    toy(tmp_path, epochs=1)
    state = (tmp_path / STATE).read_text(encoding="utf-8")
    with pytest.raises(UserError, match=f"epoch 2: {name} is nan; lower config.train.learning_rate"):
        Checkpoint(tmp_path, PlateauThenStop(), {}).on_epoch_end(1, {"loss": 0.5, name: float("nan")})
    assert (tmp_path / STATE).read_text(encoding="utf-8") == state


def test_a_kill_while_saving_leaves_the_epoch_before_whole(tmp_path, whole, monkeypatch):
    with pytest.raises(Killed):
        toy(tmp_path / "killed", kill=3)
    with monkeypatch.context() as patch:

        def full(path, content):
            raise OSError(28, "No space left on device")

        patch.setattr("dmml_tf.training.callbacks.write_json", full)
        with pytest.raises(OSError):
            toy(tmp_path / "killed")
    weights, _history, done = toy(tmp_path / "killed")
    assert done == 3
    for mine, theirs in zip(weights, whole[0]):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_no_checkpoint_means_from_the_start(tmp_path):
    assert Checkpoint(tmp_path / "none", PlateauThenStop(), {}).restore(None) == (0, False)


def test_the_epoch_line_of_a_tag_model_has_no_active_share(capsys):
    line, logs = (
        EpochLine(epochs=1, windows=10),
        {"loss": 0.5, "val_loss": 0.6, "spread": 0.9, "val_genre_accuracy": 0.5, "val_mood_accuracy": 0.75},
    )
    line.on_train_begin()
    line.on_epoch_begin(0)
    line.on_epoch_end(0, logs)
    said = capsys.readouterr().err
    assert "val_accuracy 0.625  spread 0.90" in said and "active" not in said


def test_the_epoch_line_tells_rate_and_time_left(capsys, monkeypatch):
    clock = iter([0.0, 0.0, 2.0, 3.0])  # training begins, epoch begins, validation begins, epoch ends
    monkeypatch.setattr("dmml_tf.training.callbacks.time.monotonic", lambda: next(clock))
    line, logs = (
        EpochLine(epochs=4, windows=100),
        {
            "loss": 0.1,
            "val_loss": 0.2,
            "active": 0.5,
            "spread": 0.9,
            "val_accuracy_genre": 0.6,
            "val_accuracy_mood": 0.8,
        },
    )
    line.on_train_begin()
    line.on_epoch_begin(0)
    line.on_test_begin()
    line.on_epoch_end(0, logs)
    assert logs["windows_per_s"] == 50.0  # validation's second is left out
    assert capsys.readouterr().err == (
        "epoch 1/4  loss 0.1000  val_loss 0.2000  val_accuracy 0.700  active 50%  spread 0.90  50 windows/s  9 s left\n"
    )
