"""What it costs to hear excerpts of songs in place of all of them, and what it gains."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from dmml_tf.data.records import label_arrays
from dmml_tf.embed.embedder import Embedder, mean_of_windows
from dmml_tf.embed.split import label_rows
from dmml_tf.evaluation.accuracy import is_correct
from dmml_tf.evaluation.held_out import hold_out
from dmml_tf.evaluation.views import Views
from dmml_tf.run import Run
from dmml_tf.spaces import WHOLE
from tfrecords_tools.audio.extract import Extracted, Task, extract
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

COUNTS = (4, 8, 12, 24)
_ALL = 0  # excerpts of a song that is heard whole
_LOW = 5  # percentile of the songs


def measure_excerpts(
    run: Run,
    dataset: Dataset,
    split: str,
    paths: Mapping[str, str],
    counts: Sequence[int] = COUNTS,
    triplets: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Embeds the songs of a split whole, then by so many excerpts each, in this process alone.

    Args:
        run: whose network and conditions.
        dataset: holds the labels; its records are not heard.
        split: of the dataset.
        paths: track id -> audio file.
        counts: excerpts a song.
        triplets: a condition.
        seed: of the triplets.

    Returns:
        `songs`, their `seconds`, and `heard`: count (0: the whole) -> `decode` and `embed`, CPU seconds;
        `times_real_time` by both; `cosines` with the whole song, space -> `mean` and `low`, the 5th percentile;
        `accuracy` of the triplets of each condition between songs, in its own sub-space.

    Raises:
        UserError: if no song of the split can be heard, or the data lack a condition's column.
    """
    rows = [row for row in label_rows(dataset, split) if row["track_id"] in paths]
    embedder = Embedder.of_run(run)
    heard: dict[int, dict[str, Any]] = {}
    vectors: dict[int, np.ndarray] = {}
    seconds = 0.0
    for count in (_ALL, *counts):
        named = {row["track_id"]: paths[row["track_id"]] for row in rows}
        found, heard[count], usable = _embed(embedder, named, count)
        if count == _ALL:
            rows = [row for row in rows if row["track_id"] in found]
            seconds = usable
        if not rows:
            raise UserError(f"{dataset.folder}: no song of its split '{split}' can be heard")
        vectors[count] = np.stack([found[row["track_id"]] for row in rows])
    labels = label_arrays(dataset.schema, rows)
    none = np.zeros(len(rows), np.int32)
    held_out = hold_out(run.conditions, labels, np.arange(len(rows), dtype=np.int32), none, triplets, seed)
    views = Views.of_conditions(held_out.conditions, embedder.size, run.norm_order, run.masks)
    own = views.subspaces
    between = [name for name in own if len(held_out.triplets[name]) and not held_out.on_windows(name)]
    for count, figures in heard.items():
        figures["times_real_time"] = seconds / (figures["decode"] + figures["embed"])
        figures["cosines"] = {
            name: _agreement(views.space(vectors[count], mask), views.space(vectors[_ALL], mask))
            for name, mask in {**own, WHOLE: None}.items()
        }
        figures["accuracy"] = {
            name: float(is_correct(views.space(vectors[count], own[name]), held_out.triplets[name]).mean())
            for name in between
        }
    return {"songs": len(rows), "seconds": seconds, "heard": heard}


def _embed(
    embedder: Embedder, paths: Mapping[str, str], count: int
) -> tuple[dict[str, np.ndarray], dict[str, Any], float]:
    """Track id -> vector of what can be heard; CPU seconds; seconds of the songs."""
    signal, vectors = embedder.signal, {}
    decode = embed = seconds = 0.0
    for track, path in progress(paths.items(), len(paths), f"songs, {count} excerpts" if count else "songs, whole"):
        begun = time.process_time()
        result = extract(Task(path, audio=signal.takes_samples, features=signal.features, excerpts=count))
        decoded = time.process_time()
        if not isinstance(result, Extracted):
            print(f"{path}: {result.reason}; left out", file=sys.stderr)
            continue
        vectors[track] = mean_of_windows(embedder.windows({signal.field: getattr(result, signal.field)}))
        decode, embed = decode + decoded - begun, embed + time.process_time() - decoded
        seconds += result.duration
    return vectors, {"decode": decode, "embed": embed}, seconds


def _agreement(some: np.ndarray, whole: np.ndarray) -> dict[str, float]:
    cosines = (some * whole).sum(axis=1, dtype=np.float64)
    cosines /= np.linalg.norm(some, axis=1) * np.linalg.norm(whole, axis=1)
    return {"mean": float(cosines.mean()), "low": float(np.percentile(cosines, _LOW))}


def excerpts_table(figures: Mapping[str, Any]) -> str:
    """The figures as text."""
    first = next(iter(figures["heard"].values()))
    spaces, conditions = list(first["cosines"]), list(first["accuracy"])
    rows = [
        [
            count or "all",
            f"{heard['decode']:.1f}",
            f"{heard['embed']:.1f}",
            f"{heard['times_real_time']:.0f}",
            *(f"{heard['cosines'][name]['mean']:.3f} ({heard['cosines'][name]['low']:.3f})" for name in spaces),
            *(f"{heard['accuracy'][name]:.3f}" for name in conditions),
        ]
        for count, heard in figures["heard"].items()
    ]
    head = ["excerpts", "decode, CPU s", "embed, CPU s", "times real time"]
    head += [*(f"cosine, {name}" for name in spaces), *(f"triplets, {name}" for name in conditions)]
    hours = figures["seconds"] / 3600
    said = f"{figures['songs']} songs of {hours:.2f} h; cosine with the whole song, mean (5th percentile)"
    return f"{said}\n{tabulate(rows, head, disable_numparse=True)}"
