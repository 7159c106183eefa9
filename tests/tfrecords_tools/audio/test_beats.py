"""Beat activations beside madmom's own, and the recurrent layer beside a plain loop in NumPy."""

import numpy as np
import pytest

from tests.tfrecords_tools.audio.test_tempo import clicks
from tfrecords_tools.audio import tempo
from tfrecords_tools.audio.beats import HOP
from tfrecords_tools.audio.lstm import _tanh, run_lstm

RATE = tempo.SAMPLE_RATE


def test_tanh_is_tanh():
    x = np.concatenate([np.linspace(-12, 12, 2001), [0.0, -0.0, 1e-30, 100.0, -1e9]]).astype(np.float32)
    found = np.array([_tanh.py_func(value) for value in x])
    np.testing.assert_allclose(found, np.tanh(x.astype(np.float64)), atol=1e-6)


def plain_lstm(given, recurrent, peepholes, backwards):
    """The layer as its definition reads, in float64."""
    size = len(recurrent)
    held, state, out = np.zeros(size), np.zeros(size), np.zeros((len(given), size))
    for now in range(len(given))[:: -1 if backwards else 1]:
        i, f, c, o = np.split(given[now].astype(np.float64) + held @ recurrent, 4)
        i, f = (1 / (1 + np.exp(-(gate + state * peep))) for gate, peep in zip((i, f), peepholes))
        state = np.tanh(c) * i + state * f
        held = np.tanh(state) / (1 + np.exp(-(o + state * peepholes[2])))
        out[now] = held
    return out


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2, 200])
def test_the_layer_is_its_definition(steps, backwards):
    rng = np.random.default_rng(steps)
    given, recurrent, peepholes = (
        rng.normal(0, scale, shape).astype(np.float32)
        for scale, shape in ((2, (steps, 20)), (0.7, (5, 20)), (0.7, (3, 5)))
    )
    found = run_lstm(given, recurrent, peepholes, backwards)
    assert found.shape == (steps, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found, plain_lstm(given, recurrent, peepholes, backwards), atol=1e-5)


def sounds():
    """Name -> mono samples of different kinds, among them ones whose last frame is not whole."""
    rng = np.random.default_rng(0)
    seconds = np.arange(5 * RATE) / RATE
    sweep = 0.5 * np.sin(2 * np.pi * 400 * seconds**2) * (np.sin(2 * np.pi * 2 * seconds) > 0)
    return {
        "clicks at 75": clicks(75, 5.0),
        "clicks at 168": clicks(168, 5.0)[:-123],
        "noise": rng.normal(0, 0.1, 4 * RATE + 1),
        "loud noise that clips": np.clip(rng.normal(0, 2, 3 * RATE), -1, 1),
        "a sweep in bursts": sweep,
        "next to nothing": rng.normal(0, 1e-4, 3 * RATE),
        "silence, then clicks": np.concatenate([np.zeros(3 * RATE), clicks(120, 3.0)]),
        "three hops": rng.normal(0, 0.1, 3 * HOP),
    }


@pytest.mark.parametrize("name", sounds())
def test_activations_are_madmoms(name):
    samples = sounds()[name].astype(np.float32)
    signal_class, beats, _ = tempo._processors()
    theirs = beats(signal_class(samples, sample_rate=RATE, num_channels=1))
    ours = tempo.beat_activations()(samples)
    assert ours.shape == theirs.shape == (-(-len(samples) // HOP),) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("bpm", [64, 97, 133, 171])
def test_both_estimators_find_the_same_tempo(bpm):
    samples = clicks(bpm, 8.0)
    found = [tempo.estimate_tempo(samples, by=by) for by in tempo.ESTIMATORS]
    assert found[0] == found[1] == pytest.approx(bpm, rel=0.02)


def test_estimators_have_versions_of_their_own():
    versions = {tempo.estimator_version(by) for by in tempo.ESTIMATORS}
    assert len(versions) == 2 and all(version.startswith(tempo.madmom_version()) for version in versions)
