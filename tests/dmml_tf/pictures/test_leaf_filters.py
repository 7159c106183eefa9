"""The filters' bands are those of their Gaussians' spectra, and the picture is drawn of a network with LEAF alone."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.models.leaf import leaf_map, mel_gabors
from dmml_tf.pictures.leaf_filters import filter_bands, plot_leaf_filters
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

BANDS, RATE = 6, 22_050


@pytest.fixture(scope="module")
def network():
    """Filters of which the third was moved up by half a band and made half as long."""
    audio = keras.Input((2_000,))
    model = keras.Model(audio, leaf_map(audio, LogMel(n_mels=BANDS)))
    shift, stretch = np.zeros(BANDS), np.zeros(BANDS)
    shift[2], stretch[2] = 0.5, np.log(0.5)
    model.get_layer("gabor").set_weights([shift, stretch])
    return model


def test_bands_are_those_of_the_gaussians_spectra(network):
    before, after = filter_bands(network)
    centre, deviation = mel_gabors(BANDS, RATE, 551)
    for n in range(BANDS):
        hz = np.arange(0, 11_025, 0.5)
        spectrum = np.exp(-0.5 * (2 * np.pi * hz / RATE - centre[n]) ** 2 * deviation[n] ** 2)
        inside = hz[spectrum >= 0.5]
        assert before[0, n] == pytest.approx(hz[np.argmax(spectrum)], abs=0.5)
        assert before[1, n] == pytest.approx(2 * (inside[-1] - before[0, n]), abs=2)
    others = np.arange(BANDS) != 2
    np.testing.assert_allclose(after[:, others], before[:, others], rtol=1e-6)
    assert after[0, 2] == pytest.approx(before[0, 2] + (before[0, 3] - before[0, 1]) / 4, rel=1e-5)
    assert after[1, 2] == pytest.approx(2 * before[1, 2], rel=1e-5)


def test_it_is_drawn(network, tmp_path):
    plot_leaf_filters(network, tmp_path / "filters.png")
    assert (tmp_path / "filters.png").read_bytes()[:4] == b"\x89PNG"


def test_another_frontend_has_no_filters():
    inputs = keras.Input((4,))
    with pytest.raises(UserError, match="its frontend is not leaf; choose a run of frontend_leaf"):
        filter_bands(keras.Model(inputs, keras.layers.Dense(1)(inputs)))
