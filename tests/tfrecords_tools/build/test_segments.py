"""Segments of songs through a build: what the records hold, what is listed as bad, and the same bytes in any way."""

import contextlib
import csv
import dataclasses
import itertools
import json
import shutil

import numpy as np
import pytest
import soundfile

from tests.in_this_process import map_here
from tests.tfrecords_tools.build.segmented_songs import BAD, GOOD, make_segmented_songs
from tests.tfrecords_tools.build.test_killed import contents
from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.audio.extract import Extracted
from tfrecords_tools.build import build, segment_store
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.dry_run import describe, dry_run
from tfrecords_tools.build.plan import Options, make_plan
from tfrecords_tools.build.records import finish_row
from tfrecords_tools.check.framing import read_records
from tfrecords_tools.cli import main
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Row, Segment
from tfrecords_tools.tables.segment_table import read_segments

OPTIONS = Options("x", shards=3)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Manifest and segments.csv of 8 songs."""
    return make_segmented_songs(tmp_path_factory.mktemp("songs"), 8)


@pytest.fixture(scope="module")
def built(tables, tmp_path_factory):
    """What they become, for tests that leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build.pool, "ordered_map", map_here)
        return build_dataset(tables[0], tmp_path_factory.mktemp("built"), OPTIONS, segments=tables[1])


def _tracks(dataset: Dataset) -> dict[str, dict]:
    tracks = {}
    for path in (path for split in dataset.splits if dataset.tracks(split) for path in dataset.files(split)):
        with open(path, "rb") as file:
            for _, data in read_records(file):
                track = dataset.schema.decode(data)
                tracks[track["track_id"]] = track
    return tracks


def _expected(track_id: str, duration: float) -> list[tuple]:
    """(start, end, genre, mood, tempo) of the good rows of a track, sorted: the contract, row by row."""
    rows = [row.split(",") for row in GOOD if row.startswith(f"{track_id},")]
    parsed = [
        (
            np.float32(start),
            min(np.float32(end), np.float32(duration)),
            set(filter(None, genre.split("|"))),
            set(filter(None, mood.split("|"))),
            np.float32(tempo or "nan"),
        )
        for _, start, end, genre, tempo, mood in rows
    ]
    return sorted(parsed, key=lambda segment: segment[:2])


def test_records_hold_the_good_rows(built):
    assert built.schema == Dataset.load(built.folder).schema
    assert built.schema.segmented == ("genre", "mood", "tempo") and built.schema.values == ("tempo",)
    # Those that only a segment has are tags as others are.
    assert built.schema.vocabularies == {"genre": ("g0", "g1", "g2", "pop", "rock"), "mood": ("calm", "wild")}
    tracks, found = _tracks(built), 0
    for track_id, track in tracks.items():
        expected = _expected(track_id, track["duration"])
        start, end = track["segments/start"], track["segments/end"]
        assert list(zip(start, end)) == [segment[:2] for segment in expected]
        for name, place in (("genre", 2), ("mood", 3)):
            rows = [(i, built.schema.vocabularies[name].index(tag)) for i, s in enumerate(expected) for tag in s[place]]
            np.testing.assert_array_equal(track[f"segments/tags/{name}"], np.array(sorted(rows)).reshape(-1, 2))
        np.testing.assert_array_equal(track["segments/values/tempo"], [segment[4] for segment in expected])
        assert track["tags/genre"].size == 1 and not track["tags/mood"].size and np.isnan(track["values/tempo"])
        found += len(expected)
    assert found == len(GOOD) - 1 and len(tracks) == 8  # one is of the song that cannot be read


