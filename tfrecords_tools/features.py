"""The signal chain: every number between samples and network, once, with its unit and its source.

Source: Lee et al., ICASSP 2020, section 3.2. The paper prints "23 ms window, 50 % overlap", which
would give 259 frames; only a 1024-sample window with a hop of 512 on the *magnitude* spectrum fits
the printed 129 x 128 input and the constants 0.2 and 0.25.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tfrecords_tools.loudness import gain_between, integrated, power_weights


class Heard(NamedTuple):
    """What came of mono audio.

    Attributes:
        log_mel: [frames, n_mels].
        samples: how many samples went by.
        loudness: theirs in LUFS; `tfrecords_tools.loudness.SILENT` where no 400 ms are above -70 LUFS.
    """

    log_mel: np.ndarray
    samples: int
    loudness: float


@dataclasses.dataclass(frozen=True)
class LogMel:
    """Log-compressed mel spectrogram, `log10(1 + gain * mel_magnitude)`.

    Attributes:
        sample_rate: Hz.
        n_fft: samples of the transform and of its (periodic) Hann window.
        hop: samples between two frames.
        n_mels: mel bands, Slaney scale and norm, 0 Hz to `sample_rate / 2` (librosa's defaults).
        gain: factor inside the logarithm.
        mean: subtracted by the network's first layer (not by the extraction).
        deviation: divided by, by the same layer.
        window_frames: frames of one excerpt: 3 s = 66,150 samples give 130, the last is dropped.
        loudness: LUFS that every whole track is brought to (see `tfrecords_tools.loudness`), before anything else;
            None, the paper's chain, leaves it as loud as it is. A silent track is left too.
    """

    sample_rate: int = 22_050
    n_fft: int = 1024
    hop: int = 512
    n_mels: int = 128
    gain: float = 10.0
    mean: float = 0.2
    deviation: float = 0.25
    window_frames: int = 129
    loudness: float | None = None

    @property
    def excerpt_samples(self) -> int:
        """Samples of one 3 s excerpt (66,150 at 22,050 Hz)."""
        return 3 * self.sample_rate

    @property
    def frames_per_second(self) -> float:
        """Frames a second (43.07 with the defaults)."""
        return self.sample_rate / self.hop

    @property
    def half_window(self) -> int:
        """Frames between the starts of two excerpts of one song, at least, for them to overlap by at most 50 % (65)."""
        return (self.window_frames + 1) // 2

    def frames(self, samples: int) -> int:
        """Frames extracted from that many samples: a centred transform gives one more, which is dropped."""
        return samples // self.hop

    def mel_filters(self) -> np.ndarray:
        """Filter bank, float32 [n_mels, 1 + n_fft / 2]; equals `librosa.filters.mel`. Do not write to it."""
        return _mel_filters(self)

    def extract(self, samples: np.ndarray) -> np.ndarray:
        """Log-mel of mono audio.

        Args:
            samples: float [samples] in -1..1 at `sample_rate`.

        Returns:
            float32 [samples // hop, n_mels]; agrees with `librosa.feature.melspectrogram(power=1)`.
        """
        return self.extract_blocks([np.asarray(samples, np.float32)]).log_mel

    def extract_blocks(self, blocks: Iterable[np.ndarray], dtype: str = "float32") -> "Heard":
        """Log-mel of mono audio that arrives in blocks, so that hours of it need not be held at once.

        Args:
            blocks: float32 [samples] each, of any length.
            dtype: the log-mel's; `float16` is what a record stores.

        Returns:
            The log-mel, `dtype` [samples // hop, n_mels], at the chain's own `loudness`, and what else is known of
            the audio as it came. However it is cut into blocks, the frames are the same.
        """
        parts, powers, samples = [np.zeros((0, self.n_mels), dtype)], [np.zeros(0, np.float32)], 0
        for magnitudes, gone_by in self._spectra(blocks):
            mel = self.mel_filters() @ magnitudes
            # How loud a track is shows at its end: its logarithm has to wait.
            parts.append((self._compressed(mel) if self.loudness is None else mel).T.astype(dtype))
            powers.append(self._powers(magnitudes))
            samples = gone_by
        frames = self.frames(samples)
        loudness = self._loudness(powers, frames)
        if self.loudness is not None:
            gain = np.float32(self.gain_of(loudness))
            parts = [self._compressed(gain * mel.astype(np.float32)).astype(dtype) for mel in parts]
        return Heard(np.concatenate(parts)[:frames], samples, loudness)

    def gain_of(self, loudness: float) -> float:
        """The factor by which samples of a track of that loudness (LUFS) are multiplied in this chain."""
        return gain_between(loudness, self.loudness)

    def measure_loudness(self, blocks: Iterable[np.ndarray]) -> float:
        """Loudness in LUFS of mono audio that arrives in blocks; `SILENT` where nothing is above -70 LUFS."""
        powers, samples = [np.zeros(0, np.float32)], 0
        for magnitudes, gone_by in self._spectra(blocks):
            powers.append(self._powers(magnitudes))
            samples = gone_by
        return self._loudness(powers, self.frames(samples))

    def _spectra(self, blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
        """Yields float32 [1 + n_fft / 2, frames] magnitudes, and the number of samples that have gone by."""
        half = np.zeros(self.n_fft // 2, np.float32)
        held, count, samples = [half], len(half), 0  # a centred transform sees silence before the first sample
        for block in itertools.chain(blocks, [None]):
            held.append(half if block is None else block)
            count += len(held[-1])
            samples += 0 if block is None else len(block)
            least = self.n_fft if block is None else self._piece_samples
            if count < least:
                continue
            waiting = np.concatenate(held)
            while len(waiting) >= least:
                piece = waiting[: self._piece_samples]
                # Bound to no name, the spectrum makes room in the cache.
                magnitudes = np.abs(_spectra_of(piece, self.n_fft, self.hop))
                waiting = waiting[magnitudes.shape[1] * self.hop :]
                yield magnitudes, samples
            held, count = [waiting], len(waiting)

    @property
    def _piece_samples(self) -> int:
        """Samples transformed at a time: 512 frames, which a core's cache holds."""
        return self.n_fft + 511 * self.hop

    def _compressed(self, mel: np.ndarray) -> np.ndarray:
        """float32 of the shape of `mel`."""
        return np.log10(np.float32(1.0) + np.float32(self.gain) * mel)

    def _powers(self, magnitudes: np.ndarray) -> np.ndarray:
        """The K-weighted mean square of each frame, float32 [frames]; squares the magnitudes in their place."""
        return power_weights(self.sample_rate, self.n_fft) @ np.square(magnitudes, out=magnitudes)

    def _loudness(self, powers: list[np.ndarray], frames: int) -> float:
        return integrated(np.concatenate(powers)[:frames], self.frames_per_second)

    def mel_magnitude(self, log_mel: np.ndarray) -> np.ndarray:
        """Undoes the compression: float32 mel magnitudes of the same shape as `log_mel`."""
        return (np.power(10.0, np.asarray(log_mel, np.float32)) - 1.0) / self.gain


PAPER_CHAIN = LogMel()  # the one that records are built with; readers take their dataset's, or their run's


# The transform and the filters are librosa's to the last bit, as tests see. By librosa itself, every program that hears
# a file would wait for numba and scipy.signal: longer than for the hearing.
_FRAMES_AT_ONCE = 64  # which the cache of a core holds in float64
_LINEAR_HZ, _HZ_A_MEL = 1000.0, 200.0 / 3  # Slaney's scale: straight below the first, which is 15 mel
_LOG_STEP = math.log(6.4) / 27  # and above it each mel so much higher in the logarithm


def _spectra_of(samples: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    """complex64 [1 + n_fft / 2, frames] of float32 [samples] under a periodic Hann window, frames not centred."""
    import scipy.fft  # here, so that a search by id does not wait for it

    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    spectra = np.empty((len(frames), 1 + n_fft // 2), np.complex64)
    for first in range(0, len(frames), _FRAMES_AT_ONCE):
        some = slice(first, first + _FRAMES_AT_ONCE)
        spectra[some] = scipy.fft.rfft(_hann(n_fft) * frames[some])
    return spectra.T


@functools.lru_cache(maxsize=4)
def _hann(size: int) -> np.ndarray:
    return (0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, size + 1)))[:-1]


@functools.lru_cache(maxsize=4)
def _mel_filters(features: LogMel) -> np.ndarray:
    # Building the bank costs as much as the transform of several seconds.
    frequencies = np.fft.rfftfreq(features.n_fft, 1 / features.sample_rate)
    highest = float(hz_to_mel(features.sample_rate / 2))
    edges = _mel_to_hz(np.linspace(0.0, highest, features.n_mels + 2))
    widths, above = np.diff(edges)[:, None], np.subtract.outer(edges, frequencies)
    triangles = np.minimum(-above[:-2] / widths[:-1], above[2:] / widths[1:])
    filters = np.maximum(0, triangles).astype(np.float32)
    filters *= 2.0 / (edges[2:] - edges[:-2])[:, None]
    return filters


def hz_to_mel(frequencies: np.ndarray | float) -> np.ndarray:
    """float64 of the same shape, on Slaney's scale (Auditory Toolbox, 1998), which librosa's defaults are on."""
    frequencies = np.asarray(frequencies, np.float64)
    higher = np.log(np.maximum(frequencies, _LINEAR_HZ) / _LINEAR_HZ) / _LOG_STEP
    return np.minimum(frequencies, _LINEAR_HZ) / _HZ_A_MEL + higher


def _mel_to_hz(mels: np.ndarray) -> np.ndarray:
    knee = _LINEAR_HZ / _HZ_A_MEL
    return np.where(mels >= knee, _LINEAR_HZ * np.exp(_LOG_STEP * (mels - knee)), _HZ_A_MEL * mels)
