"""The same sound under two ids: said before the build where the table shows it, else before there is a dataset."""

import csv
import json

import mutagen.flac
import numpy as np
import pytest
import soundfile

from tfrecords_tools.build import build
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.dry_run import dry_run
from tfrecords_tools.build.plan import Options
from tfrecords_tools.build.work_folder import WORK_FOLDER
from tfrecords_tools.check.verify import verify
from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.findings import NOTES_FILE

pytestmark = pytest.mark.usefixtures("in_this_process")
RATE = 22_050


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Six sounds; 0 is also there as flac, with tags of its own, and 1 once more under another name."""
    folder = tmp_path_factory.mktemp("songs")
    for k in range(6):
        samples = (np.random.default_rng([k]).uniform(-0.3, 0.3, 4 * RATE) * 2**15).astype(np.int16)
        soundfile.write(folder / f"{k}.wav", samples, RATE)
        if k == 0:
            soundfile.write(folder / "same.flac", samples, RATE)
            tags = mutagen.flac.FLAC(folder / "same.flac")
            tags["title"] = "Another title"
            tags.save()
        if k == 1:
            soundfile.write(folder / "again.wav", samples, RATE)
    return folder


def _table(songs, rows, name="songs.csv"):
    (songs / name).write_text("\n".join(["track_id,path,artist,split", *rows]) + "\n")
    return songs / name


ROWS = ["a,0.wav,A,train", "b,1.wav,B,train", "c,2.wav,C,valid", "d,3.wav,D,test", "e,again.wav,B,train"]
LEAK = [*ROWS, "f,same.flac,F,test"]


def _notes(folder) -> list[list[str]]:
    with open(folder / NOTES_FILE, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def test_in_one_split_they_are_listed_and_kept(songs, tmp_path):
    dataset = build_dataset(_table(songs, ROWS), tmp_path / "x")
    assert _notes(dataset.folder) == [["6", "e", "duplicates", "the sound of 'b' (train, line 3)", "kept"]]
    assert json.loads((dataset.folder / build.BUILD_FILE).read_text())["noted"] == {"duplicates": 1}
    assert "duplicates: 1\n  'e' (train, line" in str(verify(dataset))


def test_across_splits_they_are_refused_before_there_is_a_dataset_and_a_resume_may_allow_them(songs, tmp_path, capsys):
    table, out = _table(songs, LEAK, "leak.csv"), tmp_path / "x"
    arguments = ["build", f"--manifest={table}", f"--out={out}", "--name=x"]
    for again in ([], ["--resume"]):
        assert main([*arguments, *again]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert (
            "1 track(s) are the same sound as one of another split: 'f' (test, line 7) is 'a' (train, line 2);" in error
        )
        assert "remove one of the rows" in error and "give --allow_duplicates with --resume" in error
        assert [
            "7",
            "f",
            "duplicates",
            "the sound of 'a' (train, line 2)",
            "refused: they are in two splits",
        ] in _notes(out)
        assert not (out / "dataset.json").exists() and len(list((out / WORK_FOLDER).glob("*.tfrecord"))) == 3
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "extract", asked.append)
        assert main([*arguments, "--resume", "--allow_duplicates"]) == 0
    assert not asked and "noted: 2 duplicates (see notes.csv)" in capsys.readouterr().out
    assert _notes(out)[-1][-1] == "kept in both splits (--allow_duplicates)"
    at_once = build_dataset(table, tmp_path / "y", Options("x"), allow_duplicates=True)
    assert (at_once.folder / NOTES_FILE).read_bytes() == (out / NOTES_FILE).read_bytes()
    with pytest.raises(
        UserError, match=r"'f' \(test, line \d of tracks.csv\) is 'a' \(train, line \d.*\); build it again without"
    ):
        verify(at_once)
    assert main(["verify", f"--data={out}", "--allow_duplicates"]) == 0
    assert "duplicates: 2" in capsys.readouterr().out


def test_a_file_in_two_splits_is_said_before_anything_is_decoded(songs, tmp_path, monkeypatch):
    table = _table(songs, [*ROWS, "g,./3.wav,G,train"], "twice.csv")
    monkeypatch.setattr(build, "extract", None)
    for call in (lambda: build_dataset(table, tmp_path / "x"), lambda: dry_run(table)):
        with pytest.raises(UserError, match=r"'g' \(train, line 7\) is 'd' \(test, line 5\); remove one of the rows"):
            call()
    assert not (tmp_path / "x").exists()
    assert dry_run(table, allow_duplicates=True).tracks["train"] == 4


def test_two_artists_that_a_split_by_artist_would_part(songs, tmp_path):
    rows = [f"t{k},{k}.wav,artist {k}," for k in range(6)] + ["copy,same.flac,someone else,"]
    splits = set()
    for seed in range(8):
        try:
            build_dataset(_table(songs, rows, "own.csv"), tmp_path / str(seed), Options(seed=seed))
            splits.add("one")
        except UserError as error:
            assert "give both the same artist" in str(error)
            splits.add("two")
    assert splits == {"one", "two"}
