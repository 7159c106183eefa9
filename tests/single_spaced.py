"""Tables as they read, whatever their columns' widths."""

import re


def single_spaced(text: str) -> str:
    """The text with one blank where there are several."""
    return re.sub(" +", " ", text)
