"""Each signature of the exported model against the Python path that index and search take."""

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from dmml_tf.data.signal import LOG_MEL
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.serving.export import export_saved_model
from dmml_tf.serving.graph import WINDOWS_HOP, ServedGraph
from dmml_tf.serving.loudness import integrated_power, level
from tests.dmml_tf.search.made import tiny_embedding
from tests.dmml_tf.serving.made import (
    CONDITIONS,
    RATE,
    assert_same,
    outputs_of,
    songs,
    stereo,
    wav_bytes,
    with_subspaces,
)
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.slow


def python_windows(model, song: np.ndarray, hop: int) -> np.ndarray:
    """float32 [windows, size]: as records are made and embedded."""
    log_mel = LogMel().extract(song).astype(np.float16)
    sound = {"log_mel": log_mel}
    windows = np.stack([LOG_MEL.cut(sound, start) for start in LOG_MEL.starts(sound, hop)])
    return with_subspaces(model, windows)["embedding"]


# 3 s less a millisecond; one window; nearly two; two; 7 s; samples that end within a hop.
@pytest.mark.parametrize("samples", [66_128, 66_150, 132_095, 132_096, 154_350, 140_001])
def test_audio_of_any_length_has_the_mean_of_its_whole_windows(exported, samples):
    audio = songs()[:, :samples]
    expected = outputs_of(np.stack([python_windows(exported.model, song, 129).mean(axis=0) for song in audio]))
    assert np.ptp(expected["embedding"], axis=0).max() > 0.01  # the sounds are told apart
    assert_same(exported.signatures["serving_default"](audio=tf.constant(audio)), expected)


def test_what_is_left_at_the_end_is_dropped(exported):
    serve = exported.signatures["serving_default"]
    louder = songs()[:, :100_000].copy()
    louder[:, 67_000:] *= 3.0
    assert_same(
        serve(audio=tf.constant(louder)),
        {k: v.numpy() for k, v in serve(audio=tf.constant(songs()[:, :100_000])).items()},
        1e-6,
    )


def test_log_mels_and_windows(exported):
    log_mel = np.stack([LogMel().extract(song)[:129] for song in songs()])
    assert_same(
        exported.signatures["embed_log_mel"](log_mel=tf.constant(log_mel)), with_subspaces(exported.model, log_mel)
    )
    found = exported.signatures["embed_windows"](audio=tf.constant(songs()))
    assert found["genre"].shape == (4, 1 + (301 - 129) // WINDOWS_HOP, 8)
    for row, song in enumerate(songs()):
        assert_same(
            {name: array[row] for name, array in found.items()},
            outputs_of(python_windows(exported.model, song, WINDOWS_HOP)),
        )


def test_files_of_different_rates_channels_and_lengths_in_one_batch(exported, tmp_path):
    files = {
        "mono22.wav": (songs()[0, :100_000], RATE),
        "stereo48.wav": (stereo(), 48_000),
        "stereo44.wav": (stereo()[:200_000], 44_100),
        "high.wav": (stereo(), 96_000),
        "low.wav": (songs()[0, :40_000], 8_000),
        "three.wav": (np.repeat(stereo()[:150_000, :1], 3, axis=1), 32_000),
        "16.wav": (songs()[0], 16_000),
        "odd.wav": (stereo()[:150_000], 44_101),
        "deep.wav": (stereo()[:150_000], 44_100, "PCM_24"),
        "float.wav": (stereo()[:150_000], 44_100, "FLOAT"),
        "inverted.wav": (stereo()[:150_000, :1] * [1, -1], 44_100),
        "left.wav": (stereo()[:150_000] * [1, 0], 44_100),
        "six.wav": (stereo()[:150_000, [0, 1, 0, 1, 1, 0]] * [1, 1, 0.3, 0.3, 0.5, 0.2], 48_000),
    }
    expected = []
    for name, (samples, rate, *subtype) in files.items():
        soundfile.write(tmp_path / name, samples, rate, *(subtype or ["PCM_16"]))
        expected.append(embed_audio(tmp_path / name, Embedder(exported.model, LogMel())))
    contents = [(tmp_path / name).read_bytes() for name in files]
    found = exported.signatures["embed_wav"](wav=tf.constant(contents))
    assert_same(found, outputs_of(np.stack(expected)))


def test_a_batch_of_one_and_of_64_alike(exported):
    audio = np.concatenate([songs()[:, :70_000] * level for level in np.linspace(0.1, 1.0, 16, dtype=np.float32)])
    serve = exported.signatures["serving_default"]
    together = {name: array.numpy() for name, array in serve(audio=tf.constant(audio)).items()}
    assert together["embedding"].shape == (64, 12) and np.isfinite(together["genre"]).all()
    for row in (0, 17, 63):
        assert_same(
            serve(audio=tf.constant(audio[row : row + 1])), {k: v[row : row + 1] for k, v in together.items()}, 1e-5
        )


def test_more_windows_than_are_embedded_at_a_time(exported):
    graph = ServedGraph(exported.model, CONDITIONS, LogMel())
    windows = np.random.default_rng(0).uniform(0, 1.5, (131, 129, 128)).astype(np.float32)
    np.testing.assert_allclose(graph._embed(tf.constant(windows)), exported.model(windows, training=False), atol=1e-5)


@pytest.mark.parametrize("signature", ["serving_default", "embed_windows"])
def test_audio_under_3_s(exported, signature):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"audio is too short: 2.99 s, at least 3 s"):
        exported.signatures[signature](audio=tf.zeros([2, 65_950]))


