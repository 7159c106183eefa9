"""What stretches of songs find that whole songs do not, and how alike the windows of one should be.

Medleys are made of songs: each is the first half, or a little less, of some songs one behind the other, at whatever
frame. The other half of each of those songs then asks for the medley, among the other medleys and unchanged songs.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from dmml_tf.data.records import read_tracks
from dmml_tf.embed.embedder import Embedder, mean_of_windows
from dmml_tf.run import Run
from dmml_tf.search.build import with_stretches
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_embedding
from dmml_tf.search.stretches import Stretches
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

COSINES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SONGS = 3  # a medley
EACH_WINDOW = 1.1  # no cosine is as much
_LEAST_SHARE = 0.6  # of a half that is in the medley


@dataclasses.dataclass(frozen=True, eq=False)
class Medley:
    """Songs one behind the other.

    Attributes:
        name: its id.
        joins: seconds at which the songs after the first begin.
        windows: float32 [W, E].
        halves: float32 [SONGS, E], the halves of its songs that are not in it.
    """

    name: str
    joins: Sequence[float]
    windows: np.ndarray
    halves: np.ndarray


def measure_stretches(
    run: Run, dataset: Dataset, split: str = "test", cosines: Sequence[float] = COSINES, seed: int = 0
) -> dict[str, Any]:
    """Searches for medleys among whole songs, among stretches by one cosine after another, and among all windows.

    Args:
        run: with sub-spaces that are slices, as for any search.
        dataset: its songs of `split` are made medleys of, the others are searched beside them.
        split: one the run was not trained on.
        cosines: see `join_windows`.
        seed: of the medleys.

    Returns:
        `medleys`, `songs` beside them, and `searched`: how -> `rows` a medley and `rows_a_song` of the others,
        `first`, the share of halves by which their medley is found first, `right_part`, the share by which it is found
        first and the middle of the stretch lies in the asked song, `joins`, the share of joins with a boundary within a
        window's length, and `false`, the share of boundaries without a join there. Whole songs have no parts.

    Raises:
        UserError: if the run's masks were learned, or the split has fewer songs than two medleys need.
    """
    run.require_slices()
    embedder = Embedder.of_run(run)
    medleys = list(_medleys(embedder, dataset, split, seed))
    if len(medleys) < 2:
        raise UserError(f"{dataset.folder}: two medleys take {2 * SONGS} songs of split '{split}'")
    songs = {
        row["track_id"]: embedder.windows(row)
        for other in dataset.splits
        if other != split and dataset.tracks(other)
        for row in progress(
            read_tracks(dataset, other, optional=embedder.signal.optional), dataset.tracks(other), f"embed {other}"
        )
    }
    windows = {**songs, **{medley.name: medley.windows for medley in medleys}}
    vectors = np.stack([mean_of_windows(each) for each in windows.values()])
    index = Index.build(vectors, run.conditions, [{"id": name} for name in windows])
    chain = embedder.signal.features
    searched = {"whole songs": _searched(index, medleys, chain.window_frames / chain.frames_per_second)}
    for cosine in (*cosines, EACH_WINDOW):
        name = "each window" if cosine == EACH_WINDOW else f"stretches by {cosine:g}"
        cut = with_stretches(index, iter(windows.items()), chain, cosine)
        searched[name] = _searched(cut, medleys, chain.window_frames / chain.frames_per_second)
    return {"medleys": len(medleys), "songs": len(songs), "seed": seed, "searched": searched}


def _medleys(embedder: Embedder, dataset: Dataset, split: str, seed: int) -> Iterator[Medley]:
    signal, rng = embedder.signal, np.random.default_rng(seed)
    rows = list(read_tracks(dataset, split, optional=signal.optional))
    order = rng.permutation(len(rows))
    for number in range(len(rows) // SONGS):
        parts, halves, joins = [], [], [0.0]
        for place in order[SONGS * number : SONGS * (number + 1)]:
            sound, half = rows[place][signal.field], signal.frames(rows[place]) // 2
            frames = round(half * rng.uniform(_LEAST_SHARE, 1))
            parts.append(sound[: frames * signal.step])
            halves.append(embedder.song({signal.field: sound[half * signal.step :]}))
            joins.append(joins[-1] + frames / signal.features.frames_per_second)
        windows = embedder.windows({signal.field: np.concatenate(parts)})
        yield Medley(f"medley {number:04d}", joins[1:-1], windows, np.stack(halves))


def _searched(index: Index, medleys: Sequence[Medley], window: float) -> dict[str, float]:
    first = right = 0
    for medley in medleys:
        begins, ends = [0.0, *medley.joins], [*medley.joins, np.inf]
        for half, begin, end in zip(medley.halves, begins, ends):
            (hit,) = index.search(by_embedding(half, index.conditions), k=1)
            if hit.track["id"] == medley.name:
                first += 1
                right += hit.section is not None and begin <= sum(hit.section) / 2 < end
    asked = SONGS * len(medleys)
    figures = {"rows": 1.0, "rows_a_song": 1.0, "first": first / asked}
    if index.stretches is None:
        return figures
    found = [_boundaries(index.stretches, index.position(medley.name)) for medley in medleys]
    rows, own = len(index.stretches), sum(len(bounds) + 1 for bounds in found)
    near = [np.abs(np.subtract.outer(medley.joins, bounds)) <= window for medley, bounds in zip(medleys, found)]
    joins, boundaries = (SONGS - 1) * len(medleys), sum(map(len, found))
    return {
        "rows": own / len(medleys),
        "rows_a_song": (rows - own) / max(len(index.tracks) - len(medleys), 1),
        "first": first / asked,
        "right_part": right / asked,
        "joins": sum(int(each.any(axis=1).sum()) for each in near) / joins,
        "false": 1 - sum(int(each.any(axis=0).sum()) for each in near) / max(boundaries, 1),
    }


def _boundaries(stretches: Stretches, song: int) -> np.ndarray:
    """Seconds at which the stretches of a song after its first begin."""
    return stretches.times[stretches.songs == song, 0][1:]


def stretches_table(figures: Mapping[str, Any]) -> str:
    """The figures as text."""
    columns = {
        "rows": "rows a medley",
        "rows_a_song": "rows a song",
        "first": "medley first",
        "right_part": "and the right part",
        "joins": "joins found",
        "false": "false boundaries",
    }
    rows = [
        [how, *(f"{found[key]:.2f}" if key.startswith("rows") else _share(found.get(key)) for key in columns)]
        for how, found in figures["searched"].items()
    ]
    said = f"{figures['medleys']} medleys of {SONGS} songs among {figures['songs']} songs"
    return f"{said}\n{tabulate(rows, ['searched', *columns.values()], disable_numparse=True)}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
