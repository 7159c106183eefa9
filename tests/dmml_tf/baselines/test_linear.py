"""Linear maps on MFCC statistics: what they are made from, that they learn, and bad input."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from dmml_tf.baselines import mfcc_stats, mfcc_vq
from dmml_tf.baselines.linear import METHODS, Linear
from dmml_tf.baselines.mfcc_stats import MfccStats
from dmml_tf.conditions import SameTrack, SharedTag, Within
from dmml_tf.data.records import read_tracks
from dmml_tf.evaluation.accuracy import triplet_accuracy
from dmml_tf.evaluation.held_out import sample_triplets
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError

GENRE, TEMPO = SharedTag("genre"), Within("tempo", 10.0)


@pytest.fixture(scope="module")
def cheap(tmp_path_factory):
    """A dataset, and a stand-in for the MFCC: six sums of bands, as quick as they are dull."""
    dataset = write_dataset(tmp_path_factory.mktemp("cheap"), {"train": 60, "test": 30}, shards=1, frames=135)
    patch = pytest.MonkeyPatch()
    patch.setattr(
        mfcc_stats,
        "mfcc_frames",
        lambda log_mel, features: np.stack(
            [log_mel[:, 10 * band : 10 * band + 10].astype(np.float32).sum(axis=1) for band in range(6)], 1
        ),
    )
    yield dataset
    patch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_it_learns_a_genre_and_embeds_alike(cheap, method):
    model = Linear(GENRE, method, seed=2).fit(cheap)
    found = model.embed_split(cheap, "test")
    triplets = sample_triplets(GENRE, found.labels, 2000, 0)
    assert triplet_accuracy(found.vectors, triplets, rounds=1).value > 0.9
    assert found.vectors.dtype == np.float32 and len(found.windows) == 30
    row = next(iter(read_tracks(cheap, "test")))
    np.testing.assert_allclose(model.embed(row["log_mel"]), found.vectors[0], atol=1e-5)
    again = Linear(GENRE, method, seed=2).fit(cheap).embed_split(cheap, "test")
    np.testing.assert_array_equal(found.vectors, again.vectors)


def test_several_maps_share_statistics_that_are_made_once(cheap, monkeypatch):
    shared = MfccStats().fit(cheap)
    test = shared.embed_split(cheap, "test")
    alone = Linear(GENRE, "lda").fit(cheap).embed_split(cheap, "test")
    monkeypatch.setattr(mfcc_stats, "mfcc_frames", None)  # nothing is computed from here on
    for condition in (GENRE, TEMPO):
        found = Linear(condition, "lda").fit(cheap, statistics=shared).see(test)
        assert found.ids == test.ids and len(found.windows) == len(test.windows)
    np.testing.assert_array_equal(Linear(GENRE, "lda").fit(cheap, statistics=shared).see(test).vectors, alone.vectors)
    with pytest.raises(UserError, match="call fit"):
        Linear(GENRE, "lda").see(test)


def test_mfcc_statistics_are_scaled_means_and_deviations(cheap):
    model = MfccStats().fit(cheap)
    found = model.embed_split(cheap, "test")
    train, test = (
        [mfcc_stats.mfcc_frames(row["log_mel"], None).astype(np.float64) for row in read_tracks(cheap, split)]
        for split in ("train", "test")
    )
    raw, mine = (np.array([np.r_[x[:, :13].mean(0), x.std(0)] for x in part]) for part in (train, test))
    np.testing.assert_allclose(found.vectors, (mine - raw.mean(0)) / raw.std(0), atol=1e-3)
    np.testing.assert_allclose(model.vectors, (raw - raw.mean(0)) / raw.std(0), atol=1e-3)
    assert model.labels["genre"].shape == (60, 1) and len(model.labels["tempo"]) == 60
    with pytest.raises(UserError, match="no z-score yet"):
        MfccStats().embed(np.zeros((129, 128)))


def test_mfcc_statistics_of_a_window_are_of_the_size_of_a_songs(tmp_path, monkeypatch):
    monkeypatch.setattr(mfcc_stats, "mfcc_frames", mfcc_vq.mfcc_frames)
    dataset = write_dataset(tmp_path / "long", {"train": 30, "test": 10}, shards=1, frames=1290)
    found = MfccStats().fit(dataset).embed_split(dataset, "test")
    assert found.vectors.shape == (10, 52) and found.windows.shape == (100, 52)
    # The mean of a derivative, z-scored on whole songs, would be ten times as large over a tenth of one.
    assert (np.abs(found.windows).mean(0) / np.abs(found.vectors).mean(0)).max() < 7


def test_lda_has_one_number_less_than_classes(cheap):
    assert Linear(GENRE, "lda").fit(cheap).embed_split(cheap, "test").vectors.shape == (30, 2)
    assert Linear(TEMPO, "nca", examples=20).fit(cheap).embed_split(cheap, "test").vectors.shape == (30, 12)


def test_lda_equals_scikit_learns_transform():
    rng = np.random.default_rng(0)
    vectors, tags = rng.normal(size=(50, 4)), rng.integers(3, size=(50, 1)).astype(np.int32)
    expected = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit_transform(vectors, tags[:, 0])
    found = vectors @ Linear(GENRE, "lda")._learn(vectors, {"genre": tags, "track": np.arange(50)})
    np.testing.assert_allclose(found - found.mean(axis=0), expected - expected.mean(axis=0), atol=1e-9)


def test_bad_input(cheap):
    with pytest.raises(UserError, match="unknown method 'svm'; known are: lda, nca, mahalanobis"):
        Linear(GENRE, "svm")
    with pytest.raises(UserError, match="windows of one track"):
        Linear(SameTrack("track"), "lda")
    with pytest.raises(UserError, match="call fit"):
        Linear(GENRE, "lda").embed(np.zeros((129, 128)))
    alike = {"genre": np.zeros((4, 1), np.int32), "track": np.arange(4)}
    for method, message in (("lda", "two classes"), ("nca", "two classes"), ("mahalanobis", "no triplet")):
        with pytest.raises(UserError, match=message):
            Linear(GENRE, method)._learn(np.ones((4, 3)), alike)
