"""Requests to a real server, with every header in the test's hands."""

import http.client
import json
from urllib.parse import urlsplit


def request(address: str, path: str, method: str = "GET", body=None, **headers: str) -> tuple[int, dict, bytes]:
    """(status, headers by lower-case name, body); `sec_fetch_site` is sent as `Sec-Fetch-Site`."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def ask(address: str, path: str, method: str = "GET", body=None, **headers: str):
    """(status, the JSON answered)."""
    status, _, content = request(address, path, method, body, **headers)
    return status, json.loads(content)


def question(address: str, name: str, **asked):
    """(status, the JSON answered) of a question as JSON."""
    return ask(address, f"/api/v1/{name}", "POST", json.dumps(asked), content_type="application/json")
