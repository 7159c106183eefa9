"""`dmml duplicates` on a scanned folder."""

import json

import pytest
import soundfile

from dmml_tf.cli import main
from tests.dmml_tf.commands.untrained import untrained_run
from tests.dmml_tf.library.tunes import RATE, tune


@pytest.fixture
def library(tmp_path, in_this_process):
    run, music = untrained_run(tmp_path / "run"), tmp_path / "music"
    (music / "again").mkdir(parents=True)
    song = tune(0, 6.0)
    soundfile.write(music / "song.flac", song, RATE)
    soundfile.write(music / "again" / "song.ogg", 0.5 * song[RATE // 4 :], RATE)
    soundfile.write(music / "other.flac", tune(1, 6.0), RATE)
    soundfile.write(music / "gone.flac", song, RATE)
    assert main(["scan", f"--library={tmp_path / 'my.dmml'}", f"--run={run.folder}", str(music)]) == 0
    (music / "gone.flac").unlink()
    return tmp_path / "my.dmml"


@pytest.mark.slow
def test_groups_of_a_library(library, capsys):
    capsys.readouterr()
    assert main(["duplicates", f"--library={library}", "--format=json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [[file["id"] for file in group] for group in content["groups"]] == [["song.flac", "again/song.ogg"]]
    assert content["groups"][0][1]["begins"] == pytest.approx(0.25, abs=0.02)
    assert [song["id"] for song in content["unheard"]] == ["gone.flac"]
    assert "file not found" in content["unheard"][0]["reason"]


def test_no_library(tmp_path, capsys):
    assert main(["duplicates", f"--library={tmp_path}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
