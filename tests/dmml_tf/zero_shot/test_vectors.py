"""Vectors of tags from co-occurrence and from words, against counting by hand; and what is held out."""

import dataclasses
import math

import numpy as np
import pytest

from dmml_tf.zero_shot.vectors import (
    TagVectors,
    build_tag_vectors,
    cooccurrence_vectors,
    held_out_tags,
    vectors_from_words,
)
from tests.made_tag_table import write_tracks
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.tracks import load_tracks, track_rows

SCHEMA = Schema({"genre": ("folk", "jazz", "rock"), "mood": ("calm", "happy", "sad")}, ("tempo",))
BINS = 3


def made_rows(count=60, seed=0):
    """Rows of (split, genres, moods, tempo), some of them unlabelled; folk is calm and slow."""
    rng, rows = np.random.default_rng(seed), []
    for n in range(count):
        genre = int(rng.integers(3))
        mood = [] if n % 7 == 0 else [0 if genre == 0 else int(rng.integers(3))]
        if n % 5 == 0 and mood and mood[0] < 2:
            mood = [mood[0], 2]
        tempo = None if n % 6 == 0 else float(60 + 30 * genre + rng.uniform(0, 25))
        rows.append(("train", [genre], mood, tempo))
    return rows


def tracks_of(folder, rows, schema=SCHEMA):
    write_tracks(folder, schema, rows)
    return load_tracks(track_rows(folder, schema), schema)


def labels_by_hand(rows):
    """[(column, label) of each row], and the columns that it labels: the bins are equally filled."""
    tempos = sorted(row[3] for row in rows if row[3] is not None)
    edges = [np.quantile(tempos, share) for share in (1 / 3, 2 / 3)]
    out = []
    for _, genres, moods, tempo in rows:
        labels = {("genre", g) for g in genres} | {("mood", m) for m in moods}
        if tempo is not None:
            labels.add(("tempo", sum(tempo >= edge for edge in edges)))
        out.append(labels)
    return out


def information_by_hand(rows):
    items = labels_by_hand(rows)
    names = [(c, n) for c in ("genre", "mood", "tempo") for n in range(3)]
    found = np.zeros((9, 9))
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            both = [labels for labels in items if a[0] in dict(labels) and b[0] in dict(labels)]
            together = sum(a in labels and b in labels for labels in both)
            if i != j and together:
                mine, its = (sum(x in labels for labels in both) for x in (a, b))
                found[i, j] = max(0.0, math.log(together * len(both) / (mine * its)))
    return found


def test_cooccurrence_against_counting_by_hand(tmp_path):
    rows = made_rows()
    found = cooccurrence_vectors(tracks_of(tmp_path, rows), SCHEMA.vocabularies, 8, BINS)
    left, scale, _ = np.linalg.svd(information_by_hand(rows))
    expected = (left * np.sqrt(scale))[:, :8]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    ours = np.concatenate([found["genre"], found["mood"]])
    assert found["genre"].shape == (3, 8) and ours.dtype == np.float32
    np.testing.assert_allclose(ours @ ours.T, expected[:6] @ expected[:6].T, atol=1e-4)  # signs are free


def test_tags_that_go_with_the_same_labels_are_near(tmp_path):
    rng, rows = np.random.default_rng(1), []
    for _ in range(200):
        kind = int(rng.integers(2))  # folk and jazz are calm and slow, rock is happy and fast
        rows.append(("train", [int(rng.integers(2)) if kind == 0 else 2], [kind], 60.0 + 80 * kind + rng.uniform()))
    genre = cooccurrence_vectors(tracks_of(tmp_path, rows), SCHEMA.vocabularies, 2, BINS)["genre"]
    assert genre[0] @ genre[1] > 0.95 and genre[0] @ genre[2] < 0.1


def test_a_tag_that_nobody_carries_has_no_vector_and_size_is_bounded(tmp_path):
    rows = [("train", [0], [0], 70.0), ("train", [1], [1], 90.0), ("train", [0], [0], 71.0)] * 4
    found = cooccurrence_vectors(tracks_of(tmp_path, rows), SCHEMA.vocabularies, 500, BINS)
    assert found["genre"].shape == (3, 8)  # nine labels
    assert np.isnan(found["genre"][2]).all() and np.isfinite(found["genre"][:2]).all()
    np.testing.assert_allclose(np.linalg.norm(found["genre"][:2], axis=1), 1.0, atol=1e-5)


def test_labels_that_never_meet_give_nothing(tmp_path):
    rows = [("train", [n % 3], [], None) for n in range(9)]
    with pytest.raises(UserError, match="no tag goes with another label .* config.zero_shot.words"):
        cooccurrence_vectors(tracks_of(tmp_path, rows), SCHEMA.vocabularies, 4, BINS)


