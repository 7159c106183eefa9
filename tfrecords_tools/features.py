"""The signal chain: every number between samples and network, once, with its unit and its source.

Source: Lee et al., ICASSP 2020, section 3.2. The paper prints "23 ms window, 50 % overlap", which
would give 259 frames; only a 1024-sample window with a hop of 512 on the *magnitude* spectrum fits
the printed 129 x 128 input and the constants 0.2 and 0.25.
"""

import dataclasses

import librosa
import numpy as np


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
    """

    sample_rate: int = 22_050
    n_fft: int = 1024
    hop: int = 512
    n_mels: int = 128
    gain: float = 10.0
    mean: float = 0.2
    deviation: float = 0.25
    window_frames: int = 129

    @property
    def excerpt_samples(self) -> int:
        """Samples of one 3 s excerpt (66,150 at 22,050 Hz)."""
        return 3 * self.sample_rate

    @property
    def frames_per_second(self) -> float:
        """Frames a second (43.07 with the defaults)."""
        return self.sample_rate / self.hop

    def frames(self, samples: int) -> int:
        """Frames extracted from that many samples: a centred transform gives one more, which is dropped."""
        return samples // self.hop

    def mel_filters(self) -> np.ndarray:
        """Filter bank, float32 [n_mels, 1 + n_fft / 2]; equals `librosa.filters.mel`."""
        return librosa.filters.mel(sr=self.sample_rate, n_fft=self.n_fft, n_mels=self.n_mels)

    def extract(self, samples: np.ndarray) -> np.ndarray:
        """Log-mel of mono audio.

        Args:
            samples: float [samples] in -1..1 at `sample_rate`.

        Returns:
            float32 [samples // hop, n_mels]; agrees with `librosa.feature.melspectrogram(power=1)`.
        """
        magnitude = np.abs(librosa.stft(np.asarray(samples, np.float32), n_fft=self.n_fft, hop_length=self.hop))
        mel = self.mel_filters() @ magnitude[:, : self.frames(len(samples))]
        return np.log10(1.0 + self.gain * mel).T.astype(np.float32)

    def mel_magnitude(self, log_mel: np.ndarray) -> np.ndarray:
        """Undoes the compression: float32 mel magnitudes of the same shape as `log_mel`."""
        return (np.power(10.0, np.asarray(log_mel, np.float32)) - 1.0) / self.gain
