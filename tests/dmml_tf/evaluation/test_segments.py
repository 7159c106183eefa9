"""Segments as items of an evaluation: their vectors, triplets and figures against loops."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.data.records import label_arrays
from dmml_tf.data.segments import Segments
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.accuracy import bootstrap, interval, is_correct
from dmml_tf.evaluation.by_condition import retrieval_by_condition
from dmml_tf.evaluation.segments import embedded_segments, score_segments
from dmml_tf.evaluation.views import Views
from dmml_tf.spaces import unit
from tests.dmml_tf.data.test_segment_labels import pieces, song
from tests.synthetic import SEGMENTED_SCHEMA
from tests.triplet_oracle import tags_of
from tfrecords_tools.features import PAPER_CHAIN

CONDITIONS = Conditions(
    [SharedTag("genre", width=3, share=0), Within("tempo", 5.0, width=2), SameTrack("track", width=0)]
)
FRAME = 1 / PAPER_CHAIN.frames_per_second
WINDOW = 129 * FRAME


def made(songs: int = 24, windows: int = 8, seed: int = 0) -> Embedded:
    """Songs of two or three genres and tempi, and of one in every fourth; vectors tell the genre of a window."""
    rng, rows, vectors = np.random.default_rng(seed), [], []
    for number in range(songs):
        genres, bounds = rng.permutation(3), [0.0, *np.sort(rng.uniform(2, 22, 2)), windows * WINDOW]
        parts = [
            (begin, end, [int(genre)], float(rng.choice([np.nan, 90.0, 120.0])))
            for begin, end, genre in zip(bounds, bounds[1:], genres)
        ]
        rows.append(song([0, 1], 100.0, **(pieces(*parts) if number % 4 else {})))
        middles = (np.arange(windows) + 0.5) * WINDOW
        heard = genres[np.searchsorted(bounds[1:-1], middles)]
        vectors.append(np.concatenate([np.eye(3)[heard], np.ones((windows, 2))], 1) + rng.normal(0, 0.4, (windows, 5)))
    labels = label_arrays(SEGMENTED_SCHEMA, rows)
    names, every = [f"t{number}" for number in range(songs)], np.concatenate(vectors).astype(np.float32)
    means = np.stack([part.mean(axis=0) for part in vectors]).astype(np.float32)
    track, start = np.repeat(np.arange(songs, dtype=np.int32), windows), np.tile(129 * np.arange(windows), songs)
    segments = Segments.of(SEGMENTED_SCHEMA, rows, labels)
    return Embedded(names, names, names, labels, means, every, track, start.astype(np.int32), segments)


def of_loops(embedded: Embedded) -> list[tuple[int, float, float, np.ndarray]]:
    """(song, begin, end, vector) of each segment in which a window lies."""
    items = []
    segments = embedded.segments
    for song_, begin, end in zip(segments.track, segments.begin, segments.end):
        whole, most = [], []
        for vector, track, start in zip(embedded.windows, embedded.window_track, embedded.window_start):
            held = min(end, start * FRAME + WINDOW) - max(begin, start * FRAME)
            if track == song_ and held > WINDOW - 1e-4:
                whole.append(vector)
            elif track == song_ and held > 0.75 * WINDOW:
                most.append(vector)
        if whole or most:
            items.append((int(song_), begin, end, np.mean(np.array(whole or most, np.float64), axis=0)))
    return items


def scores_of(embedded: Embedded, conditions: Conditions = CONDITIONS, count: int = 300):
    views = Views.of_conditions(conditions, embedded.vectors.shape[1])
    return score_segments(embedded, conditions, views, PAPER_CHAIN, count, seed=3)


def test_a_segment_is_the_mean_of_the_windows_that_lie_in_it():
    embedded = made()
    items, found = of_loops(embedded), embedded_segments(embedded, embedded.segments, PAPER_CHAIN)
    assert 0 < len(items) < len(embedded.segments)
    assert found.labels["track"].tolist() == [item[0] for item in items]
    assert found.ids == [f"t{item[0]}" for item in items]
    np.testing.assert_allclose(found.vectors, [item[3] for item in items], atol=1e-6)
    scores = scores_of(embedded)
    songs = len({item[0] for item in items})
    short = len(embedded.segments) - len(items)
    assert scores.counts() == {"segments": len(items), "songs": songs, "too_short": short}


def test_triplets_are_of_segments_and_a_negative_may_be_of_the_same_song():
    scores = scores_of(made())
    labels, triplets = scores.embedded.labels, scores.held_out.triplets["genre"]
    assert set(scores.held_out.triplets) == {"genre", "tempo"} and len(triplets) == 300
    own = 0
    for anchor, positive, negative in triplets:
        mine, near, far = (tags_of(labels, "genre", item) for item in (anchor, positive, negative))
        assert mine & near and far and not mine & far
        assert labels["track"][anchor] != labels["track"][positive]
        own += labels["track"][anchor] == labels["track"][negative]
    assert own > 0


def test_accuracy_and_its_interval_by_songs():
    scores = scores_of(made())
    triplets, song_of = scores.held_out.triplets["genre"], scores.embedded.labels["track"]
    space = unit(scores.embedded.vectors[:, :3])
    right = is_correct(space, triplets)
    low, high = interval(bootstrap(right, song_of[triplets], 24, seed=3))
    found = scores.triplet_accuracy["subspace"]["genre"]
    assert found == {"value": right.mean(), "low": low, "high": high, "n": 300}
    assert found["value"] > scores.triplet_accuracy["whole"]["genre"]["value"] > 0.6
    assert set(scores.triplet_accuracy["whole"]) == {"genre", "tempo", "overall"}


def test_retrieval_among_the_segments_of_other_songs():
    scores = scores_of(made())
    views = Views.of_conditions(CONDITIONS, 5)
    found = retrieval_by_condition(scores.embedded, CONDITIONS, views)["subspace"]["genre"]
    space, labels = unit(scores.embedded.vectors[:, :3]), scores.embedded.labels
    known = [item for item in range(len(space)) if tags_of(labels, "genre", item)]
    figures = []
    for query in known:
        others = [item for item in known if labels["track"][item] != labels["track"][query]]
        others.sort(key=lambda item: (np.square(space[item] - space[query]).sum(), item))
        mine = tags_of(labels, "genre", query)
        right = [bool(mine & tags_of(labels, "genre", item)) for item in others]
        union = set().union(*(tags_of(labels, "genre", item) for item in others[:2]))
        precisions = [sum(right[: i + 1]) / (i + 1) for i in range(sum(right)) if right[i]]
        figures.append(
            (len(mine & union) / len(mine), sum(right[: sum(right)]) / sum(right), sum(precisions) / sum(right))
        )
    expected = np.mean(figures, axis=0)
    assert [found["recall"][2], found["r_precision"], found["map_at_r"]] == pytest.approx(expected, abs=1e-6)
    assert found["queries"] == len(known)


def test_nothing_to_score():
    embedded = made()
    assert scores_of(dataclasses.replace(embedded, segments=None)) is None
    assert scores_of(embedded, Conditions([SameTrack("track", width=0)])) is None
    empty = Segments.of(SEGMENTED_SCHEMA, [song([0], 90.0)] * 24, embedded.labels)
    scores = scores_of(dataclasses.replace(embedded, segments=empty))
    assert scores.counts() == {"segments": 0, "songs": 0, "too_short": 0}
    assert scores.triplet_accuracy["whole"] == {"genre": None, "tempo": None, "overall": None}
    retrieved = retrieval_by_condition(scores.embedded, CONDITIONS, Views.of_conditions(CONDITIONS, 5))
    assert retrieved["whole"] == {"genre": None, "tempo": None}
