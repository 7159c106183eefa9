"""The page in a real headless Chromium: keys, sliders, files, and names that would be scripts."""

import json

import pytest

from dmml_tf.explore.picture import READY, state
from dmml_tf.pictures.browser import browser_page, chromium
from dmml_tf.search.query import by_tracks, mix
from tests.dmml_tf.explore.conftest import HOSTILE
from tests.dmml_tf.explore.keys import press
from tfrecords_tools.errors import UserError

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine: apt-get install chromium"),
]
SHOWN = "[...document.querySelectorAll('#results li')].map(one => Number(one.dataset.row))"
ACTIVE = (
    "(at => at === document.body ? 'page' : at.id || at.ariaLabel || at.dataset.row || at.dataset.name)"
    "(document.activeElement)"
)


@pytest.fixture(scope="module")
def browser():
    with browser_page() as page:
        yield page


@pytest.fixture()
def page(browser, address):
    """The page with song 3 in slot A, and nothing else chosen."""
    return opened(browser, address, a="t03")


def opened(browser, address, size=(1280, 800), dark=False, **chosen):
    browser.call("Page.navigate", url="about:blank")
    browser.show(f"{address}#{state(**chosen)}", size, dark)
    browser.wait_for(READY)
    return browser


def rows(songs, parts, weights) -> list[int]:
    """The index's own answer, as rows."""
    queries = {name: by_tracks(songs.index, [track]) for name, track in parts.items()}
    hits = songs.index.search(mix(songs.index, queries), weights, 12)
    return [songs.index.positions[hit.track["id"]] for hit in hits]


def all_of(track, **others):
    return {"genre": track, "tempo": track, "whole": track} | others


def test_results_and_their_bars_are_the_index_answer(page, songs):
    assert page.ask(SHOWN) == rows(songs, all_of("t03"), {"genre": 1, "tempo": 1})
    told = page.ask("[...document.querySelectorAll('#results li:first-child .reason')].map(one => one.ariaLabel)")
    hit = songs.index.search(by_tracks(songs.index, ["t03"]), None, 1)[0]
    assert [text.split(",")[0] for text in told] == [f"{name} {value:.2f}" for name, value in hit.cosines.items()]
    bars = page.ask(
        "[...document.querySelectorAll('#results li:first-child .bar')].map(bar => "
        "parseFloat(getComputedStyle(bar, '::before').width) / bar.clientWidth)"
    )
    assert bars == pytest.approx([abs(value) for value in hit.cosines.values()], abs=0.02)
    assert page.ask("document.querySelectorAll('#lit .hit').length") == 12
    assert page.ask("performance.getEntriesByType('resource').every(one => one.name.startsWith(location.origin))")


def test_a_slider_moved_by_keys_changes_the_results(page, songs):
    page.ask("document.querySelector('#weight-0').focus()")
    press(page, "Home")
    page.wait_for(f"{READY} && location.hash.includes('genre=0&')")
    assert page.ask(SHOWN) == rows(songs, all_of("t03"), {"tempo": 1}) != rows(songs, all_of("t03"), {"genre": 1})
    page.ask("document.querySelector('#weight-1').focus()")
    press(page, "Home")
    page.wait_for("!document.querySelector('#problem').hidden")
    assert page.ask(SHOWN) == [] and "slider" in page.ask("document.querySelector('#problem').textContent")
    press(page, "End")
    page.wait_for(f"{READY} && document.querySelector('#problem').hidden")
    assert len(page.ask(SHOWN)) == 12


def test_a_song_is_found_and_picked_by_keys(page, songs):
    press(page, "/")
    page.call("Input.insertText", text="rock song 1")
    page.wait_for("document.querySelectorAll('[role=option]').length > 1")
    options = page.ask("[...document.querySelectorAll('[role=option] .title')].map(one => one.textContent)")
    press(page, "ArrowDown")
    focused = "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
    assert page.ask(f"{focused}.ariaSelected") == "true"
    assert page.ask(f"{focused}.querySelector('.title').textContent") == options[1]
    press(page, "Enter")
    page.wait_for(f"document.querySelector('.slot.a .title').textContent === {json.dumps(options[1])} && {READY}")
    track = songs.index.tracks[songs.find("rock song 1", 2)[1]]["id"]
    assert page.ask(SHOWN) == rows(songs, all_of(track), {"genre": 1, "tempo": 1})
    assert page.ask("document.querySelector('[role=listbox]').hidden")


def test_results_are_walked_by_arrows_and_one_becomes_the_second_song(page, songs):
    page.wait_for("document.querySelectorAll('#results li').length > 2")
    shown = page.ask(SHOWN)
    page.ask("document.querySelector('#results li').focus()")
    press(page, "ArrowDown")
    press(page, "ArrowDown")
    page.wait_for(f"{ACTIVE} === {json.dumps(str(shown[2]))}")
    assert page.ask("document.querySelectorAll('#results li[tabindex=\"0\"]').length") == 1
    assert page.ask("document.querySelectorAll('#lit .pointed').length") == 1
    press(page, "b")
    page.wait_for(f"document.querySelector('.slot.b .title') && {READY}")
    other = songs.index.tracks[shown[2]]["id"]
    page.ask("document.querySelector('[data-part=tempo]').click()")
    page.wait_for(f"{READY} && location.hash.includes('from_b=tempo')")
    assert page.ask(SHOWN) == rows(songs, all_of("t03", tempo=other), {"genre": 1, "tempo": 1})
    assert page.ask("document.querySelector('#results .reason.b').dataset.name") == "tempo"
    page.ask("document.querySelector('.clear').click()")
    page.wait_for(f"!document.querySelector('.slot.b .title') && {READY}")
    assert page.ask(SHOWN) == shown


