"""LEAF's filters before and after training, beside the mel bands that they begin at."""

import math
import os

import numpy as np
from matplotlib.figure import Figure
from tensorflow import keras

from dmml_tf.models.leaf import GaborFilters, half_width_hz, mel_gabors
from dmml_tf.pictures.plots import save_figure
from tfrecords_tools.errors import UserError

_BEFORE, _AFTER = "#8c8c8c", "#d62728"


def filter_bands(network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Centre frequencies and bandwidths of a network's learned filters, before training and as they are now.

    Args:
        network: an embedding network with frontend `leaf`.

    Returns:
        Two float64 [2, filters] in Hz: centres, and widths of the spectrum at half its height; mel bands, then learned.

    Raises:
        UserError: if the network has another frontend.
    """
    layers = [layer for layer in network.layers if isinstance(layer, GaborFilters)]
    if not layers:
        raise UserError("the network has no learned filters: its frontend is not leaf; choose a run of frontend_leaf")
    (layer,) = layers
    rate = layer.sample_rate

    def in_hz(centre, deviation) -> np.ndarray:
        centre, deviation = np.asarray(centre, np.float64), np.asarray(deviation, np.float64)
        return np.stack([centre * rate / (2 * math.pi), half_width_hz(deviation, rate)])

    return in_hz(*mel_gabors(layer.filters, rate, layer.window)), in_hz(*layer.bands())


def plot_leaf_filters(network: keras.Model, path: str | os.PathLike) -> None:
    """Three panels over the mel band's centre: the learned centre, how far that is from it, and the bandwidth.

    Args:
        network: as of `filter_bands`.
        path: PNG to write.

    Raises:
        UserError: if the network has another frontend.
    """
    before, after = filter_bands(network)
    distance = np.gradient(before[0])
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    centres, moved, widths = figure.subplots(1, 3)
    centres.plot(before[0], before[0], "-", color=_BEFORE, label="mel bands, before training")
    centres.plot(before[0], after[0], ".", color=_AFTER, markersize=4, label="learned")
    centres.set(title="centre frequency, Hz", yscale="log")
    moved.axhline(0.0, color=_BEFORE)
    moved.plot(before[0], (after[0] - before[0]) / distance, ".", color=_AFTER, markersize=4)
    moved.set(title="way from the mel band's centre, in bands")
    widths.plot(before[0], before[1], "-", color=_BEFORE)
    widths.plot(before[0], after[1], ".", color=_AFTER, markersize=4)
    widths.set(title="bandwidth at half height, Hz", yscale="log")
    for axes in (centres, moved, widths):
        axes.set_xscale("log")
        axes.set_xlabel("centre of the mel band, Hz", fontsize=8)
        axes.title.set_fontsize(10)
        axes.tick_params(which="both", labelsize=7)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    centres.legend(fontsize=8, frameon=False)
    save_figure(figure, path)
