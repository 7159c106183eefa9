"""What is odd in files that are taken all the same: the same notes.csv whoever builds, however often interrupted."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.in_this_process import map_here
from tfrecords_tools.audio.extract import Extracted, Refused, Task, extract
from tfrecords_tools.build import build, pool
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.build.pool import Died
from tfrecords_tools.build.records import finish_row
from tfrecords_tools.check.inspect import format_report, inspect_dataset
from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.notes import Note, counted
from tfrecords_tools.schema import Schema
from tfrecords_tools.tables.findings import NOTES_FILE
from tfrecords_tools.tables.rows import Row

pytestmark = pytest.mark.spawns
SONGS, RATE = 12, 22_050
CUT = Note("length", "the header announces 9 s", "all of it is taken")
SIDE = Note("channels", 'the right one is silent, "so" to say', "the left is taken")


def noting(task: Task) -> Extracted | Refused:
    """Stands for a decoder that finds something odd in every third file, and in the one that cannot be used."""
    result, number = extract(task), Path(task.path).stem
    odd = {"0": (CUT,), "3": (CUT, SIDE), "6": (CUT,), "text": (SIDE,)}.get(number, ())
    return dataclasses.replace(result, notes=(*result.notes, *odd))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """12 songs of 12 artists, a file that is no sound, and a copy of the second song."""
    folder = tmp_path_factory.mktemp("songs")
    rows = ["track_id,path,artist,genre"]
    for k in range(SONGS):
        soundfile.write(folder / f"{k}.wav", np.random.default_rng([k]).uniform(-0.3, 0.3, 4 * RATE), RATE)
        rows.append(f"t{k},{k}.wav,artist {k},jazz")
    (folder / "text.wav").write_text("no sound")
    rows.insert(2, "text,text.wav,,jazz")
    shutil.copy(folder / "1.wav", folder / "same.wav")
    rows.append("same,same.wav,artist 1,jazz")
    (folder / "songs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "songs.csv"


@pytest.fixture
def odd_files(monkeypatch):
    """The decoder of `noting`, in this process."""
    monkeypatch.setattr(pool, "ordered_map", map_here)
    monkeypatch.setattr(build, "extract", noting)


def _notes(folder) -> list[tuple[str, ...]]:
    with open(folder / NOTES_FILE, encoding="utf-8", newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


EXPECTED = [
    ("2", "t0", "length", CUT.what, CUT.done),
    ("3", "text", "channels", SIDE.what, SIDE.done),
    ("6", "t3", "length", CUT.what, CUT.done),
    ("6", "t3", "channels", SIDE.what, SIDE.done),
    ("9", "t6", "length", CUT.what, CUT.done),
    ("15", "same", "duplicates", "the sound of 't1' (train, line 4)", "kept"),
]


def test_notes_are_listed_by_line_and_counted(odd_files, manifest, tmp_path, capsys):
    assert main(["build", f"--manifest={manifest}", f"--out={tmp_path / 'x'}"]) == 0
    assert (
        "rejected: 1 (see rejected.csv); noted: 3 length, 2 channels, 1 duplicates (see notes.csv)"
        in capsys.readouterr().out
    )
    assert _notes(tmp_path / "x") == EXPECTED
    report = json.loads((tmp_path / "x" / build.BUILD_FILE).read_text("utf-8"))
    assert report["noted"] == {"channels": 2, "duplicates": 1, "length": 3}


def test_a_resumed_build_keeps_the_notes_of_finished_shards(odd_files, manifest, tmp_path, monkeypatch):
    whole = build_dataset(manifest, tmp_path / "whole", Options("x", shards=3))
    begun = []

    def stopping(*arguments):
        begun.append(arguments)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    real = build.write_shard
    asked = []
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, "write_shard", stopping)
        build_dataset(manifest, tmp_path / "again", Options("x", shards=3))
    monkeypatch.setattr(build, "extract", lambda task: (asked.append(Path(task.path).stem), noting(task))[1])
    again = build_dataset(manifest, tmp_path / "again", Options("x", shards=3), resume=True)
    assert (again.folder / NOTES_FILE).read_bytes() == (whole.folder / NOTES_FILE).read_bytes()
    assert not {"0", "3", "6", "text"} <= set(asked)  # of some, what was kept is all there is


def test_beam_writes_the_same_notes(odd_files, manifest, tmp_path, monkeypatch):
    pytest.importorskip("apache_beam", reason="needs the extra [beam]")
    from tfrecords_tools.build import beam

    local = build_dataset(manifest, tmp_path / "local", Options("x"))
    monkeypatch.setattr(beam, "extract", noting)
    elsewhere = build_dataset(manifest, tmp_path / "beam", Options("x"), engine=beam.beam_engine())
    assert (elsewhere.folder / NOTES_FILE).read_bytes() == (local.folder / NOTES_FILE).read_bytes()
    assert _notes(local.folder) == EXPECTED


def test_with_too_many_rejects_the_notes_so_far_are_listed(odd_files, manifest, tmp_path):
    with pytest.raises(UserError, match="more than --max_rejected=0"):
        build_dataset(manifest, tmp_path / "x", Options("x"), max_rejected=0)
    assert (tmp_path / "x" / NOTES_FILE).exists()


def test_inspect_counts_them_and_reads_datasets_of_before(odd_files, manifest, tmp_path):
    dataset = build_dataset(manifest, tmp_path / "x", Options("x"))
    report = inspect_dataset(dataset)
    assert report["noted"] == {"length": 3, "channels": 2, "duplicates": 1}
    assert "noted: 3 length, 2 channels, 1 duplicates (see notes.csv)" in format_report(report)
    (dataset.folder / NOTES_FILE).unlink()
    report = inspect_dataset(dataset)
    assert report["noted"] == {} and "noted" not in format_report(report)
    (dataset.folder / NOTES_FILE).write_text("line,what\n1,x\n")
    with pytest.raises(UserError, match="notes.csv: cannot be read"):
        inspect_dataset(dataset)


def test_a_worker_that_died_has_no_notes_and_a_refusal_has():
    row, schema = Row("a", "a.wav", "", "", "train", {}, {}, 7), Schema({}, ())
    assert finish_row(row, Died("its worker died"), schema, {}).notes == ()
    outcome = finish_row(row, Refused("is cut short", (CUT,)), schema, {})
    assert outcome.track.reason == "'a.wav': is cut short"
    assert [dataclasses.astuple(note) for note in outcome.notes] == [(7, "a", *dataclasses.astuple(CUT))]


def test_what_is_odd_in_the_table_is_said_before_the_first_file_is_decoded(odd_files, manifest, capsys, tmp_path):
    table = manifest.parent / "odd.csv"
    rows = [f"t{k},{k}.wav,artist {k},{('Rock', 'rock')[k % 2]},{12_593 if k == 3 else 120}" for k in range(SONGS)]
    table.write_text("\n".join(["track_id,path,artist,genre,tempo", *rows]))
    arguments = ["build", f"--manifest={table}", f"--out={tmp_path / 'x'}"]
    for dry in ([], ["--dry_run"]):
        assert main([*arguments, *dry]) == 0
        shown = capsys.readouterr()
        lines = (shown.out if dry else shown.err.split("tracks:")[0]).splitlines()
        assert lines[-3:] == [
            "noted in the table: 2 labels",
            "line 1, labels: genre: 'Rock' (6 rows), 'rock' (6 rows) differ in case, blanks or signs alone; taken as 2 "
            "tags; write them alike to make them one",
            "line 5, labels: tempo: 12593 beats a minute, where music has 20 to 400; taken as it is; leave the cell "
            "empty if it is unknown",
        ]


def test_kinds_are_counted_the_most_frequent_first():
    assert counted({"a": 1, "c": 2, "b": 2}) == "2 b, 2 c, 1 a"
    assert counted({}) == "nothing"
