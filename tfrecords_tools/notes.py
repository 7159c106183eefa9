"""What was odd in a file or a row that was taken all the same, and what was done about it."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """One oddity.

    Attributes:
        kind: a word by which notes are counted: length, streams, damage, channels, silence, names, labels, duplicates.
        what: what is odd, with its figures.
        done: what was done about it.
    """

    kind: str
    what: str
    done: str
