"""Paths, playlists, filters, files and a token in a real headless Chromium, on a library that was just scanned."""

import contextlib
import itertools
import json
import time

import pytest
from tensorflow import keras

from dmml_tf.explore.app import create_app
from dmml_tf.explore.picture import READY, state
from dmml_tf.explore.serve import serving
from dmml_tf.explore.songs import Songs
from dmml_tf.library.path import song_path
from dmml_tf.library.scan import Scan, scan
from dmml_tf.models.embedding import build_embedding
from dmml_tf.pictures.browser import browser_page, chromium
from dmml_tf.run import Run
from dmml_tf.search.query import by_tracks
from tests.conftest import map_here
from tests.dmml_tf.explore.conftest import CONDITIONS, NETWORK
from tests.dmml_tf.explore.keys import press
from tests.dmml_tf.library.made import make_song
from tests.synthetic import SCHEMA
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine: apt-get install chromium"),
]
NAMES = [f"{artist}/{album}/{number:02d} song.{kind}" for number, (artist, album, kind) in enumerate(
    [("Ana", "One", "flac"), ("Ana", "Two", "ogg"), ("Ben", "Red", "wav"), ("Ben", "Red", "mp3"), ("Cy", "Sea", "flac"),
     ("Cy", "Sea", "ogg"), ("Dee", "Low #1", "wav"), ("Dee", "Low #1", "flac")]
)]  # fmt: skip
SHOWN = "[...document.querySelectorAll('#results li')].map(one => Number(one.dataset.row))"
IS = f"{READY} && document.documentElement.dataset.found"


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "music"
    for number, name in enumerate(NAMES):
        make_song(folder / name, number)
    return folder


def _made_run(folder) -> Run:
    """A run whose network was not trained; files that are dropped on the page are heard by it too."""
    keras.utils.set_random_seed(1)
    run = Run(folder, CONDITIONS, NETWORK, LogMel(), SCHEMA, "")
    run.save(build_embedding(**NETWORK))
    return run


@pytest.fixture(scope="module")
def songs(music):
    with pytest.MonkeyPatch.context() as patch:
        for user in ("dmml_tf.embed.sounds", "dmml_tf.library.steps"):
            patch.setattr(f"{user}.ordered_map", map_here)
        scan(music.parent / "library", Scan([str(music)], str(_made_run(music.parent / "run").folder)))
    return Songs.of_library(music.parent / "library")


@pytest.fixture(scope="module")
def address(songs):
    with serving(create_app(songs)) as served:
        yield served


@pytest.fixture(scope="module")
def browser():
    with browser_page() as page:
        yield page


def opened(page, address, size=(1280, 800), dark=False, ready=READY, more="", **chosen):
    page.call("Page.navigate", url="about:blank")
    page.show(f"{address}#{more}{state(**chosen)}", size, dark)
    page.wait_for(ready)
    return page


def choose(page, view: str) -> None:
    page.ask(f"document.querySelector('#views [data-name={view}]').click()")
    page.wait_for(f"{IS} === '{view}'")


def choose_files(page, selector: str, *files) -> None:
    page.call("DOM.enable")
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=node, files=list(map(str, files)))


def saved(page, folder) -> str:
    """What the page saves as a file."""
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    press(page, "s")
    end = time.monotonic() + 30
    while not (files := list(folder.glob("*.m3u8"))):
        assert time.monotonic() < end
        time.sleep(0.05)
    return files[0].read_text("utf-8")


def ends_of_a_path(index, steps: int) -> tuple[int, int]:
    """Two songs that have enough others between them: these are noise, all much alike."""
    for ends in itertools.permutations(range(len(NAMES)), 2):
        with contextlib.suppress(UserError):
            song_path(index, *(by_tracks(index, [NAMES[row]]) for row in ends), steps, {"genre": 1.0, "tempo": 1.0})
            return ends
    raise AssertionError("no path")


def test_search_play_path_and_save_in_a_library_just_scanned(browser, address, songs, tmp_path):
    first, last = ends_of_a_path(songs.index, 3)
    page = opened(browser, address, a=NAMES[first], b=NAMES[last])
    assert "8 songs" in page.ask("document.querySelector('#about').textContent")
    results = page.ask(SHOWN)
    assert sorted(results) == [row for row in range(8) if row != first]
    page.ask("document.querySelector('#results button.play').click()")
    page.wait_for("document.querySelector('#player').dataset.state === 'playing'")
    assert page.ask("document.querySelector('#playing-length').textContent") == "0:03"
    page.ask("document.querySelector('#views [aria-checked=true]').focus()")
    press(page, "ArrowRight")
    page.wait_for(f"{IS} === 'path'")
    page.ask(
        "(field => { field.value = 3; field.dispatchEvent(new Event('change')); })(document.querySelector('#steps'))"
    )
    page.wait_for(f"{READY} && document.querySelectorAll('#results li').length === 4")
    rows = page.ask(SHOWN)
    assert rows[0] == first and rows[-1] == last and len(set(rows)) == 4
    assert page.ask("document.querySelectorAll('#lit line').length") == 3
    lines = saved(page, tmp_path).splitlines()
    assert lines[0] == "#EXTM3U" and [line for line in lines if not line.startswith("#")] == [
        NAMES[row] for row in rows
    ]


