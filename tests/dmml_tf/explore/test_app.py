"""The web application over a real connection."""

import json
import re
from pathlib import Path

import pytest

from dmml_tf.explore.app import STATIC
from dmml_tf.search.query import by_tracks, mix
from dmml_tf.search.rules import Rules
from tests.dmml_tf.explore.client import ask, question, request
from tests.dmml_tf.explore.conftest import HOSTILE


def as_json(content):
    return json.loads(json.dumps(content))


def test_about(address, songs):
    status, about = ask(address, "/api/v1/about")
    assert status == 200 and about["tracks"] == 24 and about["name"] == "run" and about["example"] == songs.example
    assert about["parts"] == [
        {"name": "genre", "column": "genre", "owning": True},
        {"name": "tempo", "column": "tempo", "owning": True},
        {"name": "whole", "column": None, "owning": False},
    ]


def test_songs_are_listed_found_and_named_by_id(address, songs):
    assert [song["row"] for song in ask(address, "/api/v1/songs?count=5")[1]] == [0, 1, 2, 3, 4]
    assert ask(address, "/api/v1/songs?text=abc")[1] == [as_json(songs.song(1))]
    assert ask(address, "/api/v1/song?id=t07")[1] == ask(address, "/api/v1/songs/7")[1] == as_json(songs.song(7))
    assert ask(address, "/api/v1/songs?text=nobody")[1] == []


def test_a_search_is_the_index_answer(address, songs):
    index = songs.index
    expected = index.search(by_tracks(index, ["t03"]), {"genre": 1.0, "tempo": 0.5}, 10)
    status, found = question(address, "search", like=3, weights={"genre": 1, "tempo": 0.5})
    assert status == 200 and [(hit["id"], hit["score"]) for hit in found["hits"]] == [
        (hit.track["id"], hit.score) for hit in expected
    ]
    parts = {"genre": by_tracks(index, ["t03"]), "tempo": by_tracks(index, ["t09"]), "whole": by_tracks(index, ["t09"])}
    expected = index.search(
        mix(index, parts), {"genre": 1.0, "tempo": 0.5, "whole": 0.25}, 4, Rules(not_its_artist=True)
    )
    _, found = question(
        address,
        "search",
        like="t03",
        parts={"tempo": 9, "whole": "t09"},
        weights={"genre": 1, "tempo": 0.5, "whole": 0.25},
        count=4,
        not_its_artist=True,
    )
    assert [hit["id"] for hit in found["hits"]] == [hit.track["id"] for hit in expected]
    assert found["hits"][0]["cosines"] == expected[0].cosines


def test_the_map_of_each_part(address):
    for name in ("genre", "tempo", "whole"):
        status, described = ask(address, f"/api/v1/map?part={name}")
        assert status == 200 and described["name"] == name and len(described["points"]) == 24


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/v1/songs/24", 400),
        ("/api/v1/songs/-1", 422),
        ("/api/v1/songs/x", 422),
        ("/api/v1/songs?count=0", 422),
        ("/api/v1/songs?count=1000", 422),
        ("/api/v1/songs?text=" + "x" * 201, 422),
        ("/api/v1/song?id=none%0Asuch", 400),
        ("/api/v1/map?part=mood", 404),
        ("/api/v1/map", 422),
        ("/api/nothing", 404),
        ("/api/v1/embed", 405),
        ("/redoc", 404),
        ("/api/v1/songs/24/audio", 400),
        ("/api/v1/songs/3/audio", 404),
        ("/api/v1/songs/" + "9" * 30 + "/audio", 422),
        ("/api/v1/songs/../../tracks.csv/audio", 404),
        ("/api/v1/songs/..%2f..%2ftracks.csv/audio", 404),
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


