"""Votes on made tracks, as dim-sim publishes them and as `dmml judge` writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, write_csv


def write_votes(path: Path, songs: Sequence[str], count: int, start: float = 1.5, seed: int = 0) -> Path:
    """`count` judgements of three songs each, drawn from `songs`; all voters agree, for the first or the second."""
    rng = np.random.default_rng([seed, count])
    rows = []
    for number in range(count):
        chosen = rng.choice(len(songs), 3, replace=False)
        votes = (7, 0) if rng.random() < 0.5 else (0, 7)
        rows.append(dim_sim_row(number, tuple(songs[n] for n in chosen), votes, start))
    return write_csv(path, rows)


def vote_row(
    number: int,
    songs: tuple[str, str, str],
    answer: str,
    listener: str = "k1",
    side: str = "A",
    repeat_of: int | str = "",
    why: str = "random",
    likely: float = 1.0,
    start: float = 1.5,
) -> dict:
    """One vote of one listener; its triplet's id is made of the songs."""
    votes = (int(answer == "song1" and not repeat_of), int(answer == "song2" and not repeat_of))
    return {
        **dim_sim_row(0, songs, votes, start),
        "triplet_id": "-".join(songs),
        "vote_id": number,
        "listener": listener,
        "answer": answer,
        "song1_side": side,
        "repeat_of": repeat_of,
        "why_asked": why,
        "times_as_likely": likely,
        "disagreement": "",
        "plays": "1 1 1",
        "seconds": 9.5,
        "answered_at": "2026-01-01T00:00:00Z",
    }
