"""The demo corpus: music made on the spot, whose labels are true by construction.

Scores of the installed music21 and rule-made bands, in four moods, on eight instrument families, at 60
to 180 beats a minute, all crossed; played by midirenderer with pretty_midi's TimGM6mb SoundFont (GPL-2).
"""

import contextlib
import csv
import dataclasses
import os
import pathlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tfrecords_tools.check.mutual_information import chance_level, format_table, mutual_information_table
from tfrecords_tools.demo import bands, instruments, moods, render, scores
from tfrecords_tools.demo.piece import Drum, Piece
from tfrecords_tools.demo.plan import GENRES, TrackPlan, label_columns, plan_corpus
from tfrecords_tools.demo.rendered import render_all, render_unless_kept, require_renderer, versions
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file, write_json
from tfrecords_tools.program import progress

COLUMNS = ("track_id", "path", "title", "artist", "split", "genre", "mood", "instrument", "tempo")
CLAVES = 75  # General MIDI key of the kit


def build_corpus(
    folder: str | os.PathLike, tracks: int = 400, seed: int = 0, workers: int = 0, seconds: float = 30.0
) -> pathlib.Path:
    """Plans and renders the corpus; what is already there from the same plan and code is kept.

    Args:
        folder: receives `audio/*.flac` (22,050 Hz, stereo), `plans/*.json`, `manifest.csv`, `corpus.json`.
        tracks: number of tracks.
        seed: the same seed gives the same bytes.
        workers: processes; 0 is one a core, 1 stays in this process.
        seconds: length of a track, at least 3.

    Returns:
        Path of `manifest.csv`.

    Raises:
        UserError: on missing packages or impossible figures.
    """
    require_renderer("the demo corpus")
    return render_corpus(pathlib.Path(folder), plan_corpus(tracks, seed, seconds), workers)


def render_corpus(folder: pathlib.Path, plans: Sequence[TrackPlan], workers: int = 0) -> pathlib.Path:
    """Renders the tracks of a plan; arguments, files and result are those of `build_corpus`."""
    # While tracks are replaced, the labels of an earlier seed or version must not pass for theirs.
    (folder / "manifest.csv").unlink(missing_ok=True)
    with contextlib.closing(render_all(render_track, plans, folder, workers)) as results:
        titles = dict(progress(results, total=len(plans), label="render"))
    write_corpus_manifest(folder, plans, titles)
    table = _describe(folder, plans)
    print(format_table(table))
    return folder / "manifest.csv"


def compose(plan: TrackPlan) -> tuple[Piece, str]:
    """The plan's music in its mood, long enough for its tempo, and its title."""
    rng = np.random.default_rng([plan.seed, 0])
    beats = plan.seconds * plan.tempo / 60 + 4
    if plan.genre in bands.GENRES:
        band = bands.found_band(np.random.default_rng([plan.corpus_seed, GENRES.index(plan.genre), plan.artist]))
        piece, title = bands.play(plan.genre, band, rng, beats), f"{plan.genre.capitalize()} {plan.track_id[-4:]}"
    else:
        piece, title = _first_fitting(plan, beats)
    piece = moods.apply_mood(piece, plan.mood, rng)
    return keep_the_beat(piece, beats) if plan.claves else piece, title


def keep_the_beat(piece: Piece, beats: float) -> Piece:
    """Adds claves on every beat, in every genre and mood alike, so that 3 s are enough to hear the tempo."""
    clicks = (Drum(beat, CLAVES, 0.9) for beat in range(int(beats) + 1))
    return dataclasses.replace(piece, drums=(*piece.drums, *clicks))


def render_track(plan: TrackPlan, folder: pathlib.Path) -> tuple[str, str]:
    """Writes `audio/<track_id>.flac` unless it is there from this very plan and code; returns id and title."""

    def play() -> tuple[np.ndarray, str]:
        piece, title = compose(plan)
        rng = np.random.default_rng([plan.seed, 1])
        programs = dict(zip(plan.families, plan.programs)) or instruments.FAMILIES
        seats = instruments.seat(plan.families, rng, programs)
        midi = render.midi_bytes(piece, seats, plan.tempo, plan.seconds, start=float(rng.uniform(0, 60 / plan.tempo)))
        soundfont = folder / plan.soundfont if plan.soundfont else None
        return render.record(render.synthesise(midi, plan.seconds, soundfont), rng), title

    return render_unless_kept(plan, folder, play)


def _first_fitting(plan: TrackPlan, beats: float) -> tuple[Piece, str]:
    for file in plan.scores:
        piece = scores.read_score(plan.genre, file, beats)
        if piece is not None:
            return piece, pathlib.PurePosixPath(file).stem
    raise UserError(
        f"music21's corpus: none of {', '.join(plan.scores)} is a {plan.genre} of the form expected; "
        "install music21 10 or newer, or report its version"
    )


def write_corpus_manifest(folder: pathlib.Path, plans: Sequence[TrackPlan], titles: dict[str, str]) -> None:
    """Writes `manifest.csv`: a row a plan, with the title of its `track_id`."""
    with whole_file(folder / "manifest.csv") as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for plan in plans:
            writer.writerow(
                [
                    plan.track_id,
                    f"audio/{plan.track_id}.flac",
                    titles[plan.track_id],
                    plan.artist_name,
                    plan.split,
                    plan.genre,
                    plan.mood,
                    "|".join(plan.families),
                    f"{plan.tempo:.2f}",
                ]
            )


def _describe(folder: pathlib.Path, plans: Sequence[TrackPlan]) -> dict:
    """Writes `corpus.json`; returns the mutual information table of the whole corpus."""
    columns = label_columns(plans)
    table = mutual_information_table(columns)
    by_split = {
        split: mutual_information_table(label_columns([plan for plan in plans if plan.split == split]))
        for split in ("train", "valid", "test")
    }
    write_json(
        folder / "corpus.json",
        {
            "seed": plans[0].corpus_seed,
            "tracks": len(plans),
            "seconds": plans[0].seconds,
            "versions": versions(),
            "counts": {
                name: dict(sorted(Counter(getattr(plan, name) for plan in plans).items()))
                for name in ("split", "genre", "mood", "artist_name")
            }
            | {"instrument": dict(sorted(Counter(tag for plan in plans for tag in plan.families).items()))},
            "mutual_information": table,
            "mutual_information_by_split": by_split,
            "mutual_information_of_shuffled_labels": {
                a: {b: chance_level(columns[a], columns[b]) for b in columns if b != a} for a in columns
            },
        },
    )
    return table
