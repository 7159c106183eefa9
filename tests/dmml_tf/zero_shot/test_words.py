"""Word vectors in text, against a plain reading of the same lines."""

import hashlib

import numpy as np
import pytest

from dmml_tf.zero_shot import words as word_vectors
from dmml_tf.zero_shot.words import phrase_vector, read_word_vectors, words_of
from tfrecords_tools.errors import UserError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def numbers(seed, count):
    return np.random.default_rng(seed).normal(size=(count, 5)).round(4)


def test_the_words_asked_for_and_no_others(tmp_path):
    names, values = [f"word{n}" for n in range(300)], numbers(0, 300)
    lines = [" ".join([name, *map(str, row)]) for name, row in zip(names, values)]
    path = write(tmp_path / "v.txt", "\n".join(lines) + "\n")
    found = read_word_vectors(path, {"word7", "word299", "nowhere", "abroad"})
    assert set(found.vectors) == {"word7", "word299"} and found.size == 5
    assert found.missing == ("abroad", "nowhere") and found.skipped == 0
    for name in found.vectors:
        np.testing.assert_array_equal(found.vectors[name], values[names.index(name)].astype(np.float32))
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_blocks_do_not_matter(tmp_path, monkeypatch):
    lines = [" ".join([f"w{n}", *map(str, row)]) for n, row in enumerate(numbers(1, 50))]
    path, asked = write(tmp_path / "v.txt", "\n".join(lines)), {f"w{n}" for n in range(0, 50, 3)}
    whole = read_word_vectors(path, asked)
    monkeypatch.setattr(word_vectors, "_BLOCK", 64)
    parts = read_word_vectors(path, asked)
    assert parts.sha256 == whole.sha256 and set(parts.vectors) == set(whole.vectors) == asked
    assert all(np.array_equal(parts.vectors[name], whole.vectors[name]) for name in asked)


@pytest.mark.parametrize("header", ["", "3 2\n"], ids=["glove", "word2vec"])
def test_both_forms_and_lines_of_another_length(tmp_path, header):
    path = write(tmp_path / "v.txt", header + "rock 1 2\nhip hop 9 9\njazz 3 4 \n\nshort 1\nfolk\t5\t6\r\n")
    found = read_word_vectors(path, {"rock", "jazz", "folk", "hip", "short"})
    assert {name: vector.tolist() for name, vector in found.vectors.items()} == {
        "rock": [1, 2],
        "jazz": [3, 4],
        "folk": [5, 6],
    }
    assert found.skipped == 2 and found.missing == ("hip", "short") and found.size == 2


def test_case_is_ignored_and_small_letters_come_first(tmp_path):
    path = write(tmp_path / "v.txt", "Rock 1 1\nROCK 2 2\nrock 3 3\nrock 4 4\nÉlan 5 5\nJazz 6 6\njAZZ 7 7\n")
    found = read_word_vectors(path, {"rock", "élan", "jazz"})
    assert {name: vector[0] for name, vector in found.vectors.items()} == {"rock": 3, "élan": 5, "jazz": 6}


def test_a_value_that_is_no_number_is_refused_only_where_it_matters(tmp_path):
    path = write(tmp_path / "v.txt", "rock 1 2\njazz nan 1\nfolk 1 x\npolka 1 inf\n")
    assert read_word_vectors(path, {"rock"}).vectors["rock"].tolist() == [1, 2]
    for word, line in (("jazz", 2), ("folk", 3), ("polka", 4)):
        with pytest.raises(UserError, match=rf"v.txt: the vector of '{word}' \(line {line}, .* no finite number"):
            read_word_vectors(path, {"rock", word})


def test_what_is_no_such_file(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="none.txt: cannot be read"):
        read_word_vectors(tmp_path / "none.txt", {"rock"})
    with pytest.raises(UserError, match="holds no word vectors"):
        read_word_vectors(write(tmp_path / "empty.txt", "\n\n"), {"rock"})
    monkeypatch.setattr(word_vectors, "_LONGEST", 100)
    with pytest.raises(UserError, match="a line of 201 bytes"):
        read_word_vectors(write(tmp_path / "binary", "x" * 200 + "\n"), {"rock"})


@pytest.mark.parametrize(
    "tag, words",
    [
        ("Hip-Hop", ["hip", "hop"]),
        ("acoustic_guitar", ["acoustic", "guitar"]),
        ("80s", ["80s"]),
        ("R&B", ["r", "b"]),
        ("Bossa Nova", ["bossa", "nova"]),
        ("---", []),
        ("Café", ["café"]),
    ],
)
def test_words_of_a_tag(tag, words):
    assert words_of(tag) == words


def test_a_phrase_is_the_mean_of_its_words_that_are_there():
    vectors = {"hip": np.array([1.0, 3.0], np.float32), "hop": np.array([3.0, 5.0], np.float32)}
    assert phrase_vector("Hip-Hop", vectors).tolist() == [2.0, 4.0]
    assert phrase_vector("hip replacement", vectors).tolist() == [1.0, 3.0]
    assert phrase_vector("jazz", vectors) is None and phrase_vector("", vectors) is None