def test_only_labels_of_the_train_split_are_read(synthetic, tmp_path):
    dataset = dataclasses.replace(synthetic, folder=tmp_path, schema=SCHEMA)
    train, test = made_rows(), [("test", [2], [0], 60.0), ("valid", [2], [0], 60.0)] * 50
    write_tracks(tmp_path, SCHEMA, [row for pair in zip(test, train) for row in pair])
    mixed = build_tag_vectors(dataset, ["mood", "genre"], "", 8, BINS)
    write_tracks(tmp_path, SCHEMA, train)
    alone = build_tag_vectors(dataset, ["mood", "genre"], "", 8, BINS)
    assert list(mixed.columns) == ["mood", "genre"] and mixed.source["split"] == "train"
    for column in mixed.columns:
        np.testing.assert_array_equal(mixed.columns[column], alone.columns[column])


def test_from_words(tmp_path, caplog):
    path = tmp_path / "v.txt"
    path.write_text("hip 1 0\nhop 0 1\njazz 3 4\nodd 1 2 3\ncalm 0 0\n", encoding="utf-8")
    found = vectors_from_words(path, {"genre": ("Hip-Hop", "jazz", "skiffle"), "mood": ("calm",), "none": ()})
    np.testing.assert_allclose(found.columns["genre"][:2], [[0.5**0.5] * 2, [0.6, 0.8]], atol=1e-6)
    assert found.known("genre").tolist() == [True, True, False] and found.known("mood").tolist() == [False]
    assert found.columns["none"].shape == (0, 2) and found.size == 2
    assert found.source["missing"] == ["skiffle"] and found.source["skipped_lines"] == 1
    assert "skiffle" in caplog.text and "1 lines skipped" in caplog.text


def test_a_column_needs_two_tags_with_a_vector(synthetic, tmp_path, caplog):
    path = tmp_path / "v.txt"
    path.write_text("folk 1 0\njazz 0 1\ncalm 1 1\n", encoding="utf-8")
    found = build_tag_vectors(synthetic, ["genre"], str(path), 32, 6)
    assert found.known("genre").tolist() == [True, True, False] and "1 tags have no vector" in caplog.text
    with pytest.raises(UserError, match="column 'mood': fewer than two of its 2 tags have a vector"):
        build_tag_vectors(synthetic, ["genre", "mood"], str(path), 32, 6)


VOCABULARIES = {"genre": tuple("abcdefghij"), "mood": tuple("uvwxyz")}


def vectors(lacking=()):
    columns = {name: np.ones((len(tags), 3), np.float32) for name, tags in VOCABULARIES.items()}
    for name, place in lacking:
        columns[name][place] = np.nan
    return TagVectors(columns, {})


def test_a_share_is_held_out_by_seed_and_column():
    found = held_out_tags({"genre": 0.2, "mood": 0.05}, VOCABULARIES, vectors(), 3)
    assert len(found["genre"]) == 2 and len(found["mood"]) == 1 and found["genre"] == tuple(sorted(found["genre"]))
    assert held_out_tags({"genre": 0.2}, VOCABULARIES, vectors(), 3) == {"genre": found["genre"], "mood": ()}
    assert len({held_out_tags({"genre": 0.2}, VOCABULARIES, vectors(), seed)["genre"] for seed in range(20)}) > 5
    for seed in range(20):  # a tag without a vector could not be asked for anyway
        assert "d" not in held_out_tags({"genre": 0.5}, VOCABULARIES, vectors([("genre", 3)]), seed)["genre"]


def test_a_share_leaves_two_tags_to_train_on():
    assert len(held_out_tags({"mood": 1.0}, VOCABULARIES, vectors(), 0)["mood"]) == 4
    two = vectors([("mood", place) for place in range(4)])
    assert held_out_tags({"mood": 0.2}, VOCABULARIES, two, 0)["mood"] == ()


def test_tags_by_name_are_held_out_in_the_vocabularys_order():
    found = held_out_tags({"genre": ["j", "b"], "era": 0.5}, VOCABULARIES, vectors(), 0)
    assert found == {"genre": ("b", "j"), "mood": ()}


@pytest.mark.parametrize(
    "wanted, message",
    [
        ({"genre": ["b", "k"]}, "held_out.genre: 'k' is no tag"),
        ({"genre": 1.2}, "held_out.genre is 1.2; give a share"),
        ({"genre": -0.1}, "is -0.1"),
        ({"mood": list("uvxyz")}, "holds out 5 of 6 tags; leave two"),
        ({"mood": ["w"]}, "'w' is no tag of that column with a vector; near it: "),
    ],
)
def test_what_cannot_be_held_out(wanted, message):
    with pytest.raises(UserError, match=message):
        held_out_tags(wanted, VOCABULARIES, vectors([("mood", 2)] if "w" in str(wanted) else ()), 0)
