"""Keys pressed in a page, as a person's keyboard sends them."""

from dmml_tf.pictures.browser import Page

KEYS = {
    "ArrowUp": 38,
    "ArrowDown": 40,
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "Home": 36,
    "End": 35,
}


def press(page: Page, key: str) -> None:
    """Presses and releases a key: a letter, or a name as `ArrowDown`."""
    event = {"key": key, "windowsVirtualKeyCode": KEYS.get(key) or ord(key.upper())}
    text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
    page.call("Input.dispatchKeyEvent", type="keyDown", code=key, **event, **text)
    page.call("Input.dispatchKeyEvent", type="keyUp", code=key, **event)
