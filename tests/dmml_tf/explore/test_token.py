"""A server for other machines asks for its token; one for this machine alone asks for none."""

import json

import pytest

from dmml_tf.explore.app import create_app
from dmml_tf.explore.guard import is_loopback
from dmml_tf.explore.serve import serving
from tests.dmml_tf.explore.client import ask, request

TOKEN = "k7_correct-horse"


@pytest.fixture(scope="module")
def guarded(songs):
    with serving(create_app(songs, token=TOKEN)) as address:
        yield address


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer k7_correct-horsf"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer \u00e9"},
        {"Cookie": f"dmml={TOKEN}"},
        {"Cookie": "dmml_1=; ;;=\x7f"},
    ],
)
@pytest.mark.parametrize("path", ["about", "songs/0/audio", "songs?text=a", "map?part=genre", "nothing"])
def test_without_it_the_api_says_nothing(guarded, path, headers):
    status, answered, body = request(guarded, f"/api/v1/{path}", **headers)
    assert status == 401 and answered["www-authenticate"] == "Bearer" and answered["content-security-policy"]
    assert "token" in json.loads(body)["error"] and TOKEN.encode() not in body
    assert request(guarded, "/api/v1/embed", "POST", b"x", **headers)[0] == 401
    assert request(guarded, "/api/v1/session", "POST", b"", **headers)[0] == 401


def test_a_program_sends_it_as_a_header(guarded):
    status, about = ask(guarded, "/api/v1/about", Authorization=f"Bearer {TOKEN}")
    assert status == 200 and about["tracks"] == 24


def test_a_page_gets_a_cookie_for_it_which_a_player_sends_too(guarded):
    status, headers, _ = request(guarded, "/api/v1/session", "POST", b"", Authorization=f"Bearer {TOKEN}")
    assert status == 200 and {"httponly", "samesite=strict"} <= set(headers["set-cookie"].lower().split("; "))
    cookie = headers["set-cookie"].split(";")[0]
    status, _, body = request(guarded, "/api/v1/songs/1/audio", Cookie=f"other=1; {cookie}")
    assert status == 200 and body[:4] == b"fLaC"
    # Another site's page cannot use it.
    assert request(guarded, "/api/v1/about", Cookie=cookie, Origin="http://evil.example")[0] == 403


def test_the_pages_and_the_description_hold_nothing_of_the_songs(guarded):
    for path in ("/", "/docs", "/openapi.json", "/static/app.js"):
        status, _, body = request(guarded, path)
        assert status == 200 and b"Song 1" not in body and TOKEN.encode() not in body


def test_on_this_machine_none_is_asked_for(address):
    status, headers, _ = request(address, "/api/v1/session", "POST", b"")
    assert status == 200 and "set-cookie" not in headers


@pytest.mark.parametrize(
    "host, alone",
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("LOCALHOST", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "192.168.1.2", "10.0.0.1", "box.local", "localhost.evil", "")],
)
def test_who_is_reached_from_this_machine_alone(host, alone):
    assert is_loopback(host) == alone
