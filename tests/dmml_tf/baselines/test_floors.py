"""Stats and chance, and MFCC-VQ's options, against NumPy."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from dmml_tf.baselines.chance import Chance
from dmml_tf.baselines.mfcc_vq import MfccVq, mfcc_frames
from dmml_tf.baselines.stats import Stats
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.data.records import read_tracks
from dmml_tf.evaluation.by_condition import accuracy_by_condition
from dmml_tf.evaluation.held_out import hold_out
from dmml_tf.evaluation.views import Views
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """24 / 10 tracks of 280 frames: two windows each."""
    return write_dataset(tmp_path_factory.mktemp("small"), {"train": 24, "test": 10}, shards=1, frames=280)


def test_stats_are_scaled_means_and_deviations(small):
    model = Stats().fit(small)
    found = model.embed_split(small, "test")
    train, test = (
        [row["log_mel"].astype(np.float64) for row in read_tracks(small, split)] for split in ("train", "test")
    )
    raw, mine = (np.array([np.r_[x.mean(0), x.std(0)] for x in mels]) for mels in (train, test))
    np.testing.assert_allclose(found.vectors, (mine - raw.mean(0)) / raw.std(0), atol=1e-3)
    assert found.vectors.shape == (10, 256) and found.windows.shape == (20, 256)
    second = test[3][129:258]
    expected = (np.r_[second.mean(0), second.std(0)] - raw.mean(0)) / raw.std(0)
    np.testing.assert_allclose(found.windows[7], expected, atol=1e-3)
    np.testing.assert_allclose(model.embed(test[3]), found.vectors[3], atol=1e-4)
    assert found.window_start[7] == 129 and found.window_track[7] == 3


def test_stats_of_a_silent_and_a_short_sound_are_finite(small):
    model = Stats().fit(small)
    for log_mel in (np.zeros((200, 128), np.float16), np.full((3, 128), 0.4, np.float16)):
        assert np.isfinite(model.embed(log_mel)).all()
    with pytest.raises(UserError, match="fit"):
        Stats().embed(np.zeros((129, 128)))


def test_stats_beat_chance_where_the_sound_tells(small):
    conditions = Conditions([SharedTag("genre", width=64)])
    scores = {}
    for name, model in (("stats", Stats()), ("chance", Chance(64))):
        found = model.fit(small).embed_split(small, "test")
        held_out = hold_out(conditions, found.labels, found.window_track, found.window_start, 2000, 0)
        as_they_are = Views({"whole": dict.fromkeys(held_out.conditions.names)}, normalise=False)
        scores[name] = accuracy_by_condition(found, held_out, as_they_are, rounds=5)["whole"]
    assert scores["stats"]["track"]["value"] > 0.9 and abs(scores["chance"]["track"]["value"] - 0.5) < 0.2


def test_chance_hangs_on_the_sound_and_the_seed_alone(small):
    first, again, other = (Chance(16, seed).fit(small).embed_split(small, "test") for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert (first.vectors != other.vectors).all()
    assert len(np.unique(first.vectors[:, 0])) == 10 and len(np.unique(first.windows[:, 0])) == 20
    # Normal, independent: correlations between tracks are those of chance.
    far = np.stack([Chance(500, seed).embed(np.zeros((2, 2))) for seed in range(40)])
    assert abs(far.mean()) < 0.05 and abs(far.std() - 1) < 0.05
    assert np.abs(np.corrcoef(far) - np.eye(40)).max() < 0.25


@pytest.mark.slow
def test_top_tau_counts_the_nearest_codewords(small):
    model = MfccVq(codewords=32, frames=2000, tau=3).fit(small)
    found = model.embed_split(small, "test")
    row = next(iter(read_tracks(small, "test")))
    frames = (mfcc_frames(row["log_mel"], small.features) - model._mean) / model._deviation
    counts = np.zeros(32)
    for distances in pairwise_distances(frames, model._kmeans.cluster_centers_):
        counts[sorted(range(32), key=lambda k: distances[k])[:3]] += 1
    np.testing.assert_allclose(found.vectors[0] * 3 * len(frames), counts, atol=2.01)  # ties of rounding
    assert found.vectors[0].sum() == pytest.approx(1.0)
    np.testing.assert_array_equal(model.embed(row["log_mel"]), found.vectors[0])


@pytest.mark.slow
def test_the_square_root_and_the_principal_components(small):
    plain, reduced = (MfccVq(16, 2000, variance=variance).fit(small) for variance in (None, 0.9))
    train, test = (np.sqrt(plain.embed_split(small, split).vectors) for split in ("train", "test"))
    values, directions = np.linalg.eigh(np.cov(train.T.astype(np.float64)))
    shares = np.cumsum(values[::-1]) / values.sum()
    kept = int(np.searchsorted(shares, 0.9) + 1)
    expected = (test - train.mean(axis=0)) @ directions[:, ::-1][:, :kept]
    found = reduced.embed_split(small, "test").vectors
    assert found.shape == (10, kept) and kept < 16
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)  # a component's sign is free


@pytest.mark.parametrize("options", [{"tau": 0}, {"variance": 0.0}, {"variance": 1.0}])
def test_options_out_of_range_are_bad_input(options):
    with pytest.raises(UserError, match="tau must be at least 1"):
        MfccVq(**options)
