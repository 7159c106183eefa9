"""The build, end to end: what is written, byte for byte; what interrupts it; what a second call does."""

import csv
import functools
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import signal

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests.tfrecords_tools.parsed import parse
from tfrecords_tools.audio.decode import load_mono
from tfrecords_tools.audio.extract import bytes_per_second
from tfrecords_tools.build import build, pool
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options, shard_count
from tfrecords_tools.build.work_folder import WORK_FOLDER
from tfrecords_tools.build.writer import whole_shard
from tfrecords_tools.dataset import SPLITS, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE

pytestmark = pytest.mark.spawns

TRACKS = 20
BAD = {"text": "cannot be decoded", "short": "too short", "nan": "NaN"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """20 good tracks of 10 artists in four formats, three damaged ones, one empty tempo cell."""
    folder = tmp_path_factory.mktemp("songs")
    rng = np.random.default_rng([0])
    lines = ["track_id,path,artist,title,genre,mood,tempo,odd:kind"]
    for k in range(TRACKS):
        rate = (22_050, 44_100)[k % 2]
        path = folder / f"{k}.{('wav', 'flac', 'ogg', 'mp3')[k % 4]}"
        soundfile.write(path, rng.uniform(-0.3, 0.3, (int(rate * (3 + k / 10)), 1 + k % 2)), rate)
        genre, tempo = ("röck|pop", "jazz", "")[k % 3], "" if k == 7 else 60 + k
        lines.append(f"t{k},{path.name},artist {k // 2},Title {k},{genre},calm,{tempo},x")
    (folder / "text.wav").write_text("no sound")
    soundfile.write(folder / "short.wav", np.zeros(999), 22_050)
    soundfile.write(folder / "nan.wav", np.full(99_999, np.nan), 22_050, subtype="FLOAT")
    lines += [f"{name},{name}.wav,,,,,," for name in BAD]
    (folder / "songs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "songs.csv"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Folder of the tempo estimates, in place of the user's own."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def built(manifest, cache, tmp_path_factory):
    """The reference build, by one worker, with madmom on the one empty cell."""
    return build_dataset(manifest, tmp_path_factory.mktemp("one") / "data", Options("x"), workers=1, tempo_cache=cache)


def _contents(folder) -> dict[str, str]:
    """File name -> digest, of everything that two builds must have in common."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != build.BUILD_FILE
    }


def _records(dataset: Dataset) -> dict[str, dict]:
    found = {}
    for split in SPLITS:
        for record in (
            tf.data.TFRecordDataset(dataset.files(split))
            .map(functools.partial(parse, dataset.schema))
            .as_numpy_iterator()
        ):
            found[record["track_id"].decode()] = {**record, "split": split}
    return found


def test_two_workers_write_the_same_bytes(manifest, cache, built, tmp_path):
    again = build_dataset(manifest, tmp_path / "data", Options("x"), workers=2, tempo_cache=cache)
    assert _contents(tmp_path / "data") == _contents(built.folder)
    assert again == Dataset.load(tmp_path / "data")
    assert len(_contents(built.folder)) == sum(len(shards) for shards in built.splits.values()) + 4


def test_records_hold_what_the_manifest_and_the_audio_say(manifest, built):
    records = _records(built)
    assert set(records) == {f"t{k}" for k in range(TRACKS)}
    assert built.schema.vocabularies == {"genre": ("jazz", "pop", "röck"), "mood": ("calm",)}
    for k in (0, 1, 2, 3):
        record = records[f"t{k}"]
        path = next(manifest.parent.glob(f"{k}.*"))
        expected = LogMel().extract(load_mono(path, LogMel().sample_rate))
        assert np.abs(record["log_mel"].astype(np.float32) - expected).max() < 1e-3
        assert record["duration"] == pytest.approx(3 + k / 10, abs=1e-3)
        assert (record["artist"].decode(), record["title"].decode()) == (f"artist {k // 2}", f"Title {k}")
        assert record["values/tempo"] == 60 + k
        assert list(record["tags/genre"]) == ([1, 2], [0], [])[k % 3]


def test_no_artist_on_two_sides_and_all_splits_filled(built):
    sides: dict[bytes, set] = {}
    for record in _records(built).values():
        sides.setdefault(record["artist"], set()).add(record["split"])
    assert all(len(side) == 1 for side in sides.values())
    assert all(built.tracks(split) for split in SPLITS)


def test_shards_are_named_counted_and_summed(built):
    for split, shards in built.splits.items():
        for place, shard in enumerate(shards):
            path = built.folder / shard.file
            assert shard.file == f"x-{split}-{place:05d}-of-{len(shards):05d}.tfrecord"
            assert hashlib.sha256(path.read_bytes()).hexdigest() == shard.sha256
            assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) == shard.records


def test_rejected_rows_and_columns_are_listed(built):
    with open(built.folder / REJECTED_FILE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["field"]) for row in rows] == [
        ("1", "odd:kind"),
        *((str(TRACKS + 2 + k), "path") for k in range(len(BAD))),
    ]
    for row, (name, reason) in zip(rows[1:], BAD.items()):
        assert row["track_id"] == name and reason in row["reason"]


def test_tracks_table_and_report(built):
    with open(built.folder / build.TRACKS_FILE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    records = _records(built)
    assert [row["track_id"] for row in rows] == list(records)
    assert all(row["split"] == records[row["track_id"]]["split"] for row in rows)
    assert {row["genre"] for row in rows} == {"pop|röck", "jazz", ""}
    assert all(os.path.exists(row["path"]) for row in rows)
    report = json.loads((built.folder / build.BUILD_FILE).read_text())
    assert report["rejected"] == len(BAD) + 1 and report["tempo_estimated"] == 1
    assert sum(report["tracks"].values()) == TRACKS and report["versions"]["numpy"] == np.__version__


def test_a_second_call_finds_it_done(manifest, built, monkeypatch, capsys):
    monkeypatch.setattr(pool, "ordered_map", None)
    assert build_dataset(manifest, built.folder, Options("x")) == built
    assert "already built" in capsys.readouterr().err


def test_other_input_is_refused_without_overwrite(manifest, built):
    before = _contents(built.folder)
    with pytest.raises(UserError, match="--overwrite"):
        build_dataset(manifest, built.folder, Options("x", seed=1))
    assert _contents(built.folder) == before


@pytest.fixture(scope="module")
def untimed(manifest, tmp_path_factory):
    """A reference build that estimates no tempo."""
    return _column(manifest, tmp_path_factory.mktemp("untimed") / "data")


def _column(manifest, out, **options) -> Dataset:
    """A build that estimates no tempo, so that it takes no time."""
    return build_dataset(manifest, out, Options("x", tempo="column"), workers=1, **options)


def test_overwrite_leaves_nothing_of_the_old(in_this_process, manifest, built, tmp_path):
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    new = build_dataset(manifest, tmp_path, Options("y", tempo="column", shards=3), workers=1, overwrite=True)
    names = {path.name for path in tmp_path.glob("*.tfrecord")}
    assert names == {shard.file for shards in new.splits.values() for shard in shards}
    assert len(new.splits["train"]) == 3 and np.isnan(_records(new)["t7"]["values/tempo"])


@pytest.mark.parametrize("instant", ["_Build", "join_tables"])
def test_an_interrupt_before_the_first_track_or_after_the_last_names_resume_too(
    manifest, untimed, tmp_path, monkeypatch, instant
):
    def interrupted(*_):
        raise KeyboardInterrupt

    out = tmp_path / "data"
    monkeypatch.setattr(build, instant, interrupted)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        _column(manifest, out)
    monkeypatch.undo()
    _column(manifest, out, resume=True)
    assert _contents(out) == _contents(untimed.folder)


def test_interrupted_then_run_again(manifest, untimed, tmp_path, monkeypatch):
    def interrupted(items, total, label):
        for count, item in enumerate(items):
            if count == 12:
                raise KeyboardInterrupt
            yield item

    out = tmp_path / "data"
    monkeypatch.setattr(build, "progress", interrupted)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        _column(manifest, out)
    assert not multiprocessing.active_children()
    assert [path.name for path in out.iterdir()] == [WORK_FOLDER]
    assert {path.name for path in out.glob("*/*.tfrecord")} == {"x-train-00000-of-00002.tfrecord"}
    monkeypatch.undo()
    with pytest.raises(UserError, match="unfinished build of this input; give --resume to go on.*--overwrite"):
        _column(manifest, out)
    with pytest.raises(UserError, match="unfinished build of other input.*--overwrite to begin anew"):
        build_dataset(manifest, out, Options("x", seed=1, tempo="column"), resume=True)
    made = out / WORK_FOLDER / "x-train-00000-of-00002.tfrecord"
    before = made.stat().st_ino
    _column(manifest, out, resume=True)
    assert (out / made.name).stat().st_ino == before
    assert _contents(out) == _contents(untimed.folder)
    assert json.loads((out / build.BUILD_FILE).read_text())["resumed_shards"] == 1


def test_a_killed_worker_changes_nothing(manifest, untimed, tmp_path, monkeypatch):
    kills = []

    def killing(items, total, label):
        for count, item in enumerate(items):
            if count in (3, 9):
                kills.append(multiprocessing.active_children()[0].pid)
                os.kill(kills[-1], signal.SIGKILL)
            yield item

    monkeypatch.setattr(build, "progress", killing)
    _column(manifest, tmp_path / "data")
    assert len(set(kills)) == 2 and _contents(tmp_path / "data") == _contents(untimed.folder)


def test_all_rows_rejected(in_this_process, manifest, tmp_path):
    table = manifest.parent / "bad.csv"
    table.write_text("track_id,path,artist\na,text.wav,\nb,gone.wav,\n")
    with pytest.raises(UserError, match="all 2 rows are rejected, the first .line 2, path.*rejected.csv"):
        build_dataset(table, tmp_path, workers=1)
    assert {path.name for path in tmp_path.iterdir()} == {REJECTED_FILE, NOTES_FILE}


def test_no_rows(tmp_path):
    (tmp_path / "songs.csv").write_text("track_id,path,artist\n")
    with pytest.raises(UserError, match="no rows"):
        build_dataset(tmp_path / "songs.csv", tmp_path / "out", workers=1)


def _split_table(folder, splits: str):
    table = folder / f"split{splits}.csv"
    names = {"r": "train", "v": "valid", "e": "test", "-": ""}
    rows = [f"t{k},{4 * k}.wav,artist {k // 2},{names[split]}" for k, split in enumerate(splits)]
    table.write_text("\n".join(["track_id,path,artist,split", *rows]) + "\n")
    return table


def test_a_given_split_is_kept(in_this_process, manifest, tmp_path):
    dataset = build_dataset(_split_table(manifest.parent, "rree-"), tmp_path, workers=1)
    assert {split: dataset.tracks(split) for split in SPLITS} == {"train": 2, "valid": 0, "test": 2}
    assert dataset.splits["valid"] == ()
    assert 't4,split,"is empty where other rows have one; ' in (tmp_path / REJECTED_FILE).read_text()


def test_an_artist_on_two_sides_is_refused_unless_resplit(in_this_process, manifest, tmp_path):
    table = _split_table(manifest.parent, "reve-")
    with pytest.raises(UserError, match=r"'artist 0' \(train and test\).*--resplit"):
        build_dataset(table, tmp_path, workers=1)
    dataset = build_dataset(table, tmp_path, Options(resplit=True), workers=1)
    assert sum(dataset.tracks(split) for split in SPLITS) == 5


@pytest.mark.parametrize(
    "options, message",
    [
        ({"name": "a/b"}, "--name 'a/b'"),
        ({"name": ".x"}, "--name"),
        ({"tempo": "librosa"}, "--tempo=librosa"),
        ({"shards": 0}, "--shards=0"),
        ({"features": ("mfcc",)}, "--features=mfcc"),
        ({"features": ("audio",)}, "log_mel"),
        ({"max_seconds": 2.0}, "--max_seconds=2.0: must be at least 3"),
        ({"tempo_seconds": float("nan")}, "--tempo_seconds"),
    ],
)
def test_bad_options(manifest, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        build_dataset(manifest, tmp_path, Options(**options))
    assert not list(tmp_path.iterdir())


def test_out_that_is_a_file(manifest):
    with pytest.raises(UserError, match="is a file"):
        build_dataset(manifest, manifest)


def test_a_full_disk_leaves_no_shard(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(UserError, match="x.tfrecord: cannot be written.*make room"):
            with whole_shard(tmp_path / "x.tfrecord") as writer:
                for _ in range(10):
                    writer.write(bytes(50_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "tracks, seconds, count",
    [
        (0, 30, 0),
        (1, 30, 1),
        (15, 30, 1),
        (16, 30, 2),
        (63, 30, 2),
        (64, 30, 8),
        (400, 30, 8),
        (511, 30, 8),
        (512, 30, 16),
        (200_000, 30, 493),
    ],
)
def test_shard_count(tracks, seconds, count):
    assert shard_count(tracks, seconds * bytes_per_second(LogMel(), False)) == count
