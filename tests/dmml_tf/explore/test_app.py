"""The web application over a real connection."""

import re
from pathlib import Path

import pytest

from dmml_tf.explore.app import STATIC
from dmml_tf.search.query import by_tracks, mix
from dmml_tf.search.rules import Rules
from tests.dmml_tf.explore.client import ask, request
from tests.dmml_tf.explore.conftest import HOSTILE

QUESTION = "/api/search?a=3&weight=1&weight=0.5&weight=0&side=a&side=a&side=a"


def test_about(address, library):
    status, about = ask(address, "/api/run")
    assert status == 200 and about["tracks"] == 24 and about["run"] == "run" and about["example"] == library.example
    assert about["parts"] == [
        {"name": "genre", "column": "genre", "owning": True},
        {"name": "tempo", "column": "tempo", "owning": True},
        {"name": "whole", "column": None, "owning": False},
    ]


def test_songs_are_listed_found_and_named_by_id(address, library):
    assert [song["row"] for song in ask(address, "/api/songs?count=5")[1]] == [0, 1, 2, 3, 4]
    assert ask(address, "/api/songs?text=abc")[1] == [library.song(1)]
    assert ask(address, "/api/song?id=t07")[1] == ask(address, "/api/songs/7")[1] == library.song(7)
    assert ask(address, "/api/songs?text=nobody")[1] == []


def test_a_search_is_the_index_answer(address, library):
    index = library.index
    expected = index.search(by_tracks(index, ["t03"]), {"genre": 1.0, "tempo": 0.5}, 10)
    status, found = ask(address, QUESTION)
    assert status == 200 and [(hit["id"], hit["score"]) for hit in found["hits"]] == [
        (hit.track["id"], hit.score) for hit in expected
    ]
    parts = {"genre": by_tracks(index, ["t03"]), "tempo": by_tracks(index, ["t09"]), "whole": by_tracks(index, ["t09"])}
    expected = index.search(
        mix(index, parts), {"genre": 1.0, "tempo": 0.5, "whole": 0.25}, 4, Rules(not_its_artist=True)
    )
    _, found = ask(
        address, "/api/search?a=3&b=9&weight=1&weight=0.5&weight=0.25&side=a&side=b&side=b&count=4&not_its_artist=true"
    )
    assert [hit["id"] for hit in found["hits"]] == [hit.track["id"] for hit in expected]
    assert found["hits"][0]["cosines"] == expected[0].cosines


def test_the_map_of_each_part(address):
    for number, name in enumerate(("genre", "tempo", "whole")):
        status, described = ask(address, f"/api/map/{number}")
        assert status == 200 and described["name"] == name and len(described["points"]) == 24


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/search", 422),
        ("/api/search?a=3&weight=1&side=a", 400),
        (QUESTION.replace("a=3", "a=99"), 400),
        (QUESTION.replace("a=3", "a=../../etc/passwd"), 422),
        (QUESTION.replace("a=3", "a=-1"), 422),
        (QUESTION.replace("a=3", "a=%D9%A3"), 422),
        (QUESTION.replace("a=3", "a=" + "0" * 32), 400),
        (QUESTION.replace("0.5", "nan"), 400),
        (QUESTION.replace("0.5", "1e999"), 400),
        (QUESTION.replace("0.5", "x"), 422),
        (QUESTION + "&count=0", 422),
        (QUESTION + "&count=51", 422),
        (QUESTION + "&side=c", 400),
        (QUESTION.replace("weight=1&weight=0.5", "weight=0&weight=0"), 400),
        ("/api/songs/24", 400),
        ("/api/songs/-1", 422),
        ("/api/songs/x", 422),
        ("/api/songs?count=0", 422),
        ("/api/songs?count=1000", 422),
        ("/api/songs?text=" + "x" * 201, 422),
        ("/api/song?id=none%0Asuch", 400),
        ("/api/map/3", 422),
        ("/api/map/-1", 422),
        ("/api/nothing", 404),
        ("/api/sound", 405),
        ("/docs", 404),
        ("/openapi.json", 404),
        ("/api/audio/24", 400),
        ("/api/audio/3", 404),
        ("/api/audio/" + "9" * 30, 422),
        ("/api/audio/../../tracks.csv", 404),
        ("/api/audio/..%2f..%2ftracks.csv", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/static//etc/passwd", 404),
        ("/static/", 404),
        ("/../app.py", 404),
    ],
)
def test_bad_requests_are_refused_in_one_line(address, path, status):
    found, answer = ask(address, path)
    assert found == status and list(answer) == ["error"] and answer["error"] and "\n" not in answer["error"]


def test_a_players_audio_comes_whole_and_in_ranges(address, library):
    content = Path(library.sound(1)).read_bytes()
    status, headers, body = request(address, "/api/audio/1")
    assert status == 200 and body == content and headers["content-type"] == "audio/flac"
    assert headers["accept-ranges"] == "bytes" and headers["x-content-type-options"] == "nosniff"
    status, headers, body = request(address, "/api/audio/1", Range="bytes=10-19")
    assert status == 206 and body == content[10:20] and headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert request(address, "/api/audio/1", Range="bytes=-5")[2] == content[-5:]
    assert request(address, "/api/audio/1", Range=f"bytes={len(content)}-")[0] == 416
    assert request(address, "/api/audio/1", Range="bytes=x")[0] == 400


def test_the_page_is_our_own_files_only_and_holds_no_inline_script_or_style(address):
    status, headers, body = request(address, "/")
    page = body.decode()
    assert status == 200 and "'unsafe" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(linked) >= 3 and all(request(address, path)[0] == 200 for path in linked)
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        outside = set(re.findall(r"(?:https?:)?//[\w.]+\w", text)) - {"http://www.w3.org"}
        assert not [place for place in outside if ":" in place], file.name
        unsafe = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|@import|url\("
        assert not re.search(unsafe, text), file.name


def test_hostile_names_come_as_json_that_no_browser_reads_as_a_page(address):
    status, headers, body = request(address, "/api/songs/0")
    assert status == 200 and headers["content-type"] == "application/json" and HOSTILE.split('"')[0] in body.decode()
