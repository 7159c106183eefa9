"""Judgement files in the published forms, made."""

import csv
import json
from pathlib import Path

COLUMNS = (
    "triplet_id",
    "anchor_id",
    "anchor_start_seconds",
    "anchor_start_samples",
    "song1_id",
    "song1_start_seconds",
    "song1_start_samples",
    "song2_id",
    "song2_start_seconds",
    "song2_start_samples",
    "sampling_rate",
    "clip_lengths_seconds",
    "clip_lengths_samples",
    "song1_vote",
    "song2_vote",
)


def dim_sim_row(number: int, songs: tuple[str, str, str], votes: tuple[float, float], start: float = 1.5) -> dict:
    """One row of dim-sim."""
    anchor, song1, song2 = songs
    samples = int(start * 22_050)
    values = (number, anchor, start, samples, song1, start, samples, song2, start, samples, 22_050, 3.0, 66_150, *votes)
    return dict(zip(COLUMNS, values))


def write_csv(path: Path, rows: list[dict], delimiter: str = ",") -> Path:
    """A table with the first row's columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json(path: Path, rows: list[dict], form: str) -> Path:
    """`form`: "rows", "rows by name", "columns" or "columns by number"."""
    content = {
        "rows": rows,
        "rows by name": {str(row["triplet_id"]): row for row in rows},
        "columns": {name: [row[name] for row in rows] for name in rows[0]},
        "columns by number": {name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]},
    }[form]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def odd_row(clips: tuple[int, int, int], votes: tuple[int, int, int]) -> dict:
    """One row of MagnaTagATune's `comparisons_final.csv`."""
    return {
        **{f"clip{n}_id": clip for n, clip in enumerate(clips, 1)},
        **{f"clip{n}_numvotes": vote for n, vote in enumerate(votes, 1)},
        **{f"clip{n}_mp3_path": f"f/{clip}.mp3" for n, clip in enumerate(clips, 1)},
    }
