"""Training on songs whose labels change: what a sub-space hears within one song, and one label a song where asked."""

import json

import numpy as np
import pytest

from dmml_tf.data.records import read_tracks
from dmml_tf.run import Run
from dmml_tf.training.train import train
from tests.synthetic import tiny_config, write_dataset
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("halved"), {"train": 60, "valid": 12, "test": 30}, segments=True)


def config(steps=24, **fields):
    config = tiny_config(steps=steps, steps_per_epoch=steps)
    config.order, config.embedding = ("genre",), 64
    config.update(fields)
    return config


def within_songs(run: Run, dataset) -> tuple[float, int]:
    """Share of triplets in order whose negative is the other half of the anchor's own song, and how many there are."""
    rows = [row for row in read_tracks(dataset, "test") if len(row["segments/start"])]
    frames = len(rows[0]["log_mel"])
    windows = np.stack([row["log_mel"][start:][:129] for row in rows for start in (20, frames - 149)])
    vectors = np.asarray(run.embedding()(windows.astype(np.float32)))[:, run.conditions.subspaces["genre"]]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    genre = np.array([tag for row in rows for _, tag in row["segments/tags/genre"]])
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    song, right = np.arange(len(genre)) // 2, []
    for anchor in range(len(genre)):
        for positive in np.flatnonzero((genre == genre[anchor]) & (song != song[anchor])):
            right.append(apart[anchor, positive] < apart[anchor, anchor ^ 1])
    return float(np.mean(right)), len(right)


def test_a_network_hears_which_half_of_a_song_is_which(halved, tmp_path):
    run = train(config(), halved.folder, tmp_path / "run")
    share, count = within_songs(run, halved)
    assert count > 300 and share > 0.7
    assert json.loads((run.folder / "config.json").read_text(encoding="utf-8"))["segments"] is True
    assert Run.load(run.folder).schema == run.schema


def test_the_songs_own_labels_are_all_that_counts_where_segments_are_left_out(halved, tmp_path):
    # Of three genres each song has both of its halves', so that every two songs share one.
    with pytest.raises(UserError, match="'genre' has no triplet in split 'train': .* all similar to one another"):
        train(config(segments=False), halved.folder, tmp_path / "run")
