"""A picture of the explorer as a headless Chromium shows it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from dmml_tf.explore.app import create_app
from dmml_tf.explore.serve import serving
from dmml_tf.explore.songs import Songs
from dmml_tf.pictures.browser import browser_page

VIEWS = ("search", "path", "playlist")
READY = "document.documentElement?.dataset.state === 'ready'"
_SECONDS = 180.0  # a map of 2,000 tracks takes its time


def state(
    a: str | None = None,
    b: str | None = None,
    from_b: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    shown_map: str | None = None,
    view: str | None = None,
    liked: Sequence[str] = (),
) -> str:
    """The part of the address after `#` that opens the page in a chosen state.

    Args:
        a, b: ids of the songs in the two slots.
        from_b: conditions whose part is the second song's.
        weights: condition -> 0..1; those left out weigh 0, with None each weighs 1.
        shown_map: sub-space that the map shows.
        view: one of `VIEWS`.
        liked: ids of the songs that a playlist is made from.
    """
    pairs = [("a", a), ("b", b), ("map", shown_map), ("view", view)]
    pairs += [("like", track) for track in liked]
    pairs += [("from_b", name) for name in from_b]
    pairs += [(f"weight:{name}", f"{weight:g}") for name, weight in (weights or {}).items()]
    return urlencode([(name, value) for name, value in pairs if value is not None])


def write_picture(songs: Songs, path: Path, chosen: str, size: tuple[int, int], dark: bool = False) -> None:
    """Writes a PNG of the page in the state `chosen`, as `state` spells it.

    Raises:
        UserError: if there is no browser, or the page does not come up.
    """
    with serving(create_app(songs)) as address, browser_page() as page:
        page.show(f"{address}#{chosen}", size, dark)
        page.wait_for(READY, _SECONDS)
        page.picture(path)
