"""Votes on made tracks, as dim-sim publishes them."""

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
