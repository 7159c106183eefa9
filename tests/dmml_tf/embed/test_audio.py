"""A file's embedding against the mean over windows that are cut by hand."""

import numpy as np
import pytest
import soundfile

from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from tests.dmml_tf.search.made import tiny_embedding
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

RATE = 22_050


def melody(seconds: float, rate: int = RATE) -> np.ndarray:
    """float32 [samples], a tone that rises, so that windows differ."""
    time = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 100 * time) * time)).astype(np.float32)


def by_hand(model, samples: np.ndarray) -> np.ndarray:
    log_mel = LogMel().extract(samples).astype(np.float16).astype(np.float32)
    windows = [log_mel[start : start + 129] for start in range(0, len(log_mel) - 128, 129)]
    return np.mean([model(window[None], training=False).numpy()[0] for window in windows], axis=0)


@pytest.mark.parametrize("seconds, batch", [(3.0, 64), (5.9, 64), (21.0, 64), (21.0, 3), (18.2, 2)])
def test_mean_of_the_windows_whatever_the_batch(tmp_path, seconds, batch):
    samples, model = melody(seconds), tiny_embedding(13)
    soundfile.write(tmp_path / "song.wav", samples, RATE, subtype="FLOAT")
    found = embed_audio(tmp_path / "song.wav", Embedder(model, LogMel(), batch))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(model, samples), atol=1e-5)


def test_another_rate_in_stereo_is_nearly_the_same(tmp_path):
    model = tiny_embedding(13)
    soundfile.write(tmp_path / "song.flac", np.stack([melody(9.0, 44_100)] * 2, axis=1), 44_100)
    expected = by_hand(model, melody(9.0))
    np.testing.assert_allclose(
        embed_audio(tmp_path / "song.flac", Embedder(model, LogMel())), expected, atol=0.02 * np.abs(expected).max()
    )


def test_files_that_cannot_be_used(tmp_path):
    (tmp_path / "text.ogg").write_text("not audio")
    soundfile.write(tmp_path / "short.wav", melody(2.5), RATE)
    soundfile.write(tmp_path / "silent.wav", 1e-5 * melody(6.0), RATE)
    wrong = {"none.wav": "not found", "text.ogg": "cannot be decoded", "short.wav": "too short: 2.50", "": "directory"}
    wrong["silent.wav"] = "is silent: nothing in it is louder than -70 LUFS"
    for name, reason in wrong.items():
        with pytest.raises(UserError, match=reason) as caught:
            embed_audio(tmp_path / name, Embedder(tiny_embedding(4), LogMel()))
        assert str(caught.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(caught.value)
