"""Songs whose sub-spaces tell their labels: genre (tags) and tempo (a value) with 4 and 3 numbers."""

import numpy as np

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.embed.split import Embedded

CONDITIONS = Conditions(
    [SharedTag("genre", width=4), Within("tempo", 5.0, width=3), SameTrack("track", width=0, weight=0.5)]
)
VOCABULARIES = {"genre": ("folk", "jazz", "rock", "rare")}


def songs(count: int, seed: int, noise: float = 0.3, tells: bool = True) -> Embedded:
    """`count` songs of 7 artists; every fifth is unlabelled; with `tells` False the vectors know nothing of them."""
    rng = np.random.default_rng(seed)
    genre = rng.integers(3, size=count)
    second = np.where(rng.random(count) < 0.3, (genre + 1) % 3, -1)
    tempo = rng.uniform(60, 180, count).astype(np.float32)
    angle = (tempo - 60) / 120 * np.pi / 2
    vectors = np.concatenate(
        [np.eye(4)[genre] + np.where(second[:, None] >= 0, 0.7 * np.eye(4)[second], 0.0), np.zeros((count, 3))], axis=1
    )
    vectors[:, 4:6] = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if not tells:
        vectors = rng.normal(size=vectors.shape)
    vectors[:, :4] += noise * rng.normal(size=(count, 4))
    column = np.stack([genre, second], axis=1).astype(np.int32)
    unlabelled = np.arange(count) % 5 == 4
    column[unlabelled], tempo[unlabelled] = -1, np.nan
    labels = {"genre": column, "tempo": tempo, "track": np.arange(count, dtype=np.int32)}
    names = [f"t{i}" for i in range(count)]
    nothing = np.zeros(0, np.int32)
    return Embedded(
        names,
        [f"artist {i % 7}" for i in range(count)],
        names,
        labels,
        vectors.astype(np.float32),
        vectors,
        nothing,
        nothing,
    )
