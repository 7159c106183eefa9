"""Other sites' pages get nothing."""

import json

import pytest

from dmml_tf.explore.guard import HEADERS, _is_number, _name
from dmml_tf.explore.serve import listening
from tests.dmml_tf.explore.client import request
from tfrecords_tools.errors import UserError


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "",
        "[::1",
        "127.0.0.1@evil.example",
        "127.0.0.1\tx",
        "localhost#x.evil",
    ],
)
def test_a_rebound_name_is_refused(address, host):
    for path in ("/", "/api/v1/about", "/api/v1/songs/0/audio"):
        status, headers, body = request(address, path, Host=host)
        assert status in (400, 403) and b"fLaC" not in body
        if status == 403:
            assert "that name" in json.loads(body)["error"] and headers["content-security-policy"]


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "LOCALHOST", "127.0.0.1:5", "[::1]:5", "192.168.1.2"])
def test_numbers_and_localhost_are_answered(address, host):
    assert request(address, "/api/v1/songs/3", Host=host)[0] == 200


def test_another_origin_is_refused_and_ours_is_not(address):
    ours = address.rstrip("/")
    assert request(address, "/api/v1/songs/3", Origin=ours, sec_fetch_site="same-origin")[0] == 200
    for bad in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"Origin": ours.replace("http", "https")},
    ):
        for method, path in (("GET", "/api/v1/songs/3"), ("POST", "/api/v1/embed"), ("OPTIONS", "/api/v1/embed")):
            status, headers, _ = request(address, path, method, **bad)
            assert status == 403 and not [name for name in headers if name.startswith("access-control")]


def test_every_answer_carries_the_headers(address):
    for path in (
        "/",
        "/static/app.js",
        "/docs",
        "/openapi.json",
        "/api/v1/about",
        "/api/nothing",
        "/api/v1/songs/0/audio",
    ):
        headers = request(address, path)[1]
        assert {name: headers.get(name.lower()) for name in HEADERS} == HEADERS
        assert "server" not in headers


def test_names_of_hosts():
    assert [_name(host) for host in ("a.b:8", "[::1]:8", "A", "[x", ":8")] == ["a.b", "::1", "a", "", ""]
    assert _is_number("::1") and _is_number("10.0.0.1") and not _is_number("10.0.0.1.nip.io") and not _is_number("")


def test_a_taken_port_and_a_foreign_host_are_one_line():
    with listening("127.0.0.1", 0) as (opened, address):
        port = opened.getsockname()[1]
        assert address == f"http://127.0.0.1:{port}/"
        with pytest.raises(UserError, match=f"port {port} .*--port"), listening("127.0.0.1", port):
            pass
    with pytest.raises(UserError, match="cannot listen on 203.0.113.7"), listening("203.0.113.7", 0):
        pass
