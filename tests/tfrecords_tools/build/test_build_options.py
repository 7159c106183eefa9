"""What the build's options do: damaged files, limits, raw audio, tempo, dry run. In this process, without workers."""

import csv
import itertools
import os
import re

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests.tfrecords_tools.damaged import KINDS, RATE, make_mixed, noise
from tests.tfrecords_tools.parsed import parse
from tfrecords_tools.audio import extract, tempo_cache
from tfrecords_tools.audio.extract import Extracted, Refused, Task
from tfrecords_tools.build import build, plan
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.dry_run import describe, dry_run
from tfrecords_tools.build.plan import Options
from tfrecords_tools.build.work_folder import WORK_FOLDER
from tfrecords_tools.cli import main
from tfrecords_tools.dataset import SPLITS, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.tables.findings import NOTES_FILE, REJECTED_FILE
from tfrecords_tools.tables.tracks import TRACKS_FILE

pytestmark = pytest.mark.spawns
LOUD = ("loud", "soft")


@pytest.fixture(autouse=True)
def own_cache(in_this_process, monkeypatch, tmp_path):
    """No workers to wait for, and a cache of tempi that is not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    tempo_cache._connection.cache_clear()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """20 good files and 22 damaged ones, two of each kind."""
    return make_mixed(tmp_path_factory.mktemp("mixed"), 20, 2 * len(KINDS))


@pytest.fixture
def locked(monkeypatch):
    """What a user sees of a file without permission, also where the test runs as root."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path) and real(path, mode))


