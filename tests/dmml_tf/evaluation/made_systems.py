"""Systems whose vectors tell their labels, and the triplets they are scored on."""

import numpy as np

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.by_condition import accuracy_by_condition
from dmml_tf.evaluation.held_out import HeldOut, hold_out
from dmml_tf.evaluation.views import Views

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=3),
        Within("tempo", 5.0, width=2),
        SameTrack("track", width=0, weight=0.5),
    ]
)


def perfect(tracks: int = 36, noise: float = 0.0) -> Embedded:
    """Tracks whose first three numbers tell the genre and whose last two the tempo; three windows each."""
    rng = np.random.default_rng(0)
    genre, tempo = rng.integers(3, size=tracks), rng.uniform(60, 180, tracks)
    angle = (tempo - 60) / 120 * np.pi / 2
    vectors = np.concatenate([np.eye(3)[genre], np.stack([np.cos(angle), np.sin(angle)], 1)], 1).astype(np.float32)
    vectors += noise * rng.normal(size=vectors.shape).astype(np.float32)
    names = [f"t{i}" for i in range(tracks)]
    labels = {
        "genre": genre[:, None].astype(np.int32),
        "tempo": tempo.astype(np.float32),
        "track": np.arange(tracks, dtype=np.int32),
    }
    windows = np.repeat(vectors, 3, axis=0) + 1e-3 * rng.normal(size=(3 * tracks, 5)).astype(np.float32)
    return Embedded(
        names,
        names,
        names,
        labels,
        vectors,
        windows,
        np.repeat(np.arange(tracks), 3).astype(np.int32),
        np.tile([0, 129, 258], tracks).astype(np.int32),
    )


def held_out_of(embedded: Embedded, conditions: Conditions = CONDITIONS, count: int = 400):
    return hold_out(conditions, embedded.labels, embedded.window_track, embedded.window_start, count, seed=1)


def views_of(embedded: Embedded, conditions: Conditions = CONDITIONS, **fields) -> Views:
    """A network of these conditions; `norm_order` and `learned` as of `Views.of_conditions`."""
    return Views.of_conditions(conditions, embedded.vectors.shape[1], **fields)


def scores_of(embedded: Embedded, held_out: HeldOut, views: Views | None = None, rounds: int = 5) -> dict:
    """Its accuracies, by default as a network of the held-out conditions."""
    views = views_of(embedded, held_out.conditions) if views is None else views
    return accuracy_by_condition(embedded, held_out, views, rounds)