def test_every_bad_row_is_listed_with_table_line_field_and_reason(tables, built):
    lines = tables[1].read_text().splitlines()
    with open(built.folder / "rejected.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    (song,) = (row for row in rows if row["table"] == "manifest")
    assert (song["track_id"], song["field"]) == ("bad", "path")
    rejected = {lines[int(row["line"]) - 1]: row for row in rows if row["table"] == "segments"}
    assert rejected.keys() == BAD.keys() and len(rows) == len(BAD) + 1
    for cells, (field, reason) in BAD.items():
        assert rejected[cells]["field"] == field and reason in rejected[cells]["reason"], cells
        assert rejected[cells]["track_id"] == cells.split(",")[0]


def test_the_table_beside_the_records_is_one_of_segments_too(tables, built, tmp_path, in_this_process):
    table = built.folder / "track_segments.csv"
    assert table.read_text().splitlines()[0] == "track_id,start,end,genre,mood,tempo"
    again = build_dataset(tables[0], tmp_path / "again", OPTIONS, segments=table)
    first, second = _tracks(built), _tracks(again)
    for track_id, track in first.items():
        for name in built.schema.segment_fields:
            np.testing.assert_array_equal(track[name], second[track_id][name])
    assert (again.folder / "track_segments.csv").read_bytes() == table.read_bytes()


def test_other_segments_are_another_build(tables, built, tmp_path, in_this_process, capsys):
    assert build_dataset(tables[0], built.folder, OPTIONS, segments=tables[1]) == built
    assert "nothing to do" in capsys.readouterr().err
    (tmp_path / "segments.csv").write_text("track_id,start,end,genre\nt1,0,1,rock\n")
    for segments in (tmp_path / "segments.csv", None):
        with pytest.raises(UserError, match="holds a dataset made from other input or options"):
            build_dataset(tables[0], built.folder, OPTIONS, segments=segments)


def test_without_them_nothing_is_left_of_them(tables, built, tmp_path, in_this_process):
    shutil.copytree(built.folder, tmp_path / "x")
    without = build_dataset(tables[0], tmp_path / "x", OPTIONS, overwrite=True)
    plain = build_dataset(tables[0], tmp_path / "plain", OPTIONS)
    assert contents(without.folder) == contents(plain.folder) and not without.schema.segmented
    assert "track_segments.csv" not in contents(plain.folder)
    assert (plain.folder / "rejected.csv").read_text().splitlines()[0] == "line,track_id,field,reason"


def test_interrupted_and_resumed_it_has_the_same_bytes(tables, built, tmp_path, in_this_process, monkeypatch):
    extract = build.extract
    count = itertools.count()

    def interrupted(task):
        if next(count) == 4:
            raise KeyboardInterrupt
        return extract(task)

    monkeypatch.setattr(build, "extract", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_dataset(tables[0], tmp_path / "x", OPTIONS, segments=tables[1])
    monkeypatch.setattr(build, "extract", extract)
    build_dataset(tables[0], tmp_path / "x", OPTIONS, segments=tables[1], resume=True)
    assert json.loads((tmp_path / "x/build.json").read_text())["resumed_shards"]
    assert contents(tmp_path / "x") == contents(built.folder)


@pytest.mark.spawns
def test_two_workers_write_the_same_bytes(tables, tmp_path):
    for workers in (1, 2):
        build_dataset(tables[0], tmp_path / f"{workers}", OPTIONS, segments=tables[1], workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.spawns
def test_a_pipeline_of_beam_writes_the_same_bytes(tables, built, tmp_path):
    pytest.importorskip("apache_beam", reason="needs the extra [beam]")
    from tfrecords_tools.build.beam import beam_engine

    build_dataset(tables[0], tmp_path / "beam", OPTIONS, segments=tables[1], engine=beam_engine())
    assert contents(tmp_path / "beam") == contents(built.folder)


def test_a_dry_run_counts_them_and_lists_bad_ones(tables):
    text = describe(dry_run(tables[0], OPTIONS, segments=tables[1]))
    assert "segments: 11 in 5 tracks label genre, mood, tempo" in text  # three of them lie after the end of a song
    assert "rejected: 13" in text and "segments line 8, start: '-1' lies before the song" in text


def test_the_command_takes_them_and_counts_bad_ones_among_the_rejected(tables, tmp_path, in_this_process, capsys):
    command = ["build", f"--manifest={tables[0]}", f"--segments={tables[1]}", f"--out={tmp_path / 'x'}", "--shards=3"]
    assert main([*command, "--max_rejected=15"]) == 2
    said = capsys.readouterr().err
    assert "more than --max_rejected=15 rows are rejected, the last (segments line" in said
    assert main([*command, "--max_rejected=17", "--resume"]) == 0
    assert "tracks: 6 train, 1 valid, 1 test; segments: 7; rejected: 17" in capsys.readouterr().out


def test_what_lies_beyond_max_seconds_goes_with_it_and_is_not_bad(tmp_path, in_this_process):
    soundfile.write(tmp_path / "a.wav", noise(6.0, 0), RATE)
    (tmp_path / "songs.csv").write_text("track_id,path,artist\na,a.wav,x\n")
    (tmp_path / "segments.csv").write_text("track_id,start,end,genre\na,0,2,p\na,2,5,q\na,5,6,r\n")
    options = Options("x", max_seconds=4.0)
    dataset = build_dataset(tmp_path / "songs.csv", tmp_path / "out", options, segments=tmp_path / "segments.csv")
    (track,) = _tracks(dataset).values()
    np.testing.assert_array_equal([track["segments/start"], track["segments/end"]], [[0, 2], [2, 4]])
    assert dataset.schema.vocabularies["genre"] == ("p", "q")
    assert len((tmp_path / "out/rejected.csv").read_text().splitlines()) == 1


def test_columns_that_the_manifest_has_are_of_its_type(tmp_path):
    (tmp_path / "songs.csv").write_text("track_id,path,artist,energy:value,tempo\na,a.wav,x,0.5,\n")
    (tmp_path / "segments.csv").write_text("track_id,start,end,energy,tempo,mood\na,0,1,0.25,120,calm\na,1,2,,90,\n")
    manifest = read_manifest(tmp_path / "songs.csv", check_audio=False)
    table = read_segments(tmp_path / "segments.csv", manifest.types)
    assert (table.tags, table.values) == (("mood",), ("energy", "tempo"))
    with _plan(tmp_path, Options("x", tempo="column")) as plan:
        assert plan.schema == Schema({"mood": ("calm",)}, ("energy", "tempo"), (), ("mood", "energy", "tempo"))
        (row,) = plan.rows(plan.shards[0])
    assert row.segments == (
        Segment(2, 0.0, 1.0, {"mood": ("calm",)}, {"energy": 0.25, "tempo": 120.0}),
        Segment(3, 1.0, 2.0, {"mood": ()}, {"energy": None, "tempo": 90.0}),
    )
    with _plan(tmp_path, Options("x", tempo="none")) as plan:
        assert plan.schema.segmented == ("mood", "energy") and plan.schema.values == ("energy",)
        (row,) = plan.rows(plan.shards[0])  # the second segment labels nothing else
        assert [segment.line for segment in row.segments] == [2]
    (tmp_path / "segments.csv").write_text("track_id,start,end,energy:tag\na,0,1,0.25\n")
    with pytest.raises(UserError, match="segments.csv: column 'energy' is given both as tag and as value"):
        read_segments(tmp_path / "segments.csv", manifest.types)


def _plan(folder, options: Options = Options("x")):
    manifest = read_manifest(folder / "songs.csv", check_audio=False)
    table = read_segments(folder / "segments.csv", manifest.types)
    return contextlib.closing(make_plan(manifest, options, table=table))


def test_those_are_kept_that_contradict_no_earlier_one(tmp_path, monkeypatch):
    monkeypatch.setattr(segment_store, "_CHUNK", 7)
    rng = np.random.default_rng(0)
    (tmp_path / "songs.csv").write_text("\n".join(["track_id,path,artist", *(f"t{k},{k}.wav,{k}" for k in range(6))]))
    starts, lengths = rng.integers(0, 60, 400), rng.integers(1, 4, 400)
    moods, energies = rng.choice(["", "a", "b"], 400, p=[0.3, 0.6, 0.1]), rng.choice(["", "0", "1"], 400)
    tracks = [f"t{k}" for k in rng.integers(8, size=400)]
    rows = list(zip(tracks, starts.tolist(), (starts + lengths).tolist(), moods.tolist(), energies.tolist()))
    lines = [",".join(map(str, row)) for row in rows]
    (tmp_path / "segments.csv").write_text("\n".join(["track_id,start,end,mood,energy:value", *lines]))
    with _plan(tmp_path) as plan:
        kept = {row.track_id: [s.line for s in row.segments] for shard in plan.shards for row in plan.rows(shard)}
        assert (plan.segments.count, plan.segments.tracks) == (sum(map(len, kept.values())), 6)
        assert plan.segments.count + plan.store.rejected("segments") == 400 and plan.store.rejected("") == 0
    for track, of_track in kept.items():
        # Brute force: by time, each against all that were kept before it.
        expected: list[tuple] = []
        given = sorted((row[1:], line) for line, row in enumerate(rows, 2) if row[0] == track and any(row[3:]))
        for (start, end, *labels), line in sorted(given, key=lambda item: (*item[0][:2], item[1])):
            overlapping = [others for _, other_end, others, _ in expected if start < other_end]
            if all(not x or not y or x == y for others in overlapping for x, y in zip(labels, others)):
                expected.append((start, end, labels, line))
        assert of_track == [line for *_, line in expected]
        assert 5 < len(expected) < len(given)


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "is empty; write a header line with the columns track_id, start, end and those of labels"),
        ("track_id,start,genre\n", "needs the column.s. end; its first line has: track_id, start, genre"),
        ("track_id,start,end\n", "has no column of labels; give it one a dimension"),
        ("track_id,start,end,end,genre\n", "two columns are named 'end'"),
    ],
)
def test_a_table_that_is_none_of_segments_is_refused(tmp_path, text, why):
    (tmp_path / "segments.csv").write_text(text)
    with pytest.raises(UserError, match=f"segments.csv: {why}") as error:
        read_segments(tmp_path / "segments.csv")
    assert "\n" not in str(error.value)


def test_a_column_that_cannot_name_a_dimension_is_listed(tmp_path):
    (tmp_path / "segments.csv").write_text("track_id,start,end,genre,artist\nt,0,1,rock,Ann\n")
    (reject,) = read_segments(tmp_path / "segments.csv").rejects
    assert (reject.line, reject.field, reject.table) == (1, "artist", "segments")


@pytest.mark.parametrize("end, kept", [(4.0, 4.0), (4.4, 4.0), (4.6, None)])
def test_a_segment_may_end_a_little_after_the_song(end, kept):
    schema = Schema({"genre": ("rock",)}, (), (), ("genre",))
    row = Row(
        "t", "t.wav", "", "", "train", {"genre": ()}, {}, 2, (), (Segment(5, 3.0, end, {"genre": ("rock",)}, {}),)
    )
    heard = Extracted(np.zeros((172, 128), np.float16), 4.0, None)
    outcome = finish_row(row, heard, schema, {"genre": {"rock": 0}})
    decoded = schema.decode(outcome.track.record)
    assert decoded["segments/end"].tolist() == ([] if kept is None else [kept])
    assert [dataclasses.astuple(reject)[:3] for reject in outcome.rejects] == ([] if kept else [(5, "t", "end")])
