"""LogMel: equal to librosa's pipeline, also after a record's float16, whatever the blocks."""

import subprocess
import sys

import librosa
import numpy as np
import pytest

from tfrecords_tools.features import LogMel, _spectra_of, hz_to_mel


def _librosa(samples: np.ndarray, chain: LogMel) -> np.ndarray:
    """The same features by librosa's own one-call pipeline."""
    mel = librosa.feature.melspectrogram(
        y=samples, sr=chain.sample_rate, n_fft=chain.n_fft, hop_length=chain.hop, n_mels=chain.n_mels, power=1.0
    )
    return np.log10(1 + chain.gain * mel).T[:-1]


def _music(seconds: float, seed: int = 0) -> np.ndarray:
    """A decaying chord over noise: loud and quiet frames, tones and noise."""
    chain = LogMel()
    rng = np.random.default_rng([seed])
    t = np.arange(int(seconds * chain.sample_rate)) / chain.sample_rate
    tones = sum(np.sin(2 * np.pi * f * t) for f in (110.0, 440.0, 3520.0)) * np.exp(-t % 1.0)
    return (0.2 * tones + 0.01 * rng.standard_normal(len(t))).astype(np.float32)


@pytest.mark.parametrize("seconds", [3.0, 3.01, 7.77, 31.5])
def test_agrees_with_librosa(seconds):
    samples = _music(seconds)
    expected = _librosa(samples, LogMel())
    found = LogMel().extract(samples)
    assert found.dtype == np.float32
    frames = LogMel().frames(len(samples))
    np.testing.assert_allclose(found, expected[:frames], atol=1e-5)
    assert np.abs(found.astype(np.float16).astype(np.float32) - expected[:frames]).max() < 1e-3


def test_an_excerpt_has_the_papers_shape():
    chain = LogMel()
    assert chain.extract(_music(3.0)).shape == (chain.window_frames, chain.n_mels) == (129, 128)
    assert chain.excerpt_samples == 66_150
    assert chain.frames(chain.excerpt_samples) == chain.window_frames


@pytest.mark.parametrize("seed", range(3))
def test_cutting_into_blocks_changes_nothing(seed):
    samples = _music(15.0, seed)
    rng = np.random.default_rng([seed])
    cuts = np.sort(rng.integers(0, len(samples), 9))
    blocks = [np.zeros(0, np.float32), *np.split(samples, cuts)]
    found, count, _ = LogMel().extract_blocks(blocks)
    assert count == len(samples)
    np.testing.assert_array_equal(found, LogMel().extract(samples))


def test_silence_is_zero_and_finite():
    found = LogMel().extract(np.zeros(66_150, np.float32))
    assert found.shape == (129, 128)
    assert not found.any()


@pytest.mark.parametrize("samples, frames", [(0, 0), (1, 0), (511, 0), (512, 1), (1024, 2), (66_149, 129)])
def test_short_audio_gives_the_announced_frames(samples, frames):
    found = LogMel().extract(np.ones(samples, np.float32))
    assert found.shape == (frames, 128) and LogMel().frames(samples) == frames


def test_float16_blocks_are_what_a_record_stores():
    samples = _music(5.0)
    found = LogMel().extract_blocks([samples], "float16").log_mel
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, LogMel().extract(samples).astype(np.float16))


def test_compression_is_undone():
    samples = _music(3.0)
    chain = LogMel()
    mel = librosa.feature.melspectrogram(y=samples, sr=22_050, n_fft=1024, hop_length=512, power=1.0).T[:129]
    np.testing.assert_allclose(chain.mel_magnitude(chain.extract(samples)), mel, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("chain", [LogMel(), LogMel(sample_rate=16_000, n_fft=512, hop=256, n_mels=96)])
def test_filters_and_spectra_are_librosas_to_the_last_bit(chain):
    expected = librosa.filters.mel(sr=chain.sample_rate, n_fft=chain.n_fft, n_mels=chain.n_mels)
    np.testing.assert_array_equal(chain.mel_filters(), expected)
    for samples in (_music(1.0)[: chain.n_fft], _music(13.0)):
        spectra = librosa.stft(samples, n_fft=chain.n_fft, hop_length=chain.hop, center=False)
        np.testing.assert_array_equal(_spectra_of(samples, chain.n_fft, chain.hop), spectra)


def test_the_scale_of_pitch_is_librosas():
    hertz = np.array([0, 20, 999, 1000, 1001, 11_025.0])
    np.testing.assert_allclose(hz_to_mel(hertz), librosa.hz_to_mel(hertz), rtol=1e-14)


@pytest.mark.spawns
def test_hearing_does_not_wait_for_what_librosa_imports():
    code = "import sys, numpy, tfrecords_tools.features as f; f.LogMel().extract(numpy.ones(9999, numpy.float32)); "
    code += "print([name for name in ('librosa', 'numba', 'scipy.signal', 'tensorflow') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_other_figures_give_other_filters():
    assert LogMel(n_mels=64).mel_filters().shape == (64, 513)
    assert LogMel().mel_filters().shape == (128, 513)


@pytest.mark.parametrize("decibels", [-24, -20, -12, 0, 6])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_at_a_chains_loudness_a_gain_is_not_heard(decibels, dtype):
    samples, chain = _music(8.0), LogMel(loudness=-16.0)
    itself = chain.extract_blocks([samples], dtype)
    found = chain.extract_blocks(np.split(samples * np.float32(10 ** (decibels / 20)), [7, 90_000]), dtype)
    assert found.log_mel.dtype == dtype and found.loudness - itself.loudness == pytest.approx(decibels, abs=1e-3)
    apart = np.abs(found.log_mel.astype(np.float32) - itself.log_mel.astype(np.float32))
    assert apart.max() <= (1e-4 if dtype == "float32" else 2.1e-3)  # one step of float16 between 1 and 2, and back


def test_the_gain_is_that_of_samples():
    samples, chain = _music(8.0), LogMel(loudness=-20.0)
    loudness = LogMel().measure_loudness([samples])
    expected = LogMel().extract(samples * np.float32(10 ** ((-20.0 - loudness) / 20)))
    np.testing.assert_allclose(chain.extract(samples), expected, atol=1e-5)
    stored = chain.extract_blocks([samples], "float16").log_mel.astype(np.float32)
    np.testing.assert_allclose(stored, expected, atol=1e-3)
    assert chain.measure_loudness([samples * np.float32(chain.gain_of(loudness))]) == pytest.approx(-20, abs=1e-3)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 5.0])
def test_at_a_chains_loudness_silence_stays_as_it_is(seconds):
    faint = 1e-4 * _music(5.0)[: int(seconds * 22_050)]
    found, plain = (chain.extract_blocks([faint]) for chain in (LogMel(loudness=-16.0), LogMel()))
    np.testing.assert_allclose(found.log_mel, plain.log_mel, atol=1e-7)
    assert found.loudness == plain.loudness == float("-inf")
