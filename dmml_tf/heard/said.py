"""One label that is heard in a song, and how such labels are written."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Said(NamedTuple):
    """A label and the probability that it is right.

    Attributes:
        label: a tag, or a value in the column's unit (tempo: beats per minute).
        share: 0..1.
    """

    label: str | float
    share: float


# Condition -> what its sub-space says of a song, likeliest first.
Heard = Mapping[str, Sequence[Said]]


def heard_text(heard: Heard) -> str:
    """The likeliest label of each condition: `folk .6, calm .7, tempo 96 .5`; empty where nothing is said."""
    return ", ".join(
        f"{said[0].label if isinstance(said[0].label, str) else f'{name} {said[0].label:.4g}'} {_short(said[0].share)}"
        for name, said in heard.items()
        if said
    )


def heard_json(heard: Heard) -> dict[str, list[dict[str, str | float]]]:
    """Plain data: condition -> [{"label", "share"}]."""
    return {name: [said._asdict() for said in several] for name, several in heard.items()}


def _short(share: float) -> str:
    # Never 1.0: nothing that is heard is certain.
    return f"{min(share, 0.94):.1f}"[1:]
