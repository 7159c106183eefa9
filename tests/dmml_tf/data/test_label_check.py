"""Labels without a triplet: each fault by name, and never one where brute force finds a triplet."""

import dataclasses
import re

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag, Within
from dmml_tf.data.label_check import check_conditions
from tests.synthetic import SCHEMA, synthetic_track, write_dataset
from tests.tfrecords_tools.made_tables import write_tracks
from tests.triplet_oracle import able_anchors
from tfrecords_tools.dataset import Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.tables.tracks import TRACKS_FILE

GENRE = SharedTag("genre")
TEMPO = Within("beat", 5.0, column="tempo")
ARTIST = SharedTag("artist")
TRACK = SameTrack("track", width=0)
FOLK, JAZZ, ROCK = SCHEMA.vocabularies["genre"]


def table(folder, tracks, split="train"):
    """A dataset without sound; each of `tracks` is (genre, tempo, artist)."""
    rows = [
        [f"t{n}", f"Song {n}", artist, split, "10.000", f"/{n}.flac", genre, "", "", tempo]
        for n, (genre, tempo, artist) in enumerate(tracks)
    ]
    write_tracks(folder / TRACKS_FILE, rows)
    return Dataset(folder, "made", SCHEMA, LogMel(), {split: (Shard("none.tfrecord", len(rows), ""),)})


def fault(dataset, condition, split="train"):
    """The line said, or "" for none."""
    try:
        check_conditions(dataset, split, Conditions([condition]))
    except UserError as error:
        assert "\n" not in str(error) and str(dataset.folder) in str(error) and condition.name in str(error)
        return str(error)
    return ""


@pytest.mark.parametrize(
    "condition, tracks, said",
    [
        (GENRE, [("", 90, "a")] * 5, "none of its 5 tracks is tagged: fill that column of your table, or leave"),
        (
            GENRE,
            [(FOLK, 90, "a")] * 4 + [("", 90, "a")],
            "its 4 tagged tracks are all sim.*no negative: use finer tags",
        ),
        (
            GENRE,
            [(f"{FOLK}|{JAZZ}", 90, "a"), (f"{JAZZ}|{ROCK}", 90, "a"), (f"{FOLK}|{ROCK}", 90, "a")],
            "are all similar",
        ),
        (GENRE, [(FOLK, 90, "a"), (JAZZ, 90, "a"), (ROCK, 90, "a")], "no two tracks share a tag.*no positive"),
        (GENRE, [(f"{FOLK}|{FOLK}", 90, "a"), (JAZZ, 90, "a")], "no two tracks share a tag"),
        (ARTIST, [(FOLK, 90, "")] * 3, "none of its"),
        (ARTIST, [(FOLK, 90, "a")] * 3, "its 3 tagged tracks are all similar"),
        (ARTIST, [(FOLK, 90, "a"), (FOLK, 90, "b")], "no two tracks share"),
        (TEMPO, [(FOLK, "", "a")] * 3, "none of its 3 tracks has a value"),
        (TEMPO, [(FOLK, 90, "a"), (FOLK, 95, "a"), (FOLK, 93, "a")], "3 tracks with a value all lie within 5 .*lower"),
        (
            TEMPO,
            [(FOLK, 90, "a"), (FOLK, 95.5, "a"), (FOLK, "", "a")],
            "no two tracks lie within 5 .*raise its tolerance",
        ),
        (TRACK, [(FOLK, 90, "a")], "it holds 1 track, so that no other can be a negative"),
    ],
)
def test_each_fault_is_one_line_with_its_reason_and_mend(tmp_path, condition, tracks, said):
    line = fault(table(tmp_path, tracks), condition)
    assert f": condition '{condition.name}' has no triplet in split 'train': " in line
    assert re.search(said, line) and line.endswith("or leave it out of config.order")


@pytest.mark.parametrize("seed", range(40))
def test_a_fault_is_found_exactly_where_no_triplet_exists(tmp_path, seed):
    rng = np.random.default_rng(seed)
    tracks, labels = [], {"genre": [], "tempo": [], "artist": []}
    for _ in range(rng.integers(1, 6)):
        genres = rng.choice(3, rng.integers(0, 3), replace=False).tolist()
        tempo = float(rng.integers(90, 102)) if rng.random() < 0.8 else None
        artist = int(rng.integers(3))
        tracks.append(
            (
                "|".join(SCHEMA.vocabularies["genre"][g] for g in genres),
                "" if tempo is None else tempo,
                f"artist {artist}",
            )
        )
        labels["genre"].append(genres + [-1] * (3 - len(genres)))
        labels["tempo"].append(np.nan if tempo is None else tempo)
        labels["artist"].append([artist])
    columns = {name: np.array(column) for name, column in labels.items()}
    columns.update(track=np.arange(len(tracks)), start=np.zeros(len(tracks), int))
    dataset = table(tmp_path, tracks)
    for condition in (GENRE, TEMPO, ARTIST):
        assert bool(fault(dataset, condition)) == (not able_anchors(condition, columns)), condition.name


def test_good_labels_say_nothing(synthetic, caplog):
    conditions = Conditions([GENRE, TEMPO, ARTIST, TRACK, Judged("votes")])
    check_conditions(synthetic, "train", conditions)
    check_conditions(synthetic, "valid", conditions)
    assert not caplog.records


