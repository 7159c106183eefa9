"""Whole songs by several systems: the same triplets, the same first neighbours, one table.

A song's vector is the mean of its windows' vectors at unit length, seen through a sub-space, itself at unit length.
What is right by a label that a network made is no more than agreement with that network.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.benchmarks.song_systems import (
    MUSLY_METHODS,
    System,
    embed_files,
    keep_songs,
    mfcc_vq,
    musicnn_systems,
    musly,
    run_systems,
)
from dmml_tf.conditions import Labels, SharedTag
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import Embedded, embed_split
from dmml_tf.evaluation.accuracy import bootstrap, is_correct, score
from dmml_tf.evaluation.by_condition import accuracies
from dmml_tf.evaluation.held_out import OVERALL, HeldOut, hold_out
from dmml_tf.evaluation.paired import paired_overall
from dmml_tf.evaluation.tables import format_score, markdown
from dmml_tf.heads.songs import read_heard, write_heard
from dmml_tf.run import Run
from dmml_tf.spaces import WHOLE
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.tables.audio_paths import audio_paths
from tfrecords_tools.tables.tracks import TRACKS_FILE, track_rows

Correct = Mapping[str, np.ndarray]  # condition -> bool [n], which of its triplets are right


@dataclasses.dataclass(frozen=True)
class Peers:
    """What else is scored.

    Attributes:
        mfcc_vq: histograms of MFCC codewords.
        musicnn: a file as `write_heard` writes it; one that is not there is made. None leaves musicnn out.
        musly: whether to score Musly.
    """

    mfcc_vq: bool = True
    musicnn: str | None = None
    musly: bool = False


def compare_songs(
    runs: Sequence[Run], dataset: Dataset, split: str, peers: Peers, count: int = 10_000, seed: int = 0
) -> dict:
    """Scores every system on the songs of a split that all of them know.

    Args:
        runs: at least one; the conditions of the first decide. Runs of other signal chains read the audio files.
        dataset: holds `split`, and `train` for what is fitted.
        split: never one that a run was trained on.
        peers: what else is scored.
        count: triplets a condition.
        seed: of the triplets, the intervals and the codebook.

    Returns:
        "songs", "left_out" (ids that a peer does not know), "seed", and "systems": name -> "triplets" (see
        `dmml_tf.evaluation.by_condition.accuracies`), "first_neighbour" ("package", "artist": scores or None) and
        "ahead": how far the first system is ahead of it on the mean over conditions between tracks, or None.

    Raises:
        UserError: if records, audio files, weights or a peer are missing.
    """
    table = dataset.folder / TRACKS_FILE
    paths = audio_paths(table)
    embedded = embed_split(Embedder.of_run(runs[0]), dataset, split)
    heard, kept = None, np.ones(len(embedded.ids), bool)
    if peers.musicnn is not None:
        if not Path(peers.musicnn).exists():
            write_heard(peers.musicnn, paths)
        heard = read_heard(peers.musicnn)
        kept = np.array([heard.count(track) > 0 for track in embedded.ids])
    songs = keep_songs(embedded, kept)
    systems = run_systems(runs[0], songs)
    for run in runs[1:]:
        systems += run_systems(run, _embed(run, dataset, split, kept, songs, paths))
    if peers.mfcc_vq:
        systems.append(mfcc_vq(dataset, split, kept, seed))
    if heard is not None:
        train = [row.track_id for row in track_rows(dataset.folder, dataset.schema) if row.split == "train"]
        systems += musicnn_systems(heard, songs, train, dataset.features)
    if peers.musly:
        systems += [musly(method, songs, paths) for method in MUSLY_METHODS]
    windows = (songs.window_track, songs.window_start)
    held_out = hold_out(runs[0].conditions, songs.labels, *windows, count, seed, dataset.features)
    return {
        "songs": len(songs.ids),
        "left_out": [track for track, keep in zip(embedded.ids, kept) if not keep],
        "seed": seed,
        "systems": score_systems(systems, held_out, groups_of(songs.ids, songs.labels)),
    }


def _embed(run: Run, dataset: Dataset, split: str, kept: np.ndarray, songs: Embedded, paths: Mapping) -> Embedded:
    embedder = Embedder.of_run(run)
    fits = run.features == dataset.features and set(embedder.signal.optional) <= set(dataset.schema.optional)
    return keep_songs(embed_split(embedder, dataset, split), kept) if fits else embed_files(run, songs, paths)


def score_systems(
    systems: Sequence[System], held_out: HeldOut, groups: Mapping[str, np.ndarray]
) -> dict[str, dict[str, object]]:
    """{system: "triplets", "first_neighbour", "ahead"}, see `compare_songs`; `groups` as of `groups_of`."""
    answers = [right_triplets(system, held_out) for system in systems]
    return {
        system.name: {
            "triplets": accuracies(held_out, right),
            "first_neighbour": {
                name: first_neighbour(system.songs[WHOLE], group, held_out.seed) for name, group in groups.items()
            },
            "ahead": _ahead(answers[0], right, held_out) if place else None,
        }
        for place, (system, right) in enumerate(zip(systems, answers))
    }


def right_triplets(system: System, held_out: HeldOut) -> dict[str, np.ndarray]:
    """Condition -> bool [n]: d(anchor, positive) < d(anchor, negative), for the conditions that the system can answer.

    A condition is seen through the sub-space of its name, or in the whole where there is none.
    """
    right = {}
    for name, triplets in held_out.triplets.items():
        if not len(triplets):
            continue
        if not held_out.on_windows(name):
            anchor, positive, negative = triplets.T
            apart = system.songs.get(name, system.songs[WHOLE])
            right[name] = apart[anchor, positive] < apart[anchor, negative]
        elif system.windows is not None:
            right[name] = is_correct(system.windows, triplets)
    return right


def first_neighbour(apart: np.ndarray, group: np.ndarray, seed: int, rounds: int = 1000) -> dict | None:
    """The share of songs whose first neighbour is in their group, with its interval over songs.

    Args:
        apart: float [N, N] distances.
        group: bool [N, N], which songs are in one group; the diagonal is not read.
        seed, rounds: of the bootstrap.

    Returns:
        `Score` as a dictionary, over the songs that have another in their group; None without any.
    """
    others = ~np.eye(len(apart), dtype=bool)
    asked = np.flatnonzero((group & others).any(axis=1))
    if not len(asked):
        return None
    nearest = np.where(others, apart, np.inf).argmin(axis=1)
    right = group[asked, nearest[asked]]
    return dataclasses.asdict(score(right, bootstrap(right, np.stack([asked] * 3, axis=1), len(apart), seed, rounds)))


def groups_of(ids: Sequence[str], labels: Labels) -> dict[str, np.ndarray]:
    """Bool [N, N] of "package", the folder in an id (`PACKAGE/FILE`), and of "artist", one in common."""
    folders = np.array([track.rpartition("/")[0] for track in ids])
    here, there = np.indices((len(ids), len(ids)))
    artists = SharedTag("artist").similar(labels, here.ravel(), there.ravel()).reshape(here.shape)
    return {"package": (folders[:, None] == folders) & (folders != ""), "artist": artists}


def _ahead(first: Correct, second: Correct, held_out: HeldOut) -> dict | None:
    between = [name for name in first if name in second and not held_out.on_windows(name)]
    pairs = [(first[name], second[name], held_out.owners(name)) for name in between]
    difference = paired_overall(pairs, held_out.tracks, held_out.seed)
    return None if difference is None else dataclasses.asdict(difference)


def songs_table(figures: Mapping) -> str:
    """The figures of `compare_songs` as text."""
    systems = figures["systems"]
    names = list(next(iter(systems.values()))["triplets"])
    head = [
        "system",
        *(name if name != OVERALL else "mean" for name in names),
        "first: package",
        "artist",
        "ahead of it",
    ]
    rows = [[name, *_cells(row, names)] for name, row in systems.items()]
    left = figures["left_out"]
    return "\n".join(
        [
            f"{figures['songs']} songs, seed {figures['seed']}"
            + (f"; left out, since musicnn heard none of them: {', '.join(left)}" if left else ""),
            markdown(head, rows),
        ]
    )


def _cells(row: Mapping, names: Iterable[str]) -> list[str]:
    ahead = row["ahead"]
    return [
        *(format_score(row["triplets"][name]) for name in names),
        *(format_score(share) for share in row["first_neighbour"].values()),
        "" if ahead is None else f"{ahead['value']:+.3f} ({ahead['low']:+.2f} to {ahead['high']:+.2f})",
    ]
