"""Docstrings for the site: an item that describes several names at once ("a, b: of the run") becomes one of each."""

import re
from typing import Any

import griffe

_SECTION = re.compile(r"\s*(Args|Attributes|Returns|Raises|Yields):$")
_ITEM = re.compile(r"(\s+)(\w+(?:, \w+)+)(:.*)$")


class GroupedNames(griffe.Extension):
    """Griffe's parser takes the names of such an item for one name, of which the signature knows nothing."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = "\n".join(_single(obj.docstring.value.splitlines()))


def _single(lines: list[str]) -> list[str]:
    result: list[str] = []
    within, place = False, 0
    while place < len(lines):
        item = _ITEM.match(lines[place])
        section = _SECTION.match(lines[place])
        if section is not None:
            within = section[1] in ("Args", "Attributes")
        if not (within and item):
            result.append(lines[place])
            place += 1
            continue
        end = place + 1
        while end < len(lines) and lines[end].startswith(f"{item[1]} "):
            end += 1
        for name in item[2].split(", "):
            result += [f"{item[1]}{name}{item[3]}", *lines[place + 1 : end]]
        place = end
    return result
