"""Calibration against plain loops."""

import numpy as np
import pytest

from dmml_tf.heard.calibration import calibration_error, cross_fitted, fit_shares, log_loss, reliability, sigmoid


def case(songs: int = 60, tags: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (songs, tags))
    return (
        scores,
        rng.random((songs, tags)) < 1 / (1 + np.exp(-(0.5 * scores - 1))),
        [f"a{i % 4}" for i in range(songs)],
    )


def test_slope_and_offset_are_where_the_log_loss_is_least():
    scores, true, _ = case(2000)
    slope, offset = fit_shares(scores, true)
    assert (slope, offset) == (pytest.approx(0.5, abs=0.05), pytest.approx(-1.0, abs=0.1))

    def loss(a: float, b: float) -> float:
        return float(
            np.mean([-np.log(p if y else 1 - p) for p, y in zip(sigmoid(a * scores + b).ravel(), true.ravel())])
        )

    least = loss(slope, offset)
    assert all(least <= loss(slope + a, offset + b) + 1e-7 for a, b in ((0.02, 0), (-0.02, 0), (0, 0.02), (0, -0.02)))


@pytest.mark.parametrize("so", [True, False])
def test_what_is_always_or_never_so_has_a_finite_share(so):
    slope, offset = fit_shares(np.arange(8.0), np.full(8, so))
    assert slope == 0 and sigmoid(offset) == pytest.approx(0.9 if so else 0.1)


def test_a_share_is_of_other_artists_songs():
    scores, true, artists = case()
    shares = cross_fitted(scores, true, artists)
    for artist in set(artists):
        rest = [i for i, name in enumerate(artists) if name != artist]
        slope, offset = fit_shares(scores[rest], true[rest])
        for song in (i for i, name in enumerate(artists) if name == artist):
            np.testing.assert_allclose(shares[song], sigmoid(slope * scores[song] + offset))


def test_the_songs_of_one_artist_are_divided():
    scores, true, artists = case()
    alone = cross_fitted(scores, true, ["one"] * len(artists))
    assert np.isfinite(alone).all() and not np.allclose(alone, sigmoid(np.array(fit_shares(scores, true))[0] * scores))


def test_log_loss_against_a_loop():
    scores, true, _ = case()
    for loss, row, so in zip(log_loss(sigmoid(scores), true), sigmoid(scores), true):
        assert loss == pytest.approx(np.mean([-np.log(p if y else 1 - p) for p, y in zip(row, so)]))


def test_reliability_and_its_error_against_a_loop():
    scores, true, _ = case()
    shares = sigmoid(scores)
    shares[0, 0] = 1.0  # of the last bin
    bins: dict[int, list] = {}
    for share, so in zip(shares.ravel(), true.ravel()):
        bins.setdefault(min(int(share * 10), 9), []).append((share, so))
    told = reliability(shares, true)
    assert [row["n"] for row in told] == [len(bins[number]) for number in sorted(bins)]
    error = 0.0
    for row, number in zip(told, sorted(bins)):
        said, so = (np.mean(side) for side in zip(*bins[number]))
        assert (row["said"], row["true"]) == (pytest.approx(said), pytest.approx(so))
        error += len(bins[number]) / shares.size * abs(said - so)
    assert calibration_error(told) == pytest.approx(error)
