"""The page in a real headless Chromium: a whole session by keyboard; and what its server answers to others."""

import json

import numpy as np
import pytest

from dmml_tf.data.judgements.votes import read_votes
from dmml_tf.explore.serve import serving
from dmml_tf.judge.app import create_app
from dmml_tf.judge.asking import Options, asking
from dmml_tf.pictures.browser import browser_page, chromium
from tests.dmml_tf.explore.client import ask, question, request
from tests.dmml_tf.explore.keys import press

TOKEN = "k7_correct-horse"
STATE = "document.documentElement?.dataset.state"
HEARD = "[...document.querySelectorAll('[data-answer]')].every(button => !button.disabled)"
browser = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def votes(tmp_path_factory):
    return tmp_path_factory.mktemp("votes") / "votes.csv"


@pytest.fixture(scope="module")
def address(trained, dataset, votes):
    """A real server's, with a final slash: four questions, two of them again."""
    options = Options(triplets=4, disagreeing=0.5, repeats=0.5)
    with asking([trained], dataset, votes, options) as sessions, serving(create_app(sessions)) as served:
        yield served


def next_one(address, listener, **headers):
    return question(address, "judge/next", listener=listener)


def test_clips_are_heard_and_answered_by_a_program(address, votes):
    status, asked = next_one(address, "program")
    assert (status, asked["number"], asked["of"]) == (200, 1, 6) and len(asked["clips"]) == 3
    for clip in asked["clips"]:
        status, headers, body = request(address, f"/api/v1{clip}")
        assert status == 200 and headers["content-type"] == "audio/wav" and body[:4] == b"RIFF"
        assert b"t00" not in body and headers["content-security-policy"]
    assert question(address, "judge/votes", showing=asked["showing"], answer="same", plays=[1, 1, 2]) == (200, {})
    assert read_votes(votes).answers[-1].listener == "program"
    status, again = question(address, "judge/votes", showing=asked["showing"], answer="a")
    assert status == 404 and "was answered" in again["error"]
    assert request(address, f"/api/v1{asked['clips'][0]}")[0] == 404
    assert next_one(address, "program")[1]["number"] == 2


@pytest.mark.parametrize(
    "path, body",
    [
        ("next", {"listener": "a name of mine"}),
        ("next", {"listener": ""}),
        ("next", {"listener": "x" * 21}),
        ("next", {}),
        ("votes", {"showing": "x", "answer": "left"}),
        ("votes", {"showing": "x", "answer": "a", "plays": [1]}),
        ("votes", {"showing": "x", "answer": "a", "more": 1}),
    ],
)
def test_what_is_no_answer_is_one_line(address, path, body):
    status, said = ask(address, f"/api/v1/judge/{path}", "POST", json.dumps(body), content_type="application/json")
    assert status == 422 and "\n" not in said["error"]


def test_other_sites_get_nothing(address):
    assert request(address, "/", Host="evil.example")[0] == 403
    body = json.dumps({"listener": "x"})
    assert request(address, "/api/v1/judge/next", "POST", body, Origin="http://evil.example")[0] == 403


def test_a_server_for_other_machines_asks_for_its_token(trained, dataset, tmp_path):
    with (
        asking([trained], dataset, tmp_path / "v.csv", Options(triplets=2)) as sessions,
        serving(create_app(sessions, token=TOKEN)) as address,
    ):
        assert next_one(address, "x")[0] == 401 and request(address, "/")[0] == 200
        body = json.dumps({"listener": "x"})
        kind = {"content_type": "application/json"}
        assert ask(address, "/api/v1/judge/next", "POST", body, Authorization=f"Bearer {TOKEN}", **kind)[0] == 200
        headers = request(address, "/api/v1/session", "POST", b"", Authorization=f"Bearer {TOKEN}")[1]
        cookie = headers["set-cookie"].split(";")[0]
        assert ask(address, "/api/v1/judge/next", "POST", body, Cookie=cookie, **kind)[0] == 200


class Test_in_a_browser:
    pytestmark = browser

    @pytest.fixture(scope="class")
    def page(self):
        with browser_page() as page:
            yield page

    def test_a_whole_session_by_keyboard(self, page, address, votes):
        page.show(address, (900, 700))
        page.wait_for(f"{STATE} === 'begin'")
        assert page.ask("document.activeElement.id") == "code" and page.ask(
            "/^[a-z]{5}$/.test(document.activeElement.value)"
        )
        page.call("Input.insertText", text="keys-1")  # what was suggested is selected
        press(page, "Enter")
        keys = ["ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowLeft"]
        for number, key in enumerate(keys, 1):
            page.wait_for(f"{STATE} === 'asking' && document.querySelector('#count').textContent === '{number} of 6'")
            if number == 1:
                press(page, "ArrowLeft")
                page.wait_for("document.querySelector('#problem').textContent.includes('Listen to all three')")
            for clip in "312":
                press(page, clip)
                page.wait_for(f"document.querySelector('[data-clip=\"{int(clip) - 1}\"]').classList.contains('played')")
            page.wait_for(HEARD)
            press(page, key)
        page.wait_for(f"{STATE} === 'done'")
        mine = [answer for answer in read_votes(votes).answers if answer.listener == "keys-1"]
        assert len(mine) == 6 and sum(answer.repeat_of is not None for answer in mine) == 2
        at_a = [answer.song1_at_a for answer in mine]
        expected = ["song1", "song2", "same", "neither", "song1", "song1"]
        turned = {"song1": "song2", "song2": "song1"}
        assert [answer.answer for answer in mine] == [
            one if a else turned.get(one, one) for one, a in zip(expected, at_a)
        ]
        # Who comes back has nothing left.
        page.call("Page.navigate", url="about:blank")
        page.show(f"{address}#listener=keys-1", (900, 700))
        page.wait_for(f"{STATE} === 'done'")

    def test_the_three_play_by_themselves_and_everything_has_a_name(self, page, address):
        page.call("Page.navigate", url="about:blank")
        page.show(f"{address}#listener=ears", (360, 700))
        page.wait_for(f"{STATE} === 'asking' && {HEARD}", 60)
        assert page.ask("document.documentElement.scrollWidth") <= 360
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        named = [node["name"]["value"] for node in nodes if node["role"]["value"] == "button"]
        assert len(named) == 7 and all(named)
        reached = set()
        for _ in range(9):
            press(page, "Tab")
            at = "(one => one.dataset.clip ?? one.dataset.answer)(document.activeElement)"
            reached |= {page.ask(f"{at} && [{at}, getComputedStyle(document.activeElement).outlineStyle].join(' ')")}
        assert {f"{name} solid" for name in ("0", "1", "2", "a", "b", "same", "neither")} <= reached
        assert page.ask("performance.getEntriesByType('resource').every(one => one.name.startsWith(location.origin))")

    def test_the_question_is_answered_by_the_pointer_too(self, page, votes):
        before = len(read_votes(votes).answers)
        page.ask("document.querySelector('[data-answer=neither]').click()")
        page.wait_for(f"{STATE} === 'asking' && document.querySelector('#count').textContent === '2 of 6'")
        assert np.diff([before, len(read_votes(votes).answers)]) == 1
