"""Embedding a split: windows, batches across tracks, means."""

import numpy as np
import pytest
from tensorflow import keras

from dmml_tf.data.records import read_tracks
from dmml_tf.data.signal import LOG_MEL, whole_windows
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import TrackTable, embed_split, label_rows
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError


def network(size: int = 8) -> keras.Model:
    """A tiny functional model with the interface of `build_embedding`."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((129, 128))
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(inputs)))


@pytest.mark.parametrize(
    "frames, hop, expected",
    [
        (129, 129, [0]),
        (130, 129, [0]),
        (257, 129, [0]),
        (258, 129, [0, 129]),
        (430, 129, [0, 129, 258]),
        (40, 129, [0]),
        (0, 129, [0]),
        (260, 64, [0, 64, 128]),
    ],
)
def test_windows_lie_whole_in_the_track_or_start_at_its_beginning(frames, hop, expected):
    starts = whole_windows(frames, 129, hop)
    assert starts.tolist() == LOG_MEL.starts({"log_mel": np.zeros((frames, 4))}, hop).tolist() == expected
    assert starts.dtype == np.int32


def test_a_short_track_is_filled_with_zeros():
    window = LOG_MEL.cut({"log_mel": np.ones((40, 4), np.float32)}, 0)
    assert window.shape == (129, 4)
    assert window[:40].all() and not window[40:].any()


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_vectors_equal_a_loop_over_single_windows(synthetic, batch_size):
    model = network()
    embedded = embed_split(Embedder(model, synthetic.features, batch_size), synthetic, "test", track_progress=False)
    kernel, bias = (np.asarray(w) for w in model.get_weights())
    position = 0
    for number, row in enumerate(read_tracks(synthetic, "test")):
        assert embedded.ids[number] == row["track_id"]
        assert (embedded.artists[number], embedded.titles[number]) == (row["artist"], row["title"])
        expected = [
            row["log_mel"][start : start + 129].astype(np.float32).mean(axis=0) @ kernel + bias
            for start in (0, 129, 258)
        ]
        np.testing.assert_allclose(embedded.windows[position : position + 3], expected, atol=1e-4)
        np.testing.assert_allclose(embedded.vectors[number], np.mean(expected, axis=0), atol=1e-4)
        assert embedded.window_track[position : position + 3].tolist() == [number] * 3
        assert embedded.window_start[position : position + 3].tolist() == [0, 129, 258]
        position += 3
    assert position == len(embedded.windows) == 48
    assert embedded.vectors.dtype == embedded.windows.dtype == np.float32


def test_tracks_shorter_than_a_window_have_one(tmp_path):
    dataset = write_dataset(tmp_path, {"test": 3}, shards=1, frames=50)
    embedded = embed_split(Embedder(network(), dataset.features), dataset, "test", track_progress=False)
    assert embedded.vectors.shape == (3, 8) and embedded.windows.shape == (3, 8)
    np.testing.assert_allclose(embedded.vectors, embedded.windows, rtol=1e-6)


def test_labels_alone_are_those_of_the_embedded_tracks(synthetic):
    table = TrackTable.of(synthetic, label_rows(synthetic, "test"))
    embedded = embed_split(Embedder(network(), synthetic.features), synthetic, "test", track_progress=False)
    assert (table.ids, table.artists, table.titles) == (embedded.ids, embedded.artists, embedded.titles)
    assert table.labels.keys() == embedded.labels.keys() >= {"genre", "mood", "instrument", "tempo", "track"}
    for name, column in table.labels.items():
        np.testing.assert_array_equal(column, embedded.labels[name])


def test_an_empty_split_is_bad_input(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 2}, shards=1)
    with pytest.raises(UserError, match="holds no track"):
        embed_split(Embedder(network(), dataset.features), dataset, "test", track_progress=False)


def test_of_long_tracks_no_more_than_the_frames_asked_for_are_embedded(synthetic):
    embedder = Embedder(network(), synthetic.features)
    whole, begun = (
        embed_split(embedder, synthetic, "test", track_progress=False, limit=3, frames=frames) for frames in (None, 260)
    )
    assert len(begun.ids) == 3 and len(whole.windows) > len(begun.windows) == 6
    first = [np.flatnonzero(whole.window_track == track)[:2] for track in range(3)]
    np.testing.assert_allclose(begun.windows, whole.windows[np.concatenate(first)], atol=1e-6)
    assert begun.window_start.tolist() == [0, 129] * 3
