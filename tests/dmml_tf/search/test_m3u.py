"""Playlists as bytes: names, relative paths, odd names, whole or not there."""

import os

import pytest

from dmml_tf.search.m3u import Entry, write_m3u
from tfrecords_tools.errors import UserError


def track(title: str = "Song", artist: str = "Ann|Bob", seconds: str = "59.6") -> dict[str, str]:
    return {"id": "x", "title": title, "artist": artist, "seconds": seconds}


def test_a_playlist_as_players_read_it(tmp_path):
    music = tmp_path / "music"
    entries = [
        Entry(music / "A" / "01 Caf\u00e9.flac", track("Caf\u00e9")),
        Entry(tmp_path / "lists" / "#1.mp3", track("x\ny", "", "")),
        Entry(tmp_path / "no tags.ogg", {}),
        Entry(music / "b.mp3", track("T", "A", "nan")),
        Entry(music / "c.mp3", track("T", "A", "90"), 12.346),
        Entry(music / "d.mp3", track("T", "A", "90"), 0.0),
    ]
    assert write_m3u(tmp_path / "lists" / "mine.m3u8", entries) == []
    assert (tmp_path / "lists" / "mine.m3u8").read_text("utf-8").splitlines() == [
        "#EXTM3U",
        "#EXTINF:60,Ann, Bob - Caf\u00e9",
        "../music/A/01 Caf\u00e9.flac",
        "#EXTINF:-1,x y",
        "./#1.mp3",
        "#EXTINF:-1,no tags",
        "../no tags.ogg",
        "#EXTINF:-1,A - T",
        "../music/b.mp3",
        "#EXTINF:90,A - T",
        "#EXTVLCOPT:start-time=12.35",
        "../music/c.mp3",
        "#EXTINF:90,A - T",
        "../music/d.mp3",
    ]
    assert os.listdir(tmp_path / "lists") == ["mine.m3u8"]


def test_paths_lead_to_the_files_through_links_too(tmp_path):
    for folder in ("disk/music", "disk/lists"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "disk/music/a.mp3").write_bytes(b"a")
    (tmp_path / "home/lists").symlink_to(tmp_path / "disk/lists")
    (tmp_path / "home/music").symlink_to(tmp_path / "disk/music")
    write_m3u(tmp_path / "home/lists/x.m3u8", [Entry(tmp_path / "home/music/a.mp3", {})])
    line = (tmp_path / "home/lists/x.m3u8").read_text().splitlines()[-1]
    assert line == "../music/a.mp3" and (tmp_path / "home/lists" / line).read_bytes() == b"a"


def test_names_that_are_no_text(tmp_path):
    odd = os.fsdecode(b"caf\xe9.mp3")
    left = write_m3u(tmp_path / "x.m3u8", [Entry(tmp_path / odd, {}), Entry(tmp_path / "a\nb.mp3", {})])
    assert left == [tmp_path / "a\nb.mp3"]
    assert (tmp_path / "x.m3u8").read_bytes().splitlines() == [
        b"#EXTM3U",
        b"#EXTINF:-1,caf .mp3".replace(b".mp3", b""),
        b"caf\xe9.mp3",
    ]


def test_a_playlist_that_cannot_be_written(tmp_path):
    with pytest.raises(UserError, match=r"a.txt: a playlist's name ends in .m3u8"):
        write_m3u(tmp_path / "a.txt", [])
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_m3u(tmp_path / "file" / "a.m3u8", [])
    (tmp_path / "kept.m3u8").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        write_m3u(tmp_path / "kept.m3u8", [])
