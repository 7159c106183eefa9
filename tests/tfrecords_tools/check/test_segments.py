"""Verify and inspect of segments: a sound dataset passes and is counted, each fault is named."""

import csv
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.single_spaced import single_spaced
from tests.synthetic import SEGMENTED_SCHEMA, halved_track, write_dataset
from tfrecords_tools.check import plots
from tfrecords_tools.check.inspect import format_report, inspect_dataset, write_report
from tfrecords_tools.check.record import check_record
from tfrecords_tools.check.segments import segments_digest
from tfrecords_tools.check.verify import verify
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.tables.rows import Segment
from tfrecords_tools.tables.track_segments import segment_rows

FRAMES = 172


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Dataset:
    """Sound: 10 + 5 tracks, of which each fifth has no segment."""
    return write_dataset(tmp_path_factory.mktemp("made"), {"train": 10, "valid": 5}, frames=FRAMES, segments=True)


def test_a_sound_dataset_passes_in_whatever_order_its_segments_are_listed(made, tmp_path):
    found = verify(made)
    assert (found.records, found.segments) == (15, 24)
    assert str(found).startswith("15 records with 24 segments sound: ")
    shutil.copytree(made.folder, tmp_path / "d")
    table = tmp_path / "d/track_segments.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows)]) + "\n")
    assert verify(Dataset.load(tmp_path / "d")).segments == 24


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda rows: rows[:-1], "record . at byte .*: its segments differ from those of track_segments.csv"),
        (lambda rows: [*rows, rows[0]], "its segments differ"),
        (lambda rows: [{**rows[0], "genre": "folk|rock"}, *rows[1:]], "its segments differ"),
        (lambda rows: [{**rows[0], "tempo": "99"}, *rows[1:]], "its segments differ"),
        (lambda rows: [{**rows[0], "end": "1.5"}, *rows[1:]], "its segments differ"),
        (lambda rows: [*rows, {**rows[0], "track_id": "x"}], "csv: line 26: no record has the track_id 'x'"),
        (lambda rows: [{**rows[0], "start": "soon"}, *rows[1:]], "csv: line 2: start 'soon' is not a finite number"),
        (lambda rows: [{**row, "genre": row["tempo"]} for row in rows], "its segments differ"),
    ],
)
def test_a_table_that_is_not_that_of_the_records_is_found(made, tmp_path, change, why):
    shutil.copytree(made.folder, tmp_path / "d")
    table = tmp_path / "d/track_segments.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(change(rows))
    with pytest.raises(UserError, match=why):
        verify(Dataset.load(tmp_path / "d"))
    table.unlink()
    with pytest.raises(UserError, match=r"track_segments.csv: not found; build the dataset again"):
        verify(Dataset.load(tmp_path / "d"))


def _record(**changes) -> bytes:
    """A record whose fields of segments are replaced by lists of numbers, without a check."""
    track = halved_track(0, np.random.default_rng(0), FRAMES)
    example = tf.train.Example.FromString(SEGMENTED_SCHEMA.encode(track))
    for name, numbers in changes.items():
        feature = example.features.feature[f"segments/{name}"]
        feature.Clear()
        (feature.int64_list if name.startswith("tags") else feature.float_list).value.extend(numbers)
    return example.SerializeToString()


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"end": [2.0, 4.2]}, "segments/end: segment 1 ends at 4.2 s, the track at 3.994 s"),
        ({"start": [1.5, 1.0]}, "segments/start: segments are not sorted"),
        ({"end": [2.0]}, r"segments/end: has shape \(1,\), segments/start \(2,\)"),
        ({"tags/genre": [0, 3]}, "segments/tags/genre: id 3 is outside the vocabulary of 3 tags"),
        ({"tags/genre": [2, 0]}, "segments/tags/genre: names a segment that is not among the 2"),
        ({"end": [2.5, 3.0]}, "segments/tags/genre: segments 0 and 1 overlap and differ"),
        (
            {"end": [2.5, 3.0], "tags/genre": [0, 1], "values/tempo": [90.0, 91.0]},
            "segments/values/tempo: segments 0 and 1 overlap and differ",
        ),
        ({"values/tempo": [np.inf, 1.0]}, "segments/values/tempo: segment 0 is infinite"),
    ],
)
def test_segments_that_cannot_be_are_named(changes, why):
    with pytest.raises(ValueError, match=why):
        check_record(_record(**changes), SEGMENTED_SCHEMA, LogMel())