@pytest.mark.parametrize(
    "asked, status",
    [
        ({}, 400),
        ({"like": 99}, 400),
        ({"like": "../../etc/passwd"}, 400),
        ({"like": -1}, 422),
        ({"like": 3.5}, 422),
        ({"like": True}, 422),
        ({"like": "0" * 32}, 400),
        ({"like": 3, "parts": {"mood": 4}}, 400),
        ({"like": 3, "unlike": [99]}, 400),
        ({"like": 3, "weights": {"tempo": float("nan")}}, 400),
        ({"like": 3, "weights": {"tempo": "x"}}, 422),
        ({"like": 3, "weights": {"mood": 1}}, 400),
        ({"like": 3, "weights": {"genre": 0}}, 400),
        ({"like": 3, "count": 0}, 422),
        ({"like": 3, "count": 101}, 422),
        ({"like": 3, "filters": ["genre"]}, 400),
        ({"like": 3, "filters": ["nothing=1"]}, 400),
        ({"like": 3, "wieghts": {}}, 422),
    ],
)
def test_bad_questions_are_refused_in_one_line(address, asked, status):
    found, answer = question(address, "search", **asked)
    assert found == status and list(answer) == ["error"] and answer["error"] and "\n" not in answer["error"]


def test_a_question_says_its_length_and_is_no_book(address):
    for headers, status in (
        ({"transfer_encoding": "chunked"}, 411),
        ({"content_length": str(2 << 20)}, 413),
        ({"content_length": "9" * 19}, 413),
    ):
        found, _, body = request(address, "/api/v1/search", "POST", None, **headers)
        assert found == status and b"error" in body


def test_a_players_audio_comes_whole_and_in_ranges(address, songs):
    content = Path(songs.sound(1)).read_bytes()
    status, headers, body = request(address, "/api/v1/songs/1/audio")
    assert status == 200 and body == content and headers["content-type"] == "audio/flac"
    assert headers["accept-ranges"] == "bytes" and headers["x-content-type-options"] == "nosniff"
    status, headers, body = request(address, "/api/v1/songs/1/audio", Range="bytes=10-19")
    assert status == 206 and body == content[10:20] and headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert request(address, "/api/v1/songs/1/audio", Range="bytes=-5")[2] == content[-5:]
    assert request(address, "/api/v1/songs/1/audio", Range=f"bytes={len(content)}-")[0] == 416
    assert request(address, "/api/v1/songs/1/audio", Range="bytes=x")[0] == 400


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_pages_are_our_own_files_only_and_hold_no_inline_script_or_style(address, path):
    status, headers, body = request(address, path)
    page = body.decode()
    assert status == 200 and "'unsafe" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(linked) >= 3 and all(request(address, link)[0] == 200 for link in linked)
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        outside = set(re.findall(r"(?:https?:)?//[\w.]+\w", text)) - {"http://www.w3.org"}
        assert not [place for place in outside if ":" in place], file.name
        unsafe = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|@import|url\("
        assert not re.search(unsafe, text), file.name


def test_hostile_names_come_as_json_that_no_browser_reads_as_a_page(address):
    status, headers, body = request(address, "/api/v1/songs/0")
    assert status == 200 and headers["content-type"] == "application/json" and HOSTILE.split('"')[0] in body.decode()


def test_all_that_is_answered_is_described(address):
    status, described = ask(address, "/openapi.json")
    assert status == 200 and described["openapi"].startswith("3.")
    paths = {path.removeprefix("/api/v1/"): set(methods) for path, methods in described["paths"].items()}
    assert paths.items() >= {
        ("about", frozenset({"get"})),
        ("songs", frozenset({"get"})),
        ("songs/{row}/audio", frozenset({"get"})),
        ("search", frozenset({"post"})),
        ("path", frozenset({"post"})),
        ("playlist", frozenset({"post"})),
        ("m3u8", frozenset({"post"})),
        ("embed", frozenset({"post"})),
    }
    routes = [route for methods in described["paths"].values() for route in methods.values()]
    assert all(route["description"] and route["security"] for route in routes)
    schemas = {name: schema for name, schema in described["components"]["schemas"].items() if "Validation" not in name}
    for name, schema in schemas.items():
        # Beside it, in the docstring, or in that of the song that it is.
        texts = schema["description"] + (schemas["Song"]["description"] if "mark" in schema["properties"] else "")
        for field, content in schema["properties"].items():
            assert "description" in content or re.search(rf"\b{field}\b", texts), (name, field)