@pytest.mark.parametrize(
    "content, message",
    [
        (wav_bytes(songs()[0, :60_000], RATE), "is too short: 2.72 s"),
        (wav_bytes(songs()[0, :70_000], 500), "has a header that says 500 Hz"),
        (wav_bytes(songs()[0], RATE, subtype="ALAW"), "holds samples of format 6"),
        (b"not a sound", "is no WAV file"),
        (wav_bytes(songs()[0], RATE)[:1000], "is too short: 0.02 s"),
        (wav_bytes(songs()[0] * 30_000, RATE, subtype="FLOAT"), "holds .*: audio is finite and lies in -1..1; divide"),
        (wav_bytes(0 * songs()[0], RATE), "is silent: nothing in it is louder than -70 LUFS"),
        (wav_bytes(np.where(songs()[0] > 0.1, np.nan, 0), RATE, subtype="DOUBLE"), "holds nan: audio is finite"),
        (wav_bytes(np.where(songs()[0] > 0.1, 1e300, 0), RATE, subtype="DOUBLE"), "holds inf: audio is finite"),
    ],
    ids=["short", "rate", "A-law", "text", "cut", "integers as floats", "silence", "NaN", "beyond float32"],
)
def test_files_that_are_refused(exported, content, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"assertion failed: \[wav\[1\] {message}"):
        exported.signatures["embed_wav"](wav=tf.constant([wav_bytes(songs()[0], RATE), content]))


@pytest.mark.parametrize("signature", ["serving_default", "embed_windows"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 101.0, -32_768.0])
def test_samples_that_are_no_audio(exported, signature, value):
    audio = songs()[:3, :70_000].copy()
    audio[1, 69_000] = value
    audio[2, 3] = np.nan
    line = rf"assertion failed: \[audio\[1\] holds {value:g}: audio is finite and lies in -1..1; divide 16-bit numbers"
    with pytest.raises(tf.errors.InvalidArgumentError, match=line):
        exported.signatures[signature](audio=tf.constant(audio))


@pytest.mark.parametrize("signature", ["serving_default", "embed_windows"])
@pytest.mark.parametrize("silence", [0.0, 2e-4])
def test_silence_is_no_song(exported, signature, silence):
    audio = songs()[:3, :70_000] * np.array([[1.0], [silence], [0.0]], np.float32)
    line = r"assertion failed: \[audio\[1\] is silent: nothing in it is louder than -70 LUFS\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=line):
        exported.signatures[signature](audio=tf.constant(audio))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 4.5])
def test_log_mels_that_no_audio_has(exported, value):
    log_mel = np.stack([LogMel().extract(song)[:129] for song in songs()[:3]])
    log_mel[2, 128, 127] = value
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=rf"assertion failed: \[log_mel\[2\] holds {value:g}: .* lie in 0..4.4; send",
    ):
        exported.signatures["embed_log_mel"](log_mel=tf.constant(log_mel))


def test_the_loudest_audio_is_within_the_bounds_of_log_mels(exported):
    tone = 100.0 * np.sin(2 * np.pi * 43.066 * np.arange(70_000) / RATE).astype(np.float32)
    assert LogMel().extract(tone).max() > 3.5
    exported.signatures["embed_log_mel"](log_mel=tf.constant(LogMel().extract(tone)[None, :129]))
    exported.signatures["serving_default"](audio=tf.constant(tone[None]))


def test_an_empty_batch(exported):
    assert exported.signatures["serving_default"](audio=tf.zeros([0, 70_000]))["embedding"].shape == (0, 12)


def test_each_song_of_a_batch_is_brought_to_the_chains_loudness_and_silence_left():
    chain = LogMel(loudness=-16.0)
    batch = songs() * np.float32([[0.05], [1.0], [2.0], [0.0]])  # the last is silent
    found = level(tf.constant(batch), integrated_power(tf.constant(batch), chain), chain).numpy()
    for song, levelled in zip(batch[:3], found):
        np.testing.assert_allclose(levelled, song * chain.gain_of(chain.measure_loudness([song])), rtol=1e-4, atol=1e-6)
        assert LogMel().measure_loudness([levelled]) == pytest.approx(-16, abs=1e-3)
    assert not found[3].any()
    faint = tf.constant(1e-4 * songs()[:1])  # below the absolute gate
    np.testing.assert_array_equal(level(faint, integrated_power(tf.constant(faint), chain), chain), faint)
    audio = tf.constant(songs())
    assert level(audio, tf.ones(len(audio)), LogMel()) is audio


def test_a_loudness_is_levelled_in_the_exported_model_as_in_the_python_path(tmp_path):
    model, chain = tiny_embedding(CONDITIONS.size), LogMel(loudness=-16.0)
    path = export_saved_model(model, CONDITIONS, chain, tmp_path / "dmml")
    serve = tf.saved_model.load(str(path)).signatures
    embedder = Embedder(model, chain)
    files = [tmp_path / f"{gain}.wav" for gain in (0.1, 0.5, 1.0)]
    for gain, file in zip((0.1, 0.5, 1.0), files):
        soundfile.write(file, gain * songs()[0], RATE, subtype="PCM_16")
    expected = outputs_of(np.stack([embed_audio(file, embedder) for file in files]))
    assert_same(serve["embed_wav"](wav=tf.constant([file.read_bytes() for file in files])), expected)
    audio = np.stack([soundfile.read(file, dtype="float32")[0] for file in files])
    assert_same(serve["serving_default"](audio=tf.constant(audio)), expected)
    for name, part in expected.items():
        if name != "embedding":
            assert (part @ part[0]).min() > 0.999