def test_equal_labels_may_overlap():
    equal = {"end": [2.5, 3.0], "tags/genre": [0, 1, 1, 1], "values/tempo": [90.0, 90.0]}
    assert check_record(_record(**equal), SEGMENTED_SCHEMA, LogMel()).segments[0] == 2


def test_a_record_without_the_fields_is_none_of_a_dataset_with_segments(made):
    example = tf.train.Example.FromString(_record())
    del example.features.feature["segments/end"]
    with pytest.raises(ValueError, match="segments/end: the record has no such field"):
        check_record(example.SerializeToString(), SEGMENTED_SCHEMA, LogMel())


def test_the_digest_counts_each_segment_and_no_order(made):
    segments = [row.segment for row in segment_rows(made.folder, made.schema)]
    assert len(segments) == 24 and segments_digest([]) == 0
    whole = segments_digest(segments)
    assert whole == segments_digest(reversed(segments)) != segments_digest(segments[1:])
    assert whole == sum(segments_digest([segment]) for segment in segments) % 2**64
    a, b = (
        Segment(2, 0.0, end, {"genre": tags}, {}) for end, tags in ((0.1, ("a", "b")), (np.float32(0.1), ("b", "a")))
    )
    assert segments_digest([a]) == segments_digest([b])


@pytest.fixture(scope="module")
def report(made) -> dict:
    return inspect_dataset(made)


def test_inspect_counts_segments_and_hours(made, report):
    tracks = [halved_track(0, np.random.default_rng(0), FRAMES)]  # as long as any
    half, whole = FRAMES // 2 / LogMel().frames_per_second / 3600, tracks[0]["duration"] / 3600
    segments = report["segments"]
    assert segments["segments"] == {"train": 16, "valid": 8, "test": 0}
    assert segments["tracks"] == {"train": 8, "valid": 4, "test": 0}
    assert segments["hours"]["genre"] == pytest.approx({"train": 8 * whole, "valid": 4 * whole, "test": 0})
    assert segments["hours"]["tempo"] == pytest.approx({"train": 8 * half, "valid": 4 * half, "test": 0})
    rows = list(segment_rows(made.folder, made.schema))
    for genre in SEGMENTED_SCHEMA.vocabularies["genre"]:
        seconds = sum(row.segment.end - row.segment.start for row in rows if genre in row.segment.tags["genre"])
        found = sum(by_tag[genre] for by_tag in segments["tags"]["genre"].values())
        assert found == pytest.approx(seconds / 3600)
    histogram = segments["histograms"]["tempo"]
    total = sum(map(sum, histogram["counts"].values()))
    assert total == pytest.approx(12 * half) and len(histogram["edges"]) == len(histogram["counts"]["train"]) + 1


def test_inspect_says_and_draws_them(made, report, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "save_picture", lambda figure, path: path.touch())  # half a second each
    text = single_spaced(format_report(report))
    assert "labelled by segments train valid test" in text and "segments 16 8 0" in text and "tracks 8 4 0" in text
    assert json.loads(json.dumps(report)) == report
    names = {path.name for path in write_report(report, tmp_path) if path.exists()}
    assert {"segments-genre.png", "segments-tempo.png"} <= names
    assert "segments" not in inspect_dataset(write_dataset(tmp_path / "plain", {"train": 4}, frames=FRAMES))


def test_where_segments_of_one_label_overlap_time_counts_once(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "d")
    rows = ["t000,1.0,2.0,folk,", "t000,0.0,1.5,folk,90.0", "t000,0.5,1.0,folk,90.0", "t001,0.0,1.0,folk|jazz,"]
    table = tmp_path / "d/track_segments.csv"
    table.write_text("\n".join(["track_id,start,end,genre,tempo", *rows]) + "\n")
    segments = inspect_dataset(Dataset.load(tmp_path / "d"))["segments"]
    assert segments["tracks"]["train"] == 2 and segments["segments"]["train"] == 4
    seconds = {tag: hours * 3600 for tag, hours in segments["tags"]["genre"]["train"].items()}
    assert seconds == pytest.approx({"folk": 3.0, "jazz": 1.0, "rock": 0.0})
    assert segments["hours"]["genre"]["train"] * 3600 == pytest.approx(3.0)
    assert segments["hours"]["tempo"]["train"] * 3600 == pytest.approx(1.5)
    for row, why in (("x,0.0,1.0,folk,", "no track has the track_id 'x'"), ("t000,0.0,1.0,polka,", "genre 'polka' is")):
        table.write_text(f"track_id,start,end,genre,tempo\n{row}\n")
        with pytest.raises(UserError, match=f"track_segments.csv: line 2: {why}"):
            inspect_dataset(Dataset.load(tmp_path / "d"))