def test_every_control_is_reached_by_the_tab_key_with_a_visible_focus_and_a_name(page):
    reached = {}
    for _ in range(40):
        press(page, "Tab")
        name, outline = page.ask(
            f"[{ACTIVE}, getComputedStyle(document.activeElement.closest('.file') ?? "
            "document.activeElement).outlineStyle]"
        )
        if name in reached:
            break
        reached[name] = outline
    assert {
        "Find song A",
        "Audio file for song A",
        "Find song B",
        "Audio file for song B",
        "weight-0",
        "weight-1",
        "weight-2",
        "filters-summary",
        "search",
        "save",
        "genre",
    } <= set(reached)
    assert {str(row) for row in page.ask(SHOWN)} & set(reached) == {str(page.ask(SHOWN)[0])}  # one stop for all results
    assert {outline for name, outline in reached.items() if name != "page"} == {"solid"}
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if node["role"]["value"] in ("button", "slider", "combobox", "checkbox", "radio", "switch")
    ]
    assert len(named) > 12 and all(name for _, name in named), named


def test_the_map_follows_its_tabs(page):
    page.ask("document.querySelector('#tabs [aria-checked=true]').focus()")
    press(page, "ArrowRight")
    page.wait_for("document.querySelector('#map').ariaLabel.startsWith('Map of the tempo')")
    assert page.ask("document.querySelectorAll('#dots circle').length") == 24
    assert page.ask("document.querySelectorAll('#legend li').length") == 6  # five values, and unlabelled
    page.ask("document.querySelector('#dots [data-row=\"7\"]').dispatchEvent(new Event('click', {bubbles: true}))")
    page.wait_for(f"document.querySelector('.slot.a .title').textContent === 'Song 7' && {READY}")
    assert page.ask("document.querySelectorAll('.asked').length") == 1


def test_names_that_are_html_are_text_and_nothing_inline_runs(browser, address):
    page = opened(browser, address, a="t00", b="t01", shown_map="genre")
    assert page.ask("document.querySelector('.slot.a .title').textContent") == HOSTILE
    assert page.ask("document.title") == "dmml explorer"
    assert page.ask("document.querySelectorAll('body img').length") == 1
    assert "<i>folk" in page.ask("document.querySelector('#legend').textContent")
    page.ask(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.ran = 1'; "
        "document.body.append(script); })()"
    )
    assert page.ask("window.ran === undefined")


def test_a_song_plays_and_stops_by_the_space_bar(browser, address):
    page = opened(browser, address, a="t01")
    page.ask("document.querySelector('.slot.a button.play').focus()")
    press(page, " ")
    page.wait_for(
        "document.querySelector('#playing-toggle').ariaLabel === 'Pause' "
        "&& document.querySelector('#playing-length').textContent === '0:04'"
    )
    assert page.ask("document.querySelector('.slot.a button.play').ariaLabel").startswith("Pause")
    press(page, " ")
    page.wait_for("document.querySelector('#playing-toggle').ariaLabel === 'Play'")
    assert page.ask("document.querySelector('#player').hidden") is False


def test_a_file_is_listened_to_and_what_is_none_is_refused(page, songs, tmp_path):
    page.call("DOM.enable")

    def drop(path):
        root = page.call("DOM.getDocument")["root"]["nodeId"]
        node = page.call("DOM.querySelector", nodeId=root, selector=".slot.a input[type=file]")["nodeId"]
        page.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    named = tmp_path / '<img src=x onerror="document.title=3">.flac'
    named.write_bytes(songs.sound(2).read_bytes())
    drop(named)
    page.wait_for(f"document.querySelector('.slot.a .artist')?.textContent === 'your file' && {READY}")
    assert page.ask(SHOWN)[0] == 2 and page.ask("document.title") == "dmml explorer"
    assert page.ask("document.querySelector('.slot.a .title').textContent") == named.name
    (tmp_path / "no.wav").write_text("not audio")
    drop(tmp_path / "no.wav")
    page.wait_for("document.querySelector('#problem').textContent.includes('cannot be decoded')")
    assert page.ask("document.querySelector('.slot.a .title').textContent") == named.name


@pytest.mark.parametrize("width", [360, 900])
def test_no_width_scrolls_sideways_and_dark_is_dark(browser, address, width):
    shades = []
    for dark in (False, True):
        page = opened(browser, address, (width, 800), dark, a="t03", b="t01")
        assert page.ask("document.documentElement.scrollWidth") <= width
        shades.append(page.ask("getComputedStyle(document.body).backgroundColor"))
    assert shades[0] != shades[1]


def test_what_a_page_cannot_do_is_said(page):
    with pytest.raises(UserError, match="threw.*nothing_here"):
        page.ask("nothing_here()")
    with pytest.raises(UserError, match="refuses No.such"):
        page.call("No.such")
    with pytest.raises(UserError, match="did not come to"):
        page.wait_for("false", seconds=0.1)