def test_good_files_are_written_and_each_damaged_one_has_its_reason(mixed, locked, tmp_path):
    dataset = build_dataset(mixed, tmp_path / "x")
    assert sum(dataset.tracks(split) for split in SPLITS) == 20
    with open(tmp_path / "x" / REJECTED_FILE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(KINDS) and [int(row["line"]) for row in rows] == sorted(int(r["line"]) for r in rows)
    for row in rows:
        assert KINDS[row["track_id"].split("-", 1)[1]][1] in row["reason"]
        assert len(row["reason"].splitlines()) == 1


def test_past_max_rejected_the_status_is_2_and_nothing_is_half_written(mixed, locked, tmp_path, capsys):
    arguments = ["build", f"--manifest={mixed}", f"--out={tmp_path / 'x'}"]
    assert main([*arguments, "--max_rejected=3"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "8 rows are rejected, --max_rejected is 3; the first is line 2" in error
    assert not (tmp_path / "x").exists()
    assert main([*arguments, "--max_rejected=12"]) == 2
    assert "more than --max_rejected=12" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "x").iterdir()} == {REJECTED_FILE, NOTES_FILE, WORK_FOLDER}
    assert len((tmp_path / "x" / REJECTED_FILE).read_text().splitlines()) == 1 + 13
    assert main([*arguments, f"--max_rejected={2 * len(KINDS)}", "--resume"]) == 0
    assert "rejected: 22 (see rejected.csv)" in capsys.readouterr().out
    build_dataset(mixed, tmp_path / "y", Options("x"))
    assert (tmp_path / "y" / REJECTED_FILE).read_bytes() == (tmp_path / "x" / REJECTED_FILE).read_bytes()


@pytest.fixture
def songs(tmp_path):
    """Three tracks of 4 s, a table without tempo."""
    lines = ["track_id,path,artist,genre"]
    for k in range(3):
        soundfile.write(tmp_path / f"{k}.wav", noise(4.0, k), RATE, subtype="PCM_16")
        lines.append(f"t{k},{k}.wav,a{k},g")
    (tmp_path / "songs.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "songs.csv"


def _record(dataset: Dataset, optional=()) -> dict:
    records = itertools.chain.from_iterable(
        tf.data.TFRecordDataset(dataset.files(s)) for s in SPLITS if dataset.tracks(s)
    )
    parsed = (parse(dataset.schema, record, optional) for record in records)
    return next(record for record in parsed if record["track_id"] == b"t0")


def test_raw_audio_beside_the_log_mel(songs, tmp_path):
    dataset = build_dataset(songs, tmp_path / "x", Options(features=("log_mel", "audio")))
    assert Dataset.load(tmp_path / "x") == dataset and dataset.schema.optional == ("audio",)
    assert "audio" not in _record(dataset)
    audio = _record(dataset, ["audio"])["audio"].numpy()
    expected, _ = soundfile.read(tmp_path / "0.wav", dtype="int16")
    assert audio.dtype == np.int16 and audio.shape == (4 * RATE,)
    assert np.abs(audio.astype(int) - expected).max() <= 1
    plain = build_dataset(songs, tmp_path / "y")
    assert plain.schema.optional == ()
    with pytest.raises(ValueError, match="--features=log_mel,audio"):
        _record(plain, ["audio"])


def test_max_seconds_takes_the_beginning(songs, tmp_path):
    dataset = build_dataset(songs, tmp_path / "x", Options(max_seconds=3.0, features=("log_mel", "audio")))
    record = _record(dataset, ["audio"])
    assert record["duration"] == 3.0 and record["log_mel"].shape == (129, 128) and record["audio"].shape == (3 * RATE,)


@pytest.mark.parametrize("bpm, cell", [(123.456, "123.46"), (None, "")])
def test_tempo_that_was_asked_for_and_a_second_build_that_repeats_none(songs, tmp_path, monkeypatch, bpm, cell):
    calls = []
    monkeypatch.setattr(
        tempo_cache, "estimate_tempo_of_file", lambda path, seconds, by: (calls.append(seconds), bpm)[1]
    )
    for out in ("x", "y"):
        dataset = build_dataset(songs, tmp_path / out, Options(tempo="madmom", tempo_seconds=20.0))
        assert dataset.schema.values == ("tempo",)
        found = float(_record(dataset)["values/tempo"])
        assert found == pytest.approx(123.46) if bpm else np.isnan(found)
        with open(tmp_path / out / TRACKS_FILE, encoding="utf-8", newline="") as file:
            assert {row["tempo"] for row in csv.DictReader(file)} == {cell}
    assert calls == [20.0] * 3


def test_no_room_is_said_before_anything_is_removed(songs, tmp_path, monkeypatch):
    build_dataset(songs, tmp_path / "x")
    before = sorted((tmp_path / "x").iterdir())
    usage = build.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(build.shutil, "disk_usage", lambda path: usage._replace(free=1))
    with pytest.raises(UserError, match="the build takes about .* GB, and .* GB are free; make room"):
        build_dataset(songs, tmp_path / "x", Options(features=("log_mel", "audio")), overwrite=True)
    assert sorted((tmp_path / "x").iterdir()) == before


def test_a_missing_file_is_found_later_when_the_check_is_skipped(songs, tmp_path):
    (tmp_path / "1.wav").unlink()
    dataset = build_dataset(songs, tmp_path / "x", skip_audio_check=True)
    assert sum(dataset.tracks(split) for split in SPLITS) == 2
    assert "file not found" in (tmp_path / "x" / REJECTED_FILE).read_text()


def test_a_dry_run_counts_and_times_and_writes_nothing(songs, tmp_path, capsys):
    before = sorted(tmp_path.iterdir())
    assert main(["build", f"--manifest={songs}", f"--out={tmp_path / 'x'}", "--dry_run", "--tempo=column"]) == 0
    text = capsys.readouterr().out
    assert "would be built: 3 tracks; rejected: 0" in text and "4.0 s a track (mean of 3 lengths)" in text
    assert "measured on 2 tracks" in text and re.search(r"disk: 0.00 GB", text)
    assert sorted(tmp_path.iterdir()) == before


def test_a_dry_run_of_files_that_are_not_there(songs, tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.wav").unlink()
    estimate = dry_run(songs, skip_audio_check=True, workers=2)
    assert (sum(estimate.tracks.values()), estimate.measured, estimate.timed) == (3, 0, 0)
    assert estimate.seconds == pytest.approx(3 * 30 / estimate.rate / 2)
    text = describe(estimate)
    assert "assumed: no length is known" in text and "assumed: no track could be timed" in text
    checked = dry_run(songs)
    assert checked.rejected == 3 and "line 2, path: '0.wav': file not found" in describe(checked)


def test_a_track_too_long_for_a_record_is_refused(songs, tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "MOST_BYTES", 50_000)
    found = extract.extract(Task(str(tmp_path / "0.wav"), audio=True))
    assert isinstance(found, Refused) and "--max_seconds" in found.reason
    assert isinstance(extract.extract(Task(str(tmp_path / "0.wav"))), Extracted)
    assert extract.bytes_per_second(LogMel(), False) == LogMel().frames_per_second * 128 * 2


@pytest.mark.parametrize("resume, told", [(False, "run the same command again with --resume to go on"), (True, "")])
def test_ctrl_c_names_resume_to_whom_does_not_resume_yet(mixed, tmp_path, monkeypatch, resume, told):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "write_shard", interrupt)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        build_dataset(mixed, tmp_path / "x", resume=resume)
    assert str(interrupted.value) == told


@pytest.fixture
def loud_and_soft(tmp_path):
    """One noise as it is and 20 dB softer, and a drum whose peaks are far above its loudness."""
    rng = np.random.default_rng(0)
    sound = 0.1 * rng.standard_normal(5 * RATE)
    drum = rng.uniform(-0.9, 0.9, 5 * RATE) * (np.arange(5 * RATE) % 4_000 < 100)
    for name, samples in (("loud", sound), ("soft", 0.1 * sound), ("drum", drum)):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE, subtype="FLOAT")
    (tmp_path / "songs.csv").write_text(
        "track_id,path,artist,split,genre\n"
        + "".join(f"{name},{name}.wav,{name},train,x\n" for name in ("loud", "soft", "drum"))
    )
    return tmp_path


def test_tracks_are_brought_to_one_loudness_in_both_forms(loud_and_soft):
    tasks = (Task(str(loud_and_soft / f"{name}.wav"), audio=True, features=LogMel(loudness=-20.0)) for name in LOUD)
    for found in map(extract.extract, tasks):
        pcm = extract.from_pcm(found.audio)
        assert found.notes == () and LogMel().measure_loudness([pcm]) == pytest.approx(-20, abs=0.05)
        np.testing.assert_allclose(found.log_mel, LogMel().extract(pcm), atol=2e-3)


def test_samples_beyond_full_scale_are_clipped_and_noted(loud_and_soft):
    found = extract.extract(Task(str(loud_and_soft / "drum.wav"), audio=True, features=LogMel(loudness=-10.0)))
    assert np.abs(found.audio).max() == 32_767
    (note,) = found.notes
    assert note.kind == "loudness" and re.fullmatch(r"\d\.\d\d% of its samples are beyond full scale .*", note.what)
    assert extract.extract(Task(str(loud_and_soft / "drum.wav"), audio=True)).notes == ()
    assert extract.extract(Task(str(loud_and_soft / "drum.wav"), features=LogMel(loudness=-10.0))).notes == ()


def test_a_build_says_its_loudness(loud_and_soft):
    folder, options = loud_and_soft, ["--tempo=none", "--workers=1", f"--manifest={loud_and_soft / 'songs.csv'}"]
    assert main(["build", *options, f"--out={folder / 'x'}", "--loudness=-16"]) == 0
    dataset = Dataset.load(folder / "x")
    assert dataset.features == LogMel(loudness=-16.0)
    records = itertools.chain.from_iterable(tf.data.TFRecordDataset(f) for f in dataset.files("train"))
    parsed = (parse(dataset.schema, record) for record in records)
    rows = {row["track_id"].numpy().decode(): row["log_mel"].numpy().astype(np.float32) for row in parsed}
    np.testing.assert_allclose(rows["loud"], rows["soft"], atol=3e-3)
    assert main(["build", *options, f"--out={folder / 'x'}", "--loudness=-16"]) == 0  # already built
    assert main(["build", *options, f"--out={folder / 'x'}"]) == 2  # another loudness is another dataset


def test_a_dataset_of_an_earlier_extraction_is_not_taken_for_this_one(loud_and_soft, monkeypatch, capsys):
    arguments = ["build", f"--manifest={loud_and_soft / 'songs.csv'}", f"--out={loud_and_soft / 'x'}", "--tempo=none"]
    with monkeypatch.context() as before:
        before.setattr(plan, "EXTRACTION", extract.EXTRACTION - 1)
        assert main([*arguments, "--workers=1"]) == 0
    assert main([*arguments, "--workers=1"]) == 2
    assert "or by an earlier version; give --overwrite" in capsys.readouterr().err
    assert main([*arguments, "--workers=1", "--overwrite"]) == 0


@pytest.mark.parametrize("lufs", [0.0, 14.0, -60.0, float("nan")])
def test_a_loudness_that_none_is(loud_and_soft, lufs):
    with pytest.raises(UserError, match=r"--loudness=\S+: must be from -40 to -5 LUFS, such as -20"):
        build_dataset(loud_and_soft / "songs.csv", loud_and_soft / "x", Options(loudness=lufs))
