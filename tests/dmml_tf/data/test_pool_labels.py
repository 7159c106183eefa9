"""Labels that follow a pool: after any replacements what `label_arrays` says of the rows that are held then."""

import numpy as np
import pytest

from dmml_tf.data.pool_labels import Numbers, PoolLabels
from dmml_tf.data.records import label_arrays
from tfrecords_tools.schema import Schema


def made_row(rng, song: int) -> dict:
    tags = np.flatnonzero(rng.random(9) < rng.random())
    return {
        "track_id": f"song-{song}",
        "artist": " / ".join(f"artist {n}" for n in rng.integers(6, size=rng.integers(1, 3))),
        "tags/genre": tags,
        "values/tempo": float(song) if rng.random() < 0.7 else np.nan,
    }


def same_pairs(ids) -> np.ndarray:
    """bool [N, N]: which two have a number in common."""
    return np.array([[bool(({*a} & {*b}) - {-1}) for b in ids.tolist()] for a in ids.tolist()])


@pytest.mark.parametrize("vocabulary", [False, True])
def test_after_replacements_the_columns_are_those_of_what_is_held(vocabulary):
    rng = np.random.default_rng(3)
    tags = {"genre": tuple("abcdefghi"), **({"artist": tuple("xyz")} if vocabulary else {})}
    schema = Schema(tags, ("tempo",))
    songs = [made_row(rng, song) | ({"tags/artist": [song % 3]} if vocabulary else {}) for song in range(40)]
    held = [songs[n] for n in rng.integers(40, size=12)]
    labels = PoolLabels(schema, held)
    for _ in range(150):
        slot, song = rng.integers(12), songs[rng.integers(40)]
        held[slot] = song
        labels.replace(slot, song)
        want, got = label_arrays(schema, held), labels.columns
        assert got.keys() == want.keys() and all(got[name].dtype == want[name].dtype for name in want)
        np.testing.assert_array_equal(got["tempo"], want["tempo"])
        for name in tags:
            assert [[i for i in row if i >= 0] for row in got[name].tolist()] == [
                [i for i in row if i >= 0] for row in want[name].tolist()
            ]
        np.testing.assert_array_equal(same_pairs(got["artist"]), same_pairs(want["artist"]))
        ids = np.array([row["track_id"] for row in held])
        np.testing.assert_array_equal(got["track"][:, None] == got["track"], ids[:, None] == ids)
        assert 0 <= got["track"].min() and got["track"].max() < 13


def test_numbers_stay_few_however_many_names_pass():
    numbers = Numbers()
    first = numbers.take("stays")
    for n in range(1000):
        assert numbers.take(str(n)) <= 2 and numbers.take("stays") == first
        numbers.release(str(n))
        numbers.release("stays")
