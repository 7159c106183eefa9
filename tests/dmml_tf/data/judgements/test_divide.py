"""Judgements divided so that no track both trains and validates."""

import numpy as np
import pytest

from dmml_tf.data.judgements.divide import divide
from dmml_tf.data.judgements.votes import Clip


def judgements(*songs):
    return [tuple(Clip(song) for song in three) for three in songs]


def songs_of(triplets):
    return {clip.song for triplet in triplets for clip in triplet}


def drawn(count, songs, seed=0):
    rng = np.random.default_rng(seed)
    return judgements(*([f"s{n}" for n in rng.choice(songs, 3, replace=False)] for _ in range(count)))


def test_a_judgement_is_the_split_of_its_three_tracks():
    split_of = {"a": "train", "b": "train", "c": "train", "d": "valid", "e": "valid", "f": "valid", "g": "test"}
    given = judgements("abc", "def", "abd", "cab", "abg", "abx", "fed")
    parts = divide(given, split_of)
    assert parts == {"train": [given[0], given[3]], "valid": [given[1], given[6]], "test": []}


@pytest.mark.parametrize("seed", range(5))
def test_without_a_valid_judgement_a_tenth_is_held_back_with_its_tracks(seed):
    given = drawn(60, 600, seed)
    parts = divide(given, dict.fromkeys(songs_of(given), "train"), seed)
    assert not songs_of(parts["train"]) & songs_of(parts["valid"])
    assert 6 <= len(parts["valid"]) <= 20 and len(parts["train"]) + len(parts["valid"]) == 60
    assert [t for t in given if t in parts["train"]] == parts["train"]
    assert parts == divide(given, dict.fromkeys(songs_of(given), "train"), seed)


def test_another_seed_holds_back_others():
    given = judgements(*([f"{n}a", f"{n}b", f"{n}c"] for n in range(40)))
    split_of = dict.fromkeys(songs_of(given), "train")
    parts = [divide(given, split_of, seed)["valid"] for seed in (0, 1)]
    assert [len(part) for part in parts] == [4, 4] and parts[0] != parts[1]


def test_judgements_that_hang_together_are_held_back_with_a_warning(caplog):
    given = judgements(*(["hub", f"{n}b", f"{n}c"] for n in range(20)))
    parts = divide(given, dict.fromkeys(songs_of(given), "train"))
    assert (len(parts["train"]), len(parts["valid"])) == (18, 2)
    assert "those held back to validate share tracks" in caplog.text


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_divide_train(count):
    given = judgements("abc")[:count]
    assert divide(given, dict.fromkeys("abc", "train")) == {"train": given, "valid": [], "test": []}
