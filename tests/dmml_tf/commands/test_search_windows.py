"""`dmml search --window` and `--windows` on a scanned folder."""

import json

import pytest
import soundfile

import dmml_tf as dmml
from dmml_tf.cli import main
from tests.dmml_tf.commands.untrained import untrained_run
from tests.dmml_tf.library.tunes import RATE, tune


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for seed in range(3):
        soundfile.write(folder / f"{seed}.flac", tune(seed, 12.0), RATE)
    return folder


@pytest.fixture
def library(tmp_path, music, in_this_process):
    assert (
        main(["scan", f"--library={tmp_path / 'my'}", f"--run={untrained_run(tmp_path / 'run').folder}", str(music)])
        == 0
    )
    return tmp_path / "my"


@pytest.fixture
def search(library, capsys):
    def asked(*arguments):
        capsys.readouterr()
        status = main(["search", f"--library={library}", *arguments])
        return status, *capsys.readouterr()

    return asked


@pytest.mark.slow
def test_a_section_of_a_song_and_the_sections_like_it(search, music, library, tmp_path):
    status, out, _ = search("--track=0.flac", "--window=0:03-0:09", "--windows", "--format=json")
    content = json.loads(out)
    assert status == 0 and content["query"]["window"] == {"begin": 3, "end": 9}
    assert {row["id"] for row in content["results"]} == {"1.flac", "2.flac"}
    for row in content["results"]:
        assert row["section"]["end"] - row["section"]["begin"] == pytest.approx(6, abs=0.02)
        assert 0 <= row["section"]["begin"] and row["section"]["end"] <= 12
    in_python = dmml.open_library(library).search("0.flac", window="0:03-0:09", windows=True)
    assert [hit.score for hit in in_python] == pytest.approx([row["score"] for row in content["results"]])
    by_file = json.loads(search(f"--audio={music / '0.flac'}", "--window=0:03-0:09", "--format=json")[1])["results"]
    assert by_file[0]["id"] == "0.flac" and "section" not in by_file[0]
    playlist = library / "like.m3u8"
    status, out, _ = search("--track=0.flac", "--window=3-9", "--windows", f"--m3u={playlist}")
    assert status == 0 and out.startswith("query 0:03-0:09 of 0.flac: ") and "  section  " in out.splitlines()[1]
    begins = [row["section"]["begin"] for row in content["results"]]
    lines = playlist.read_text().splitlines()
    assert [line for line in lines if "VLC" in line] == [f"#EXTVLCOPT:start-time={at:.2f}" for at in begins if at]
    stretches = dmml.load(tmp_path / "run").index(music, workers=1, windows=True)
    assert stretches.ids == ["0.flac", "1.flac", "2.flac"] and len(stretches.index.stretches) >= 3
    hits = stretches.search("0.flac", at=4.5)
    assert {hit.track["id"] for hit in hits} == {"1.flac", "2.flac"}
    assert all(0 <= hit.section.begin < hit.section.end <= 12 for hit in hits)


@pytest.mark.slow
def test_bad_windows_are_one_line(search):
    for arguments, said in (
        (["--track=0.flac", "--window=9"], "write from when to when"),
        (["--track=0.flac", "--window=0:03-0:20"], "is 0:12 long; the window 0:03-0:20 ends after it"),
        (["--track=0.flac", "--track=1.flac", "--window=3-9"], "a section of one song"),
        (["--of=genre=0.flac", "--window=3-9"], "a section of one song"),
        (["--track=0.flac", "--windows"], "--windows needs a section"),
        (["--track=nine.flac", "--window=3-9"], "no track 'nine.flac'"),
        (["--audio=nine.flac", "--window=3-9"], "file not found"),
    ):
        status, out, err = search(*arguments)
        assert (status, out) == (2, "") and said in err and len(err.splitlines()) == 1, arguments
