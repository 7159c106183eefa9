"""`dmml explore` as people call it."""

import contextlib
import json
import os
import re
import shutil
import signal
import threading
import time
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image

from dmml_tf.commands.page_flags import has_desktop, parse_size
from dmml_tf.explore.picture import state
from dmml_tf.explore.serve import listening
from dmml_tf.pictures.browser import chromium
from tests.dmml_tf.explore.client import ask
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import Command, dispatch

COMMANDS = [Command("explore", "", "dmml_tf.commands.explore")]


def dmml(run_folder, *arguments) -> int:
    return dispatch("dmml", "", COMMANDS, ["explore", "--run", str(run_folder), *map(str, arguments)])


def test_the_state_of_the_page_in_its_address():
    chosen = state("t=1&", "t2", ["tempo"], {"a&b": 0.25, "genre": 1.0}, "genre")
    assert parse_qsl(chosen) == [
        ("a", "t=1&"),
        ("b", "t2"),
        ("map", "genre"),
        ("from_b", "tempo"),
        ("weight:a&b", "0.25"),
        ("weight:genre", "1"),
    ]
    assert state() == ""


def test_sizes():
    assert parse_size("1280x800") == (1280, 800)
    for text in ("1280", "x800", "1280x", "319x800", "1280x5000", "1280X800", "1e3x800", "-1280x800"):
        with pytest.raises(UserError, match="WIDTHxHEIGHT"):
            parse_size(text)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--a", "t99"], "no track 't99'"),
        (["--b", "none"], "no track 'none'"),
        (["--map", "mood"], "no condition 'mood'"),
        (["--a", "t01", "--from_b", "tempo"], "--from_b needs a second song"),
        (["--from_b", "x"], "no condition 'x'"),
        (["--weights", "genre=2"], "from 0 to 1"),
        (["--weights", "mood=1"], "no condition 'mood'"),
        (["--weights", "genre=0"], "no weight is above 0"),
        (["--size", "9x9"], "WIDTHxHEIGHT"),
        (["--port", "99999"], "port"),
        (["--data", "/nowhere"], "tracks.csv"),
        (["--host", "203.0.113.7"], "cannot listen"),
    ],
)
def test_bad_flags_are_one_line_and_nothing_is_served(run_folder, capsys, monkeypatch, arguments, message):
    monkeypatch.setattr("dmml_tf.explore.serve.serve", lambda *_: pytest.fail("it served"))
    assert dmml(run_folder, "--port", "0", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_desktop_gets_the_page_opened_and_ctrl_c_is_the_way_to_end(run_folder, capsys, monkeypatch):
    opened = []

    def serve(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dmml_tf.explore.serve.serve", serve)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for display, options, count in (("", [], 0), (":0", ["--noopen"], 0), (":0", ["--a", "t03"], 1)):
        monkeypatch.setenv("DISPLAY", display)
        assert has_desktop() == bool(display)
        assert dmml(run_folder, "--port", "0", *options) == 0 and len(opened) == count
    out = capsys.readouterr().out
    assert out.endswith("ended\n") and "no song has a player" not in out
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#a=t03", opened[0]) and f"{opened[0]} shows 24 songs" in out


def test_a_run_without_audio_says_so(run_folder, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("dmml_tf.explore.serve.serve", lambda *_: None)
    shutil.copytree(run_folder, tmp_path / "run")
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    (tmp_path / "run" / "model.json").write_text(json.dumps(model | {"dataset": "gone"}))
    assert dmml(tmp_path / "run", "--port", "0", "--noopen") == 0
    told = "no song has a player: no audio found by way of gone; name the records with --data"
    assert told in capsys.readouterr().out


@pytest.mark.spawns
def test_it_serves_until_it_is_interrupted(run_folder, capsys):
    with listening("127.0.0.1", 0) as (_, address):
        pass  # the port is free again
    seen, end = [], time.monotonic() + 60

    def visit():
        while not seen and time.monotonic() < end:
            with contextlib.suppress(OSError):
                seen.append(ask(address, "/api/v1/about")[1]["tracks"])
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    visitor = threading.Thread(target=visit)
    visitor.start()
    status = dmml(run_folder, "--port", urlsplit(address).port, "--noopen")
    visitor.join()
    out, error = capsys.readouterr()
    assert (status, seen, error) == (0, [24], "") and out.startswith(address) and out.endswith("ended\n")


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine: apt-get install chromium")
def test_a_picture_shows_the_page(run_folder, tmp_path, capsys):
    picture = tmp_path / "page.png"
    assert dmml(run_folder, "--picture", picture, "--size", "700x500", "--dark", "--weights", "tempo=1") == 0
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert pixels.shape == (500, 700, 3) and capsys.readouterr().out == f"{picture}: written\n"
    assert pixels.mean() < 80 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
    assert list(tmp_path.iterdir()) == [picture]


def test_no_browser_is_one_line(run_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dmml(run_folder, "--picture", tmp_path / "page.png") == 2
    assert "install one of chromium" in capsys.readouterr().err
