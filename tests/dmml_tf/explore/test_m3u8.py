"""A playlist file, and the one that the API gives."""

from pathlib import Path

from dmml_tf.explore.m3u8 import m3u8
from tests.dmml_tf.explore.client import ask, request


def test_names_lengths_and_relative_paths():
    songs = [
        ({"id": "1", "title": "Río\nX", "artist": "A|B", "seconds": "61.6"}, Path("/m/a/1.flac")),
        ({"id": "b/2.ogg", "title": "", "artist": ""}, Path("/m/#b/2.ogg")),
        ({"id": "3", "title": "no way to write it"}, Path("/m/a\nb.mp3")),
        ({"id": "4", "title": "beside", "seconds": "inf"}, Path("/n/4.mp3")),
    ]
    assert m3u8(songs, Path("/m")).splitlines() == [
        "#EXTM3U",
        "#EXTINF:62,A, B - Río X",
        "a/1.flac",
        "#EXTINF:-1,b/2.ogg",
        "./#b/2.ogg",
        "#EXTINF:-1,beside",
        "../n/4.mp3",
    ]


def test_the_api_gives_paths_below_the_folder_of_the_music_alone(address, songs):
    body = b'{"songs": [2, "t01", 7]}'
    status, headers, content = request(address, "/api/v1/m3u8", "POST", body, content_type="application/json")
    assert status == 200 and headers["content-type"] == "application/vnd.apple.mpegurl"
    lines = content.decode().splitlines()
    assert lines[0] == "#EXTM3U" and [line for line in lines if not line.startswith("#")] == ["t02.flac", "t01.flac"]
    assert not any(str(songs.folder) in line or line.startswith("/") for line in lines)
    for asked, message in (([7], "no file is known"), ([99], "no song 99"), (["../x"], "no track"), ([], "songs")):
        status, answer = ask(address, "/api/v1/m3u8", "POST", str(asked).join(('{"songs": ', "}")).replace("'", '"'),
                             content_type="application/json")  # fmt: skip
        assert status in (400, 422) and message in answer["error"]
