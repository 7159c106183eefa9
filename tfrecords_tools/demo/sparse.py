"""The demo corpus with labels as sparse as the Million Song Dataset's: most are hidden from the training tracks.

The demo's tracks carry every label; of the Million Song Dataset's most have a genre and few a mood or an instrument,
and who has one is likelier to have the other as well. `LABELLED` is how its tagging split is labelled (K. Choi's
validation part, 12,634 tracks, tags divided as by Lee et al., ICASSP 2020: `tfrecords_tools.sources.msd.DIVISION`).
"""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

DIMENSIONS = ("genre", "mood", "instrument")
# The dimensions that a track has labels in -> how many of the 12,634 have those and no others.
LABELLED: Mapping[tuple[str, ...], int] = {
    (): 338,
    ("instrument",): 464,
    ("mood",): 609,
    ("mood", "instrument"): 121,
    ("genre",): 9132,
    ("genre", "instrument"): 971,
    ("genre", "mood"): 805,
    ("genre", "mood", "instrument"): 194,
}


def hide_labels(manifest: str | os.PathLike, out: str | os.PathLike, seed: int = 0) -> Path:
    """Writes the table anew with labels hidden from its training tracks, at the shares of `LABELLED`.

    Other columns (the tempo) and the valid and test tracks keep all: what is learned from few labels is scored on many.
    Audio is named by absolute paths, so that the new table may lie anywhere.

    Args:
        manifest: CSV with columns track_id, path, split, genre, mood and instrument.
        out: CSV to write.
        seed: of which track loses what; the same seed gives the same table.

    Raises:
        UserError: if the table cannot be read, lacks one of these columns, or has no training track.
    """
    manifest = Path(manifest)
    try:
        rows = list(csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--manifest {manifest}: cannot be read ({error})") from error
    needed = ("track_id", "path", "split", *DIMENSIONS)
    if missing := [name for name in needed if not rows or name not in rows[0]]:
        raise UserError(f"--manifest {manifest}: has no row, or no column '{missing[0]}'; it needs {', '.join(needed)}")
    training = [row for row in rows if row["split"] == "train"]
    if not training:
        raise UserError(f"--manifest {manifest}: no row's split is train, so that there is nothing to hide")
    for row, kept in zip(training, _drawn(len(training), seed)):
        row.update({name: "" for name in DIMENSIONS if name not in kept})
    for row in rows:
        row["path"] = os.path.abspath(manifest.parent / row["path"])
    with whole_file(Path(out)) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return Path(out)


def _drawn(tracks: int, seed: int) -> Sequence[tuple[str, ...]]:
    """For each track the dimensions that it keeps: `LABELLED`'s shares, to the track, in a seeded order."""
    ends = np.round(np.cumsum(list(LABELLED.values())) / sum(LABELLED.values()) * tracks).astype(int)
    kept = [kept for kept, count in zip(LABELLED, np.diff(ends, prepend=0)) for _ in range(count)]
    return [kept[n] for n in np.random.default_rng(seed).permutation(tracks)]
