"""The table a source writes: read back by the manifest's own reader, whole or not at all, with a true summary."""

import csv
import gzip

import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.names import clean
from tfrecords_tools.sources.manifest_out import Dropped, Track, check_tag, write_manifest
from tfrecords_tools.tables.manifest import read_manifest

FOUND = [
    Track("t1", "/x/a.mp3", 'Ann, "B"', "One", "train", {"genre": ["hip, hop", "rock"]}),
    Dropped("t2", "file line 2", "missing", "there is none"),
    Track("t3", "/x/b.mp3", split="test", tags={"genre": ["rock"], "mood": ["sad"]}),
    Dropped("t\udcff4", "file line 4", "missing", "there is none"),
]


@pytest.mark.parametrize("name", ["songs.csv", "new/songs.v1.csv.gz"])
def test_what_is_written_is_what_the_manifest_reads(tmp_path, name):
    summary = write_manifest(iter(FOUND), tmp_path / name, ("genre", "mood"), ("tempo",))
    manifest = read_manifest(tmp_path / name, check_audio=False)
    assert (manifest.tags, manifest.values) == (("genre", "mood"), ("tempo",))
    first, second = manifest
    assert (first.track_id, first.path, first.artist, first.split) == ("t1", "/x/a.mp3", 'Ann, "B"', "train")
    assert first.tags == {"genre": ("hip, hop", "rock"), "mood": ()} and first.values == {"tempo": None}
    assert second.tags == {"genre": ("rock",), "mood": ("sad",)}
    with open(summary.dropped_path, encoding="utf-8", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["track_id", "t2", "t\\udcff4"]
    assert summary.dropped_path.name == name.split("/")[-1].replace(".gz", "").replace(".csv", ".dropped.csv")


def test_a_number_that_is_known_is_written(tmp_path):
    found = [Track("t1", "/x/a.mp3", values={"tempo": 93.8}), Track("t2", "/x/b.mp3")]
    write_manifest(found, tmp_path / "x.csv", (), ("tempo",))
    assert [row.values["tempo"] for row in read_manifest(tmp_path / "x.csv", check_audio=False)] == [93.8, None]


def test_the_summary_counts(tmp_path):
    text = str(write_manifest(FOUND, tmp_path / "x.csv", ("genre", "mood")))
    for part in (
        "2 tracks (1 train, 1 test)",
        "genre: 2 tags, labelled 2 tracks (100.0%)",
        "mood: 1 tags, labelled 1 tracks (50.0%)",
        "artist: known of 1 tracks (50.0%)",
        "dropped: 2 missing",
    ):
        assert part in text


def test_the_same_rows_give_the_same_text(tmp_path):
    for name in ("a.csv", "b.csv.gz"):
        write_manifest(FOUND, tmp_path / name, ("genre",))
    assert (tmp_path / "a.csv").read_bytes() == gzip.decompress((tmp_path / "b.csv.gz").read_bytes())


def _interrupted():
    yield FOUND[0]
    raise KeyboardInterrupt


def test_an_interrupted_run_leaves_what_was_there(tmp_path):
    (tmp_path / "x.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_manifest(_interrupted(), tmp_path / "x.csv", ())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.csv", "old")]


def test_no_track_left(tmp_path):
    with pytest.raises(UserError, match="no track is left .1 missing."):
        write_manifest(FOUND[1:2], tmp_path / "x.csv", ())
    assert not list(tmp_path.iterdir())


def test_another_suffix(tmp_path):
    with pytest.raises(UserError, match="must end in .csv or .csv.gz"):
        write_manifest(FOUND, tmp_path / "x.parquet", ())


@pytest.mark.parametrize("tag", ["", "rock|pop", "rock\tpop", "a\x00", "\udcff"])
def test_a_tag_no_table_can_hold_is_named(tag):
    with pytest.raises(UserError, match="labels.tsv line 3: the tag") as caught:
        check_tag(tag, "labels.tsv line 3")
    assert repr(tag) in str(caught.value)


def test_tags_and_titles_that_survive():
    assert check_tag('hip, hop; "x" ü', "place") == 'hip, hop; "x" ü'
    assert clean(" two\nlines\t\x00of  text ") == "two lines of text"
