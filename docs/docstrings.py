"""Docstrings as the site shows them: examples in frames, and names that are described at once ("a, b: ...") apart."""

import re
from typing import Any

import griffe

_SECTION = re.compile(r"\s*(Args|Attributes|Returns|Raises|Yields):$")
_ITEM = re.compile(r"(\s+)(\w+(?:, \w+)+)(:.*)$")


class SiteDocstrings(griffe.Extension):
    """Griffe's parser takes the names of one item for one name, and an example outside of a section for prose."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = "\n".join(_framed(_single(obj.docstring.value.splitlines())))


def _single(lines: list[str]) -> list[str]:
    """Repeats an item of arguments or attributes for each of its names."""
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


def _framed(lines: list[str]) -> list[str]:
    """Puts a frame around each run of lines that begins with a prompt."""
    result: list[str] = []
    indent: str | None = None
    for line in [*lines, ""]:
        if indent is None and line.lstrip().startswith(">>> "):
            indent = line[: len(line) - len(line.lstrip())]
            result.append(f"{indent}```pycon")
        elif indent is not None and not line.strip():
            result.append(f"{indent}```")
            indent = None
        result.append(line)
    return result[:-1]
