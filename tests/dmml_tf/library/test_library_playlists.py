"""Searches, paths and playlists of a library: songs by id and by file, and playlists that lead to the files."""

import json
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.library.scan import Scan, scan
from tests.dmml_tf.library.made import make_run, make_song
from tfrecords_tools.program import Command, dispatch

pytestmark = pytest.mark.usefixtures("here")
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("search", "path", "playlist")]


@pytest.fixture
def library(tmp_path, monkeypatch) -> Path:
    # The model that costs nothing hears no files; which file it is asked to hear is what matters here.
    monkeypatch.setattr(
        "dmml_tf.embed.audio.embed_audio", lambda path, embedder: np.arange(1.0, 11.0, dtype=np.float32)
    )
    names = ("A/01 one.wav", "A/02 two.flac", "B/three.ogg", "four.wav")
    for number, name in enumerate(names):
        make_song(tmp_path / "music" / name, number)
    make_song(tmp_path / "other.wav", 9)
    scan(tmp_path / "lib", Scan([str(tmp_path / "music")], str(make_run(tmp_path / "model").folder)))
    return tmp_path / "lib"


def test_songs_by_id_and_by_file_and_playlists_of_them(library, tmp_path, capsys):
    other, lists = str(tmp_path / "other.wav"), tmp_path / "lists"

    def dmml(command: str, *arguments: str) -> dict:
        capsys.readouterr()
        m3u = lists / f"{command}.m3u8"
        shared = ["--library", str(library), "--m3u", str(m3u), "--format=json", "--filter", "path!=B/*"]
        assert dispatch("dmml", "", COMMANDS, [command, *shared, *arguments]) == 0
        found = json.loads(capsys.readouterr().out)
        songs = found.get("songs", found.get("results"))
        paths = [(lists / line).resolve() for line in m3u.read_text("utf-8").splitlines()[2::2]]
        assert [str(path) for path in paths] == [song["path"] for song in songs] and all(
            path.exists() for path in paths
        )
        return found

    found = dmml("search", "--track", other, "-k", "2", "--most_per_artist=5")
    assert len(found["results"]) == 2 and all(song["seconds"] == 3.2 for song in found["results"])
    way = dmml("path", "--from", "A/01 one.wav", "--to", other, "--steps=1")
    assert way["songs"][0]["id"] == "A/01 one.wav" and way["songs"][1]["path"] == other
    assert way["largest_step"] == way["apart"] > 0
    listed = dmml("playlist", "--track", other, "--track", "four.wav", "--minutes", "0.2")
    assert [song.get("id") for song in listed["songs"]][:2] == [None, "four.wav"] and len(listed["songs"]) == 4
