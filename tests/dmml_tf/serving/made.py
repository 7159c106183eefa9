"""Sounds and an exported tiny model that the tests of serving share."""

import functools
import io
from pathlib import Path

import midirenderer
import numpy as np
import pretty_midi
import soundfile
import soxr
from tensorflow import keras

from dmml_tf import spaces
from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within

RATE = 22_050
CONDITIONS = Conditions(
    [
        SharedTag("genre", width=8),
        Within("tempo_2", 5.0, width=4),
        SameTrack("track", width=0, weight=0.5),
    ]
)


def played(program: int, pitches: list[int], seconds: int) -> np.ndarray:
    """float64 [samples, 2] at 48 kHz: recorded notes of a General MIDI program, a chord each half second."""
    score, part = pretty_midi.PrettyMIDI(), pretty_midi.Instrument(program)
    chords = [(beat, pitch + beat % 7) for beat in range(2 * seconds) for pitch in pitches]
    part.notes = [pretty_midi.Note(100, pitch, beat / 2, beat / 2 + 0.4) for beat, pitch in chords]
    score.instruments.append(part)
    midi = io.BytesIO()
    score.write(midi)
    soundfont = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2").read_bytes()
    samples, rate = soundfile.read(io.BytesIO(midirenderer.render_wave_from(soundfont, midi.getvalue())))
    assert rate == 48_000
    return np.pad(samples, ((0, max(seconds * rate - len(samples), 0)), (0, 0)))[: seconds * rate]


@functools.cache
def stereo() -> np.ndarray:
    """float64 [336000, 2] at 48 kHz: 7 s of a piano, quieter on the right, where violins play as well."""
    return played(0, [57, 61, 64], 7) * [1.0, 0.5] + played(48, [45, 52], 7) * [0.0, 0.8]


@functools.cache
def songs() -> np.ndarray:
    """float32 [4, 154350], 7 s at 22,050 Hz: the piano with violins, noise, clicks, a tone that is hardly heard."""
    samples = np.arange(7 * RATE)
    noise = np.random.default_rng(0).normal(0, 0.2, samples.size)
    tone = 1e-2 * np.sin(2 * np.pi * 440 * samples / RATE)
    rows = [soxr.resample(stereo().mean(axis=1), 48_000, RATE), noise, (samples % 11_025 == 0) * 0.9, tone]
    return np.stack(rows).astype(np.float32)


def wav_bytes(samples: np.ndarray, rate: int, **options) -> bytes:
    """A WAV file, 16-bit PCM unless `options` say otherwise."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", **{"subtype": "PCM_16", **options})
    return file.getvalue()


def with_subspaces(model: keras.Model, windows: np.ndarray) -> dict[str, np.ndarray]:
    """What windows [W, 129, 128] should give, by the Python path."""
    return outputs_of(np.asarray(model(windows, training=False)))


def outputs_of(whole: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs by name of whole embeddings [W, size]."""
    return {"embedding": whole, **{name: spaces.unit(whole[:, part]) for name, part in CONDITIONS.subspaces.items()}}


def assert_same(found, expected: dict, tolerance: float = 1e-4) -> None:
    """Same outputs, same numbers, and none of them NaN."""
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(np.asarray(found[name]), array, rtol=0, atol=tolerance, err_msg=name)
