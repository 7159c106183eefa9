"""Small made things that the tests of search and serving share."""

from typing import TYPE_CHECKING

import numpy as np

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.search.index import Index

if TYPE_CHECKING:
    from tensorflow import keras

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=6),
        SharedTag("mood", width=3),
        Within("tempo", 5.0, width=4),
        SameTrack("track", width=0, weight=0.5),
    ]
)


def tiny_embedding(size: int, seed: int = 0) -> "keras.Model":
    """A small network with the interface of `build_embedding`: [batch, 129, 128] -> [batch, size]."""
    from tensorflow import keras  # the tests of search itself do without

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((129, 128))
    hidden = keras.layers.Conv1D(16, 5, strides=4, activation="relu")(inputs)
    hidden = keras.layers.BatchNormalization()(hidden)
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(hidden)))


def raw_vectors(count: int, seed: int = 0) -> np.ndarray:
    """float32 [count, 13] embeddings, not normalised; row 2 has a zero sub-space."""
    vectors = np.random.default_rng(seed).normal(0, 2, (count, CONDITIONS.size)).astype(np.float32)
    if count > 2:
        vectors[2, CONDITIONS.subspaces["mood"]] = 0.0
    return vectors


def rows(count: int) -> list[dict[str, str]]:
    """Metadata of `count` tracks (no multiple of 7), in an order that is not that of their ids."""
    return [
        {
            "id": f"t{(7 * i) % count:03d}",
            "title": f"Song {i}",
            "artist": f"artist {i % 4}",
            "split": "test",
            "genre": "folk|jazz" if i % 2 else "rock",
            "mood": "",
            "tempo": f"{60 + i}",
        }
        for i in range(count)
    ]


def made_index(count: int = 40, seed: int = 0) -> Index:
    """An index of made tracks."""
    return Index.build(raw_vectors(count, seed), CONDITIONS, rows(count))
