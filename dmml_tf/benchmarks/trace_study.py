"""Does the novelty of a sub-space find the change of its own label, and leave the others' alone?

Measured on made songs by `mir_eval.segment.detection` (boundaries within 3 s of the join count as found,
the song's two ends are left out).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import mir_eval
import numpy as np

from dmml_tf.benchmarks.study_songs import LABELS, LEAST_TEMPO_STEP, MadeSong, render_song
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.tables import markdown
from dmml_tf.run import Run
from dmml_tf.trace.novelty import KERNEL, THRESHOLD
from dmml_tf.trace.trace import Trace, trace_audio
from tfrecords_tools.program import progress

WITHIN = 3.0  # seconds, the usual wide window of boundary measures


def score(joins: Sequence[float], found: Sequence[float], seconds: float) -> dict[str, float]:
    """mir_eval's precision, recall and F of boundaries within 3 s; `found` empty gives 0 for all three."""
    if not len(found):  # mir_eval gives the same, and warns
        return {"precision": 0.0, "recall": 0.0, "f_measure": 0.0}
    precision, recall, f_measure = mir_eval.segment.detection(
        _intervals(joins, seconds), _intervals(found, seconds), window=WITHIN, trim=True
    )
    return {"precision": float(precision), "recall": float(recall), "f_measure": float(f_measure)}


def at_joins(trace: Trace, name: str, joins: Sequence[float]) -> float:
    """Mean over the joins of the highest novelty within 3 s: how strongly a sub-space reacts, without a threshold."""
    values, times = trace.novelty(name), trace.times - trace.hop / 2
    return float(np.mean([values[np.abs(times - join) <= WITHIN].max(initial=0.0) for join in joins]))


def measure(run: Run, songs: Sequence[MadeSong], folder: Path, hop: float) -> list[dict]:
    """Renders (or finds) and traces each song: one row a song, with each sub-space's figures."""
    (folder / "songs").mkdir(parents=True, exist_ok=True)
    embedder, rows = Embedder.of_run(run), []
    for song in progress(songs, label="songs"):
        trace = trace_audio(render_song(song, folder / "songs"), embedder, run.conditions, hop)
        found = {name: trace.boundaries(name).tolist() for name in trace.subspaces}
        rows.append(
            {
                "song": song.name,
                "changed": song.changed,
                "seconds": trace.seconds,
                "joins": song.joins,
                "boundaries": found,
                "scores": {name: score(song.joins, found[name], trace.seconds) for name in found},
                "novelty_at_joins": {name: at_joins(trace, name, song.joins) for name in found},
            }
        )
    return rows


def summarise(rows: Sequence[Mapping]) -> dict:
    """Means by label changed and sub-space measured: {changed: {"songs": n, sub-space: {measure: mean}}}."""
    summary: dict[str, dict] = {}
    for changed in dict.fromkeys(row["changed"] for row in rows):
        mine = [row for row in rows if row["changed"] == changed]
        summary[changed] = {"songs": len(mine)}
        for name in mine[0]["scores"]:
            measures = {
                key: float(np.mean([row["scores"][name][key] for row in mine])) for key in mine[0]["scores"][name]
            }
            strength = float(np.mean([row["novelty_at_joins"][name] for row in mine]))
            summary[changed][name] = {**measures, "novelty_at_joins": strength}
    return summary


def to_markdown(content: Mapping) -> str:
    """The page: one table a measure, label changed (row) by sub-space measured (column)."""
    summary = content["summary"]
    names = [name for name in next(iter(summary.values())) if name != "songs"]

    def of(key: str) -> str:
        header = ["changed", "songs", *(f"{name} sub-space" for name in names)]
        return markdown(
            header,
            [
                [changed, str(row["songs"]), *(f"{row[name][key]:.2f}" for name in names)]
                for changed, row in summary.items()
            ],
        )

    return (
        "\n\n".join(
            [
                "# Where a song changes",
                f"{content['songs']} made songs of two or three joined parts of 10 to 18 s that differ in one of "
                f"{', '.join(LABELS)}, from plans of the demo corpus' test tracks; tempos differ by "
                f"{LEAST_TEMPO_STEP:g} beats a minute or more. Windows of 3 s every {content['hop']:.2f} s; Foote's "
                f"novelty with a kernel of {content['kernel']} windows; boundaries are peaks of at least "
                f"{content['threshold']:g}. Seed {content['seed']}. Mean over the songs.",
                "## Hit rate: joins found within 3 s (recall)",
                of("recall"),
                "## Precision of the boundaries found (0 for a song without one)",
                of("precision"),
                "## F-measure",
                of("f_measure"),
                "## Highest novelty within 3 s of a join, without a threshold",
                of("novelty_at_joins"),
            ]
        )
        + "\n"
    )


def content_of(rows: Sequence[Mapping], seed: int, hop: float) -> dict:
    """What `trace_study.json` holds."""
    return {
        "songs": len(rows),
        "seed": seed,
        "hop": hop,
        "kernel": KERNEL,
        "threshold": THRESHOLD,
        "within": WITHIN,
        "summary": summarise(rows),
        "rows": list(rows),
    }


def _intervals(boundaries: Sequence[float], seconds: float) -> np.ndarray:
    edges = np.unique([0.0, *boundaries, seconds])
    return np.stack([edges[:-1], edges[1:]], axis=1)
