"""Three clips as a listener hears them: equally loud, without clicks, as WAV that says nothing of where it is from."""

import io
import math
from collections.abc import Sequence

import numpy as np
import soundfile

from dmml_tf.data.judgements.votes import Clip
from dmml_tf.judge.songs import SECONDS, Song
from tfrecords_tools.audio.decode import load_mono, require_seconds, require_sound
from tfrecords_tools.features import LogMel
from tfrecords_tools.loudness import gain_between

RATE = 44_100  # Hz
LOUDNESS = -23.0  # LUFS, EBU R 128's; less where a clip's peaks would be cut off
_PEAK = 0.98  # of full scale
_FADE = 0.01  # seconds at either end
# The network's chain at twice its rate: what measures loudness.
_CHAIN = LogMel(sample_rate=RATE, n_fft=2048, hop=1024)


def clip_bytes(clips: Sequence[tuple[Song, Clip]]) -> list[bytes]:
    """WAV of each clip, mono, 16 bits; all are equally loud, by ITU-R BS.1770.

    Raises:
        AudioError: if a clip cannot be decoded, is cut short or is silent.
    """
    return [_wav(samples) for samples in equally_loud([_samples(song, clip) for song, clip in clips])]


def equally_loud(clips: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Clips, float32 [samples] at `RATE`, at one loudness: `LOUDNESS`, or the most at which no clip's peak is cut off.

    Raises:
        SilentError: if a clip has nothing to hear.
    """
    measured = [_CHAIN.measure_loudness([samples]) for samples in clips]
    for loudness in measured:
        require_sound(loudness)
    peaks = [float(np.abs(samples).max()) for samples in clips]
    most = min(loudness + 20 * math.log10(_PEAK / peak) for loudness, peak in zip(measured, peaks))
    target = min(LOUDNESS, most)
    return [samples * np.float32(gain_between(loudness, target)) for samples, loudness in zip(clips, measured)]


def _samples(song: Song, clip: Clip) -> np.ndarray:
    samples = load_mono(song.file, RATE, SECONDS, clip.start)
    # A clip may begin within a frame of the end: a tenth of a second less is not heard.
    require_seconds(len(samples) / RATE, SECONDS - 0.1)
    ramp = np.linspace(0, 1, round(_FADE * RATE), dtype=np.float32)
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    return samples


def _wav(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, "PCM_16", format="WAV")
    return buffer.getvalue()