def test_a_path_without_its_second_song_says_what_is_missing(browser, address):
    page = opened(browser, address, a=NAMES[0], view="path")
    assert "pick both" in page.ask("document.querySelector('#problem').textContent")
    assert page.ask("document.querySelector('#save').disabled")
    choose(page, "search")
    assert page.ask("document.querySelector('#problem').hidden") and len(page.ask(SHOWN)) == 7


def test_songs_are_liked_and_disliked_by_keys_and_make_a_playlist(browser, address):
    page = opened(browser, address, a=NAMES[0])
    first, second = page.ask(SHOWN)[:2]
    page.ask("document.querySelector('#results li').focus()")
    press(page, "l")
    press(page, "ArrowDown")
    press(page, "d")
    page.wait_for("document.querySelectorAll('#seeds .chip').length === 2")
    assert page.ask("document.querySelectorAll('[aria-pressed=true]').length") == 2
    choose(page, "playlist")
    shown = page.ask(SHOWN)
    assert shown and second not in shown
    assert json.dumps(NAMES[first])[1:-1].split("/")[0] in page.ask("decodeURIComponent(location.hash)")
    page.ask("document.querySelector('#seeds .chip.disliked').click()")
    page.wait_for("document.querySelectorAll('#seeds .chip').length === 1")


def test_several_files_at_once_become_songs_to_make_a_playlist_from(browser, address, music, tmp_path):
    page = opened(browser, address, a=NAMES[0])
    (tmp_path / "no.wav").write_text("not audio")
    choose_files(page, ".slot.a input[type=file]", music / NAMES[2], tmp_path / "no.wav", music / NAMES[4])
    page.wait_for("document.querySelectorAll('#seeds .chip.liked').length === 2")
    page.wait_for(f"document.querySelector('.slot.a .artist')?.textContent === 'your file' && {READY}")
    assert page.ask("document.querySelector('.slot.a .title').textContent") == "02 song.wav"
    assert page.ask(SHOWN)[0] == 2
    choose(page, "playlist")
    assert page.ask(SHOWN)


def test_only_some_songs(browser, address, songs):
    page = opened(browser, address, a=NAMES[2])
    page.ask("document.querySelector('#filters-summary').click()")
    page.wait_for("document.querySelectorAll('#filter-fields .filter').length > 0")
    page.ask("document.querySelector('#not-its-album').click()")
    page.wait_for(f"{READY} && document.querySelector('#filters-count').textContent === '1'")
    assert len(page.ask(SHOWN)) == 7  # these files say no album, and none is nobody's
    page.ask(
        "(field => { field.value = '1'; field.dispatchEvent(new Event('change')); })"
        "(document.querySelector('[data-column=seconds-0]'))"
    )
    page.wait_for(f"{READY} && document.querySelector('#problem').textContent.includes('No song is left')")
    assert page.ask("document.querySelector('#filters-count').textContent") == "2"


@pytest.mark.parametrize("view", ["search", "path", "playlist"])
def test_a_phone_shows_each_view_without_scrolling_sideways_light_and_dark(browser, address, view):
    shades = []
    for dark in (False, True):
        page = opened(browser, address, (360, 740), dark, a=NAMES[0], b=NAMES[7], view=view, liked=[NAMES[1]])
        page.ask("document.querySelector('#filters').open = true")
        page.wait_for("document.querySelectorAll('#filter-fields .filter').length > 0")
        assert page.ask("document.documentElement.scrollWidth") <= 360
        shades.append(page.ask("getComputedStyle(document.body).backgroundColor"))
    assert shades[0] != shades[1]


def test_the_documentation_is_the_description_and_fetches_nothing_from_elsewhere(browser, address):
    page = opened(browser, f"{address}docs")
    text = page.ask("document.querySelector('#routes').textContent")
    assert all(path in text for path in ("/search", "/path", "/playlist", "/embed", "/songs/{row}/audio", "/m3u8"))
    assert "How a path" not in text and page.ask("document.querySelectorAll('#schemas article').length") > 8
    assert page.ask("performance.getEntriesByType('resource').every(one => one.name.startsWith(location.origin))")
    page.ask("document.querySelector('#routes a').click()")
    assert page.ask("document.querySelector(location.hash) !== null")


def test_a_server_for_others_is_entered_by_its_token_which_leaves_the_address(browser, songs):
    with serving(create_app(songs, token="open-sesame")) as address:
        page = opened(browser, address, ready="document.querySelector('#problem')?.hidden === false")
        assert "asks for a token" in page.ask("document.querySelector('#problem').textContent")
        page = opened(browser, address, more="token=open-sesame&", a=NAMES[0])
        assert "sesame" not in page.ask("location.href") and len(page.ask(SHOWN)) == 7
        page.ask("document.querySelector('.slot.a button.play').click()")
        page.wait_for("document.querySelector('#player').dataset.state === 'playing'")
        page = opened(browser, address, a=NAMES[1])  # the cookie goes on
        assert len(page.ask(SHOWN)) == 7
