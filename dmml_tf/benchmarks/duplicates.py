"""How many of made copies are found, and whether different songs are called one."""

import itertools
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dmml_tf.benchmarks.copies import COPIES, can_encode, write_copy
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.tables import markdown
from dmml_tf.library.duplicates import COSINE, find_duplicates
from dmml_tf.library.same_recording import SAME
from dmml_tf.run import Run
from dmml_tf.search.build import index_music
from dmml_tf.search.index import Index
from tfrecords_tools.audio.decode import AudioError
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

_SONG = "song"  # the change of the file that copies are made of
Pair = tuple[str, str]  # two ids, in order


def bench_duplicates(
    run: Run,
    paths: Mapping[str, str],
    copied: int | None = None,
    cosine: float = COSINE,
    similarity: float = SAME,
    seed: int = 0,
    workers: int = 0,
) -> dict[str, Any]:
    """Makes copies of songs in a temporary folder, indexes all of it, and looks for what is there more than once.

    Args:
        run: with sub-spaces that are slices.
        paths: id -> audio file; all are different recordings.
        copied: songs that are copied in every way, drawn with `seed`; None copies all. The others are there once.
        cosine, similarity: see `find_duplicates`.
        seed: of the songs.
        workers: processes that decode; 0 takes one a core.

    Returns:
        "songs", "copied", "files", "compared" (files), "unheard", "gap" (see `Duplicates`); "pairs" of files of one
        recording, "called_one" pairs, "right" ones, and with them "recall" and "precision"; "songs_called_one", the
        ids of different songs; "by_kind": change of copy -> "recall" of the pairs with such a file, and "cosine", the
        least of any sub-space between a song and its copy.

    Raises:
        UserError: if there are fewer than two songs, one cannot be read, or PyAV does not write MP3.
    """
    run.require_slices()
    if len(paths) < 2:
        raise UserError(f"{len(paths)} songs to find copies among; two at least are needed")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(paths))[:copied]).tolist()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, list(paths.values()), chosen)
        index = index_music(Embedder.of_run(run), run.conditions, folder, run.weights_sha256(), workers)
        found = find_duplicates(
            index, lambda track_id: folder / track_id, cosine=cosine, similarity=similarity, workers=workers
        )
    called = [sorted(copy.track_id for copy in group) for group in found.groups]
    return {
        "songs": len(paths),
        "copied": len(chosen),
        "seed": seed,
        "cosine": cosine,
        "similarity": similarity,
        "files": len(index.tracks),
        "compared": found.compared,
        "unheard": len(found.unheard),
        "gap": found.gap,
        **figures(list(index.positions), called, list(paths)),
        "cosines": {change: _least_cosine(index, change) for change in COPIES},
    }


def figures(files: Sequence[str], groups: Sequence[Sequence[str]], songs: Sequence[str]) -> dict[str, Any]:
    """What was to be found, and what was.

    Args:
        files: `PLACE/KIND.SUFFIX` of all of them, where PLACE is the song's in `songs`.
        groups: files that are called one recording.
        songs: their ids.
    """
    by_song = itertools.groupby(sorted(files), key=_place)
    wanted = {pair for _, of_one in by_song for pair in itertools.combinations(of_one, 2)}
    called = {pair for group in groups for pair in itertools.combinations(sorted(group), 2)}
    right = wanted & called
    wrong = {tuple(songs[_place(file)] for file in pair) for pair in called - wanted}
    asked, found = (Counter(change for pair in pairs for change in {*map(_change, pair)}) for pairs in (wanted, right))
    return {
        "pairs": len(wanted),
        "called_one": len(called),
        "right": len(right),
        "recall": len(right) / max(1, len(wanted)),
        "precision": len(right) / max(1, len(called)),
        "songs_called_one": sorted(map(list, wrong)),
        "recalls": {change: found[change] / asked[change] for change in COPIES if asked[change]},
    }


def duplicates_table(result: Mapping[str, Any]) -> str:
    """The figures as text."""
    rows = [
        [change, f"{recall:.4f}", f"{result['cosines'][change]:.3f}"] for change, recall in result["recalls"].items()
    ]
    wrong = "; ".join(" and ".join(pair) for pair in result["songs_called_one"])
    low, high = result["gap"]
    return "\n".join(
        [
            markdown(["pairs with a copy", "recall", "least cosine with the song"], rows),
            f"{result['songs']} songs, {result['copied']} of them copied: {result['files']} files; "
            f"{result['compared']} compared; no similarity between {low:.3f} and {high:.3f}",
            f"recall {result['recall']:.4f} of {result['pairs']} pairs, precision {result['precision']:.4f} of "
            f"{result['called_one']}; different songs called one: {wrong or 'none'}",
        ]
    )


def _write(folder: Path, songs: Sequence[str], chosen: Sequence[int]) -> None:
    """Links each song to `PLACE/song.SUFFIX`, and writes the copies of the chosen ones beside it."""
    if chosen and not can_encode():
        raise UserError("PyAV does not write MP3 here; install it with: pip install 'dmml[audio]'")
    for place, path in enumerate(songs):
        song = folder / f"{place:06d}" / f"{_SONG}{Path(path).suffix}"
        song.parent.mkdir()
        song.symlink_to(Path(path).absolute())
    for place, change in progress(list(itertools.product(chosen, COPIES)), label="copies"):
        try:
            write_copy(songs[place], folder / f"{place:06d}" / change, change)
        except AudioError as error:
            raise UserError(f"{songs[place]}: {error}; leave it out") from error


def _least_cosine(index: Index, change: str) -> float | None:
    """Of all sub-spaces, between each song and its copy of that change."""
    by_name = {(_place(track_id), _change(track_id)): row for track_id, row in index.positions.items()}
    pairs = [(by_name[place, _SONG], row) for (place, of), row in by_name.items() if of == change]
    return min(
        (float(index.vectors[a, part] @ index.vectors[b, part]) for a, b in pairs for part in index.slices.values()),
        default=None,
    )


def _place(file: str) -> int:
    return int(file.partition("/")[0])


def _change(file: str) -> str:
    return Path(file).stem
