"""The walk from sounds to vectors against a loop over single windows."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.data.signal import AUDIO, LOG_MEL
from dmml_tf.embed.embedder import Embedder, mean_of_windows
from tests.dmml_tf.search.made import tiny_embedding
from tfrecords_tools.features import LogMel

LENGTHS = (130, 50, 129 * 5, 129 * 3 + 128, 0, 258)  # frames


def log_mels() -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [{"log_mel": rng.uniform(0, 2, (frames, 128)).astype(np.float16)} for frames in LENGTHS]


def one_by_one(model: keras.Model, sound: dict, hop: int) -> np.ndarray:
    windows = [LOG_MEL.cut(sound, start) for start in LOG_MEL.starts(sound, hop)]
    return np.concatenate([np.asarray(model(window[None], training=False)) for window in windows])


@pytest.mark.parametrize("batch_size", [1, 4, 5, 64])
@pytest.mark.parametrize("hop", [129, 40])
def test_batches_run_on_across_sounds_of_any_length(batch_size, hop):
    model = tiny_embedding(7)
    embedder = Embedder(model, LogMel(), batch_size)
    vectors = list(embedder.each(log_mels(), None if hop == 129 else hop))
    assert len(vectors) == len(LENGTHS) and embedder.size == 7
    for sound, windows in zip(log_mels(), vectors):
        np.testing.assert_allclose(windows, one_by_one(model, sound, hop), atol=1e-5)
        np.testing.assert_allclose(embedder.windows(sound, hop), windows, atol=1e-6)
        assert windows.dtype == np.float32


def test_a_song_is_the_mean_of_its_windows():
    embedder = Embedder(tiny_embedding(7), LogMel())
    for sound, windows in zip(log_mels(), embedder.each(log_mels())):
        expected = windows.astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(embedder.song(sound), expected, atol=1e-6)
        np.testing.assert_array_equal(mean_of_windows(windows, np.float64), expected)


def test_no_sound_gives_nothing_and_the_network_is_not_called():
    assert list(Embedder(tiny_embedding(7), LogMel()).each([])) == []


def test_sounds_are_read_no_further_than_a_batch_ahead():
    read = []

    def sounds():
        for number in range(40):
            read.append(number)
            yield {"log_mel": np.zeros((258, 128), np.float16)}

    for number, _ in enumerate(Embedder(tiny_embedding(3), LogMel(), 4).each(sounds())):
        assert len(read) <= number + 3


def test_batches_are_no_larger_than_asked_for_and_the_network_is_traced_once(monkeypatch):
    model, traces, shapes = tiny_embedding(7), [], []
    embedder = Embedder(model, LogMel(), 4)
    call = model.call
    monkeypatch.setattr(model, "call", lambda *a, **k: (traces.append(1), call(*a, **k))[1])
    run = embedder._call
    monkeypatch.setattr(embedder, "_call", lambda batch: (shapes.append(len(batch)), run(batch))[1])
    list(embedder.each(log_mels()))
    assert shapes == [4, 4, 4, 1] and len(traces) == 1


def test_the_weights_are_those_of_the_moment():
    model, (sound, *_) = tiny_embedding(7), log_mels()
    embedder = Embedder(model, LogMel())
    before = embedder.song(sound)
    model.set_weights([2 * weights for weights in model.get_weights()])
    np.testing.assert_allclose(embedder.song(sound), one_by_one(model, sound, 129).mean(axis=0), atol=1e-5)
    assert not np.allclose(embedder.song(sound), before)


def test_samples_are_cut_at_the_same_frames():
    inputs = keras.Input((66_150,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    embedder = Embedder(model, LogMel(), 2)
    sound = {"audio": np.random.default_rng(2).integers(-9000, 9000, 129 * 512 * 3, dtype=np.int16)}
    expected = [np.asarray(model(AUDIO.cut(sound, start)[None]))[0] for start in (0, 129, 258)]
    assert embedder.signal.takes_samples
    np.testing.assert_allclose(embedder.windows(sound), expected, atol=1e-4)
