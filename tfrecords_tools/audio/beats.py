"""madmom's beat activations as a few matrix products and one compiled loop, some ten times as fast as madmom.

The networks, eight of three bidirectional layers each, and the filters of their spectrograms are read through madmom
out of its own installed files (CC BY-NC-SA 4.0, not for commercial use): nothing of them is in this package.

Source: Böck and Schedl, DAFx 2011, "Enhanced beat tracking with context-aware neural networks";
`madmom.features.beats.RNNBeatProcessor`, with which `BeatActivations` must agree to 1e-4.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft

from tfrecords_tools.audio.lstm import run_lstm

# Samples of 44,100 a second between two frames: 100 frames a second.
HOP = 441
_BLOCK = 512  # frames that are transformed at once
_GATES = ("input_gate", "forget_gate", "cell", "output_gate")


@dataclasses.dataclass(frozen=True, eq=False)
class BandDifferences:
    """One of the spectrograms: logarithmic bands, and how much each has risen.

    Attributes:
        window: float32 [N], by which a frame's samples are multiplied.
        filters: float32 [N / 2, B].
        lag: frames between the two whose difference is the rise.
    """

    window: np.ndarray
    filters: np.ndarray
    lag: int

    @classmethod
    def of(cls, chain: Any, silence: Any) -> "BandDifferences":
        """Reads a chain of `RNNBeatProcessor`, which makes its windows and filters when it hears a sound.

        Args:
            chain: frames, transform, filters, logarithm, differences.
            silence: a `madmom.audio.signal.Signal` at 44,100 Hz.
        """
        frame, transform, filtered, logarithm, differences = chain.processors
        spectrum = transform(frame(silence))
        bands = logarithm(filtered(spectrum))
        differences(bands)
        window, filters = (np.asarray(array, np.float32) for array in (spectrum.fft_window, bands.filterbank))
        return cls(window, filters, int(differences.diff_frames))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """float32 [ceil(samples / HOP), 2 B]: the bands, and their rises.

        Frame t is centred on sample t * HOP; before and after the sound is silence.
        """
        size, count = len(self.window), -(-len(samples) // HOP)
        padded = np.zeros((count - 1) * HOP + size, np.float32)
        padded[size // 2 : size // 2 + len(samples)] = samples[: len(padded) - size // 2]
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::HOP]
        bands = np.empty((count, self.filters.shape[1]), np.float32)
        for begin in range(0, count, _BLOCK):
            spectra = scipy.fft.rfft(frames[begin : begin + _BLOCK] * self.window, axis=1)
            bands[begin : begin + _BLOCK] = np.abs(spectra[:, : len(self.filters)]) @ self.filters
        np.log10(bands + 1, out=bands)
        rises = np.zeros_like(bands)
        np.maximum(bands[self.lag :] - bands[: -self.lag], 0, out=rises[self.lag :])
        return np.concatenate([bands, rises], axis=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Direction:
    """A layer of a network in one direction of time, its four gates side by side as `run_lstm` takes them.

    Attributes:
        weights: float32 [F, 4 H].
        bias: float32 [4 H].
        recurrent: float32 [H, 4 H].
        peepholes: float32 [3, H].
    """

    weights: np.ndarray
    bias: np.ndarray
    recurrent: np.ndarray
    peepholes: np.ndarray

    @classmethod
    def of(cls, layer: Any) -> "Direction":
        """Reads a `madmom.ml.nn.layers.LSTMLayer`."""
        gates = [getattr(layer, name) for name in _GATES]

        def side_by_side(name: str) -> np.ndarray:
            return np.concatenate([np.asarray(getattr(gate, name), np.float32) for gate in gates], axis=-1)

        peepholes = np.stack([gate.peephole_weights for gate in gates if gate is not layer.cell])
        return cls(side_by_side("weights"), side_by_side("bias"), side_by_side("recurrent_weights"), peepholes)


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """One network of the ensemble.

    Attributes:
        layers: forwards and backwards, one after the other.
        weights: float32 [2 H, 1] of the last layer.
        bias: float32 [1] of it.
    """

    layers: Sequence[tuple[Direction, Direction]]
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, network: Any) -> "Network":
        """Reads a `madmom.ml.nn.NeuralNetwork` of bidirectional layers and one of a single unit."""
        *recurrent, last = network.layers
        layers = [(Direction.of(layer.fwd_layer), Direction.of(layer.bwd_layer)) for layer in recurrent]
        return cls(layers, np.asarray(last.weights, np.float32), np.asarray(last.bias, np.float32))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """float32 [T] in 0..1 of features float32 [T, F]."""
        x = features
        for both in self.layers:
            given = (x @ direction.weights + direction.bias for direction in both)
            x = np.concatenate(
                [
                    run_lstm(one, direction.recurrent, direction.peepholes, backwards)
                    for one, direction, backwards in zip(given, both, (False, True))
                ],
                axis=1,
            )
        activations: np.ndarray = 1 / (1 + np.exp(-(x @ self.weights + self.bias)[:, 0]))
        return activations


@dataclasses.dataclass(frozen=True, eq=False)
class BeatActivations:
    """How likely a beat is at each hundredth of a second.

    Attributes:
        spectrograms: whose bands and rises the networks see, side by side.
        networks: whose mean it is.
    """

    spectrograms: Sequence[BandDifferences]
    networks: Sequence[Network]

    @classmethod
    def of(cls, processor: Any, silence: Any) -> "BeatActivations":
        """Reads a `madmom.features.beats.RNNBeatProcessor`; `silence` as of `BandDifferences.of`."""
        (_, chains, _), ensemble = processor.processors[0].processors, processor.processors[1]
        networks = [Network.of(network) for network in ensemble.processors[0].processors]
        return cls([BandDifferences.of(chain, silence) for chain in chains.processors], networks)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """float32 [ceil(samples / 441)] of mono samples float32 at 44,100 Hz in -1..1, at least one."""
        features = np.concatenate([one(samples) for one in self.spectrograms], axis=1)
        total = sum(network(features) for network in self.networks)
        return np.asarray(total / len(self.networks), np.float32)
