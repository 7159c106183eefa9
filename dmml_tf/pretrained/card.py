"""A model's card: `card.md`, of which two sections are written by code, the songs and the figures."""

import collections
import re
from collections.abc import Mapping

import pyarrow.parquet
from tabulate import tabulate

from dmml_tf.pretrained.contents import PRETRAINED, model_folder
from tfrecords_tools.errors import UserError

CARD_FILE = "card.md"
SONGS, FIGURES = "songs", "figures"  # <!-- songs --> ... <!-- end -->
NO_FIGURES = "*No figures: the run that was packed had not been evaluated.*"
_SPACES = {"subspace": "the condition's own sub-space", "whole": "whole space"}
_SYSTEMS = {"mfcc_vq": "MFCC-VQ", "untrained": "untrained network"}


def card_text(model: str = PRETRAINED) -> str:
    """A shipped model's card, in Markdown: what it was trained on, by whose labels, its figures, what it cannot do.

    >>> print(dmml.card())
    # ...

    Args:
        model: its name, `pretrained` or `pretrained-musicnn`.

    Raises:
        UserError: if no such model comes with the package.
    """
    path = model_folder(model) / CARD_FILE
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); install the package again") from error


def songs_text() -> str:
    """Every song of the corpus, with its artist, its package and its licence, as a Markdown table."""
    columns = ["artist", "title", "package", "licence"]
    rows = _songs(columns)
    return _markdown(columns, [[_cell(row[column] or "") for column in columns] for row in rows])


def with_songs(card: str) -> str:
    """The card with the table of the packages: songs, seconds, licences, split.

    Raises:
        UserError: if the card has no such section.
    """
    rows = _songs(["package", "seconds", "licence", "split"])
    packages = collections.defaultdict(list)
    for row in rows:
        packages[row["package"]].append(row)
    lines = [
        [name, str(len(songs)), _seconds(songs), songs[0]["split"], _cell(", ".join(_licences(songs)))]
        for name, songs in packages.items()
    ]
    lines.append([f"{len(packages)} packages", str(len(rows)), _seconds(rows), "", ""])
    return _with_section(card, SONGS, _markdown(["package", "songs", "seconds", "split", "licences"], lines, "lrrll"))


def with_figures(card: str, evaluation: Mapping | None) -> str:
    """The card with the triplet accuracies of a run.

    Args:
        card: Markdown with the section.
        evaluation: content of the run's `evaluation.json`; None says that there is none.

    Raises:
        UserError: if the card has no such section.
    """
    if evaluation is None:
        return _with_section(card, FIGURES, NO_FIGURES)
    accuracy = evaluation["triplet_accuracy"]
    names = list(dict.fromkeys(name for spaces in accuracy.values() for name in spaces["whole"]))
    rows = [
        [_SYSTEMS.get(system, "this model"), title, *(_score(spaces[space].get(name)) for name in names)]
        for system, spaces in accuracy.items()
        for space, title in _SPACES.items()
        if space == "whole" or spaces[space] != spaces["whole"]
    ]
    said = (
        f"Share of held-out triplets in the right order (95 % interval over tracks), on the {evaluation['tracks']} "
        f"tracks of the split `{evaluation['split']}`, by `dmml evaluate`; 0.5 is chance."
    )
    return _with_section(card, FIGURES, f"{said}\n\n{_markdown(['system', 'space', *names], rows)}")


def _songs(columns: list[str]) -> list[dict]:
    # Imported here, so that who reads the card does not wait for TensorFlow.
    from tfrecords_tools.sources.debian_table import TABLE

    return pyarrow.parquet.read_table(TABLE, columns=columns).to_pylist()


def _with_section(card: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name} -->", "<!-- end -->"
    pattern = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.DOTALL)
    if not pattern.search(card):
        raise UserError(f"{CARD_FILE}: has no section between {begin} and {end}")
    return pattern.sub(lambda _: f"\n{content}\n\n", card, count=1)


def _markdown(head: list[str], rows: list[list[str]], sides: str = "") -> str:
    """A column to the left or right as `sides` says, in letters `l` and `r`; without, all to the left."""
    aligned = [{"l": "left", "r": "right"}[side] for side in sides or "l" * len(head)]
    return tabulate(rows, head, "pipe", disable_numparse=True, colalign=aligned)


def _cell(text: str) -> str:
    return text.replace("|", " / ").replace("\n", " ")


def _licences(songs: list[dict]) -> list[str]:
    return sorted({song["licence"] for song in songs})


def _seconds(songs: list[dict]) -> str:
    return f"{sum(song['seconds'] for song in songs):.0f}"


def _score(score: Mapping | None) -> str:
    return "-" if score is None else f"{score['value']:.3f} ({score['low']:.2f} to {score['high']:.2f})"
