"""The playlist file that the API gives; `tests/dmml_tf/search/test_m3u.py` tests its form."""

from tests.dmml_tf.explore.client import ask, request


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
