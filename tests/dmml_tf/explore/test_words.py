"""Songs by words, as brute force finds them."""

import itertools

import numpy as np
import pytest

from dmml_tf.explore.words import Words, plain

TRACKS = [
    {"id": f"a/{i}.flac", "title": title, "artist": "Nina|Señor Coconut", "split": "test", "seconds": "180"}
    for i, title in enumerate(["Río\nManzanares", "rio", "amber river", "", "Ember RIO amber", "rıo ﬁn"])
]


def brute_force(text: str) -> list[int]:
    lines = [plain(" ".join([track["id"], track["title"], track["artist"]])) for track in TRACKS]
    return [row for row, line in enumerate(lines) if all(word in line for word in plain(text).split())]


@pytest.mark.parametrize(
    "text", ["", "rio", "RÍO amber", "amber amber", "senor", "a/4", "flac", "test", "180", "fin", "x"]
)
def test_all_words_in_any_case_and_accents_aside(text):
    assert list(Words(TRACKS).rows(text)) == brute_force(text)


def test_a_word_does_not_reach_from_one_song_into_the_next():
    assert list(Words([{"title": "ab"}, {"title": "cd"}]).rows("bc")) == []
    assert list(Words([{"title": "a\nb"}, {"title": "b"}]).rows("b")) == [0, 1]
    assert list(Words([]).rows("a")) == [] == list(Words([]).rows(""))


def test_made_songs():
    rng = np.random.default_rng(0)
    tracks = [{"title": "".join(rng.choice(list("abc "), 6))} for _ in range(200)]
    words = Words(tracks)
    for pair in itertools.product(["a", "ab", "cc", "bca"], ["b", "ac"]):
        expected = [row for row, track in enumerate(tracks) if all(word in track["title"] for word in pair)]
        assert list(words.rows(" ".join(pair))) == expected