def test_without_the_table_the_records_are_read(tmp_path):
    dataset = write_dataset(tmp_path, {"train": 12, "valid": 3}, frames=135)
    (tmp_path / TRACKS_FILE).unlink()
    check_conditions(dataset, "train", Conditions([GENRE, ARTIST, TRACK]))
    # No two of its tempi are as close as that.
    close = dataclasses.replace(TEMPO, tolerance=1e-5)
    with pytest.raises(UserError, match="condition 'beat' .* split 'train': no two tracks lie within 1e-05"):
        check_conditions(dataset, "train", Conditions([GENRE, close]))


def test_of_several_faults_the_first_is_explained_and_all_are_named(tmp_path):
    dataset = table(tmp_path, [("", "", "a")] * 3)
    with pytest.raises(UserError, match=r"condition 'genre' has no triplet.*\(and so for: beat, artist\)$") as caught:
        check_conditions(dataset, "train", Conditions([GENRE, TEMPO, ARTIST]))
    assert "\n" not in str(caught.value)


def test_another_split_only_warns(tmp_path, caplog):
    dataset = table(tmp_path, [("", 90, "a"), ("", 92, "a"), ("", 120, "b")], "valid")
    check_conditions(dataset, "valid", Conditions([GENRE, TEMPO]))
    assert "condition 'genre' has no triplet in split 'valid'" in caplog.text and "'beat'" not in caplog.text


def test_of_several_artists_each_counts(tmp_path):
    assert fault(table(tmp_path, [("", "", "a|b"), ("", "", "b|c"), ("", "", "d")]), ARTIST) == ""
    assert "no two tracks share" in fault(table(tmp_path, [("", "", "a|b"), ("", "", "c"), ("", "", "d")]), ARTIST)


def test_what_no_triplet_is_asked_of_is_not_looked_at(tmp_path):
    dataset = table(tmp_path, [("", 90, "a"), ("", 92, "a"), ("", 120, "b")])
    check_conditions(dataset, "train", Conditions([dataclasses.replace(GENRE, share=0.0), TEMPO]))
    with pytest.raises(UserError, match="condition 'genre'"):
        check_conditions(dataset, "train", Conditions([GENRE, TEMPO]))


def test_what_learns_tags_themselves_needs_no_negative(tmp_path):
    alike = table(tmp_path, [("folk", "", "a"), ("folk|jazz", "", "b"), ("folk|rock", "", "c")])
    assert "no negative" in fault(alike, GENRE)
    check_conditions(alike, "train", Conditions([GENRE]), triplets=False)
    untagged = table(tmp_path, [("", "", "a"), ("", "", "b")])
    with pytest.raises(UserError, match="'genre' has no label in split 'train': none of its 2 tracks is tagged"):
        check_conditions(untagged, "train", Conditions([GENRE]), triplets=False)


@pytest.mark.parametrize(
    "tempi, said",
    [
        ((70, 141, 100), ""),
        ((60, 90, 150), "no two tracks lie within 2 of"),
        ((70, 140, 281), "all lie within 2 of one"),
    ],
)
def test_octaves_count_as_alike(tmp_path, tempi, said):
    condition = Within("beat", 2.0, column="tempo", octave=True)
    assert said in fault(table(tmp_path, [("folk", str(bpm), "a") for bpm in tempi]), condition)
    assert bool(fault(table(tmp_path, [("folk", str(bpm), "a") for bpm in tempi]), condition)) == bool(said)


def changing(folder, songs):
    """A dataset of songs, each (own genres, own tempo, [(genre ids, tempo) of its segments])."""
    count = iter(range(len(songs)))

    def make(number, rng, frames, unlabelled):
        genres, tempo, segments = songs[next(count)]
        track = synthetic_track(number, rng, frames) | {"tags/genre": genres, "values/tempo": tempo}
        seconds = np.linspace(0, track["duration"], len(segments) + 1)
        return track | {
            "segments/start": seconds[:-1],
            "segments/end": seconds[1:],
            "segments/tags/genre": [(n, tag) for n, (tags, _) in enumerate(segments) for tag in tags],
            "segments/values/tempo": [beat for _, beat in segments],
        }

    return write_dataset(folder, {"train": len(songs)}, frames=130, make_track=make, segments=True)


@pytest.mark.parametrize(
    "condition, songs, said",
    [
        (GENRE, [([], 90, [([0], 90), ([1], 90)]), ([], 90, [([0], 90)])], ""),  # all labels are those of segments
        (GENRE, [([], 90, [([], 95)])] * 3, "none of its 3 tracks is tagged"),
        (GENRE, [([0], 90, [([0], 95)]), ([0], 90, [])], "are all similar"),
        (GENRE, [([0], 90, [([2], 90)]), ([1], 90, [])], "no two tracks share a tag"),
        (TEMPO, [([], None, [([], 90), ([], 120)]), ([], 91, [])], ""),
        (TEMPO, [([], 92, [([], 90), ([], 93)]), ([], 91, [])], "all lie within 5 of one another"),
    ],
    ids=["segments alone", "none", "alike", "apart", "tempo", "one tempo"],
)
def test_labels_of_segments_count(tmp_path, condition, songs, said):
    line = fault(changing(tmp_path, songs), condition)
    assert said in line and bool(line) == bool(said)


def test_no_record_is_read_where_the_songs_own_labels_are_enough(tmp_path, monkeypatch):
    dataset = changing(tmp_path, [([0], 90, [([1], 90)]), ([0], 99, []), ([1], 91, [])])
    monkeypatch.setattr("dmml_tf.data.label_check.read_tracks", None)
    assert not fault(dataset, GENRE) and not fault(dataset, TEMPO)
