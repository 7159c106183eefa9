"""A picture of the page on which people judge, as a headless Chromium shows it."""

from pathlib import Path

from dmml_tf.explore.serve import serving
from dmml_tf.judge.app import create_app
from dmml_tf.judge.sessions import Sessions
from dmml_tf.pictures.browser import browser_page

_HEARD = "[...document.querySelectorAll('[data-answer]')].every(button => !button.disabled)"


def write_picture(sessions: Sessions, path: Path, size: tuple[int, int], dark: bool = False) -> None:
    """Writes a PNG of the first question once all its clips were heard.

    Raises:
        UserError: if there is no browser, or the page does not come up.
    """
    with serving(create_app(sessions)) as address, browser_page() as page:
        page.show(f"{address}#listener=picture", size, dark)
        page.wait_for(f"document.documentElement?.dataset.state === 'asking' && {_HEARD}")
        page.picture(path)
