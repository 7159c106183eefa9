"""Does a song that was changed in a way that nobody hears as another song still find itself first?

Each song is searched for by its sound at another level, as MP3, and by its first half among the second halves of all.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from dmml_tf.benchmarks.copies import can_encode, encode_mp3
from dmml_tf.conditions import Conditions
from dmml_tf.embed.embedder import Embedder, mean_of_windows
from dmml_tf.evaluation.accuracy import bootstrap, score
from dmml_tf.evaluation.tables import format_score, markdown
from dmml_tf.run import Run
from dmml_tf.spaces import search_vectors, unit
from tfrecords_tools.audio.decode import AudioError, mono_blocks, require_seconds, require_sound
from tfrecords_tools.audio.extract import LEAST_SECONDS, as_pcm, from_pcm
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

DECIBELS = (-24.0, -12.0, 6.0)
MP3 = 96_000  # bit a second
LEAST_COSINE = 0.95
_WHOLE, _FIRST, _SECOND, _MP3 = "whole song", "first half", "second half", f"MP3 at {MP3 // 1000} kbit/s"


def self_search(run: Run, paths: Mapping[str, str], seed: int = 0) -> dict:
    """Searches each song by its changed forms, every sub-space weighing the same.

    Args:
        run: with sub-spaces that are slices, as for any search.
        paths: id -> audio file of at least 6 s; what cannot be used is left out, a line on standard error says why.
        seed: of the intervals.

    Returns:
        "songs", "left_out" (id -> reason), and "changed": form -> "itself_first", the share of songs that come before
        all others with its interval, and "cosines": sub-space -> "mean" and "least" over the songs, and the "share" of
        at least 0.95. MP3 is missing without PyAV's encoder.

    Raises:
        UserError: if the run's weights cannot be read, its masks were learned, or no two songs can be used.
    """
    run.require_slices()
    left_out: dict[str, str] = {}
    forms = _embed(run, paths, left_out)
    songs = len(forms[_WHOLE])
    if songs < 2:
        raise UserError(f"{songs} of {len(paths)} songs can be used, two at least are needed")
    pairs = {name: (vectors, forms[_WHOLE]) for name, vectors in forms.items() if name not in (_WHOLE, _FIRST, _SECOND)}
    pairs["first half, among second halves"] = (forms[_FIRST], forms[_SECOND])
    return {
        "songs": songs,
        "left_out": left_out,
        "seed": seed,
        "changed": {name: compare(*pair, run.conditions, seed) for name, pair in pairs.items()},
    }


def compare(asked: np.ndarray, pool: np.ndarray, conditions: Conditions, seed: int = 0, rounds: int = 1000) -> dict:
    """Figures of one change.

    Args:
        asked, pool: float [N, E]; row i of both is the same song.
        conditions: whose slices are compared.
        seed, rounds: of the bootstrap over songs.
    """
    queries, items = (search_vectors(vectors, conditions) for vectors in (asked, pool))
    found = queries @ items.T
    itself = np.diag(found).copy()
    np.fill_diagonal(found, -np.inf)
    right = itself > found.max(axis=1)  # a tie is not first
    places = np.stack([np.arange(len(asked))] * 3, axis=1)
    first = score(right, bootstrap(right, places, len(asked), seed, rounds))
    slices = conditions.subspaces or {"whole": slice(None)}
    cosines = {
        name: (unit(asked[:, owned]) * unit(pool[:, owned])).sum(axis=1, dtype=np.float64)
        for name, owned in slices.items()
    }
    return {
        "itself_first": dataclasses.asdict(first),
        "cosines": {
            name: {
                "mean": float(values.mean()),
                "least": float(values.min()),
                "share": float((values >= LEAST_COSINE).mean()),
            }
            for name, values in cosines.items()
        },
    }


def _embed(run: Run, paths: Mapping[str, str], left_out: dict[str, str]) -> dict[str, np.ndarray]:
    """Form -> float [N, E] of the songs that can be used; adds the others to `left_out`."""
    embedder = Embedder.of_run(run)
    encodes = can_encode()
    if not encodes:
        print(f"{_MP3}: left out; it needs PyAV with libmp3lame: pip install 'dmml[audio]'", file=sys.stderr)
    names: list[str] = []
    with tempfile.TemporaryDirectory() as folder:

        def sounds() -> Iterator[Mapping]:
            for track, path in progress(paths.items(), len(paths), "songs"):
                try:
                    forms = list(_forms(path, embedder, Path(folder) if encodes else None))
                except AudioError as error:
                    left_out[track] = str(error)
                    print(f"{path}: {error}; left out", file=sys.stderr)
                    continue
                for name, sound in forms:
                    names.append(name)
                    yield sound

        vectors = [mean_of_windows(windows) for windows in embedder.each(sounds())]
    return {
        name: np.stack([vector for of, vector in zip(names, vectors) if of == name]) for name in dict.fromkeys(names)
    } or {_WHOLE: np.zeros((0, embedder.size), np.float32)}


def _forms(path: str, embedder: Embedder, folder: Path | None) -> Iterator[tuple[str, Mapping]]:
    """The song and its changed forms, (name, sound)."""
    signal = embedder.signal
    rate = signal.features.sample_rate
    samples = np.concatenate([np.zeros(0, np.float32), *mono_blocks(path, rate)])
    require_seconds(len(samples) / rate, 2 * LEAST_SECONDS)
    sound, _, loudness = signal.read([samples])
    require_sound(loudness)
    yield _WHOLE, sound
    for decibels in DECIBELS:
        # As a file of 16 bits holds it: what is too loud is clipped.
        yield f"{decibels:+g} dB", signal.read([from_pcm(as_pcm(samples, 10 ** (decibels / 20)))])[0]
    for name, half in zip((_FIRST, _SECOND), np.array_split(samples, 2)):
        yield name, signal.read([half])[0]
    if folder is not None:
        encoded = folder / "song.mp3"
        encode_mp3(path, encoded, MP3)
        yield _MP3, signal.read(mono_blocks(encoded, rate))[0]


def self_search_table(figures: Mapping) -> str:
    """The figures as text."""
    changed = figures["changed"]
    names: Sequence[str] = list(next(iter(changed.values()))["cosines"])
    rows = [
        [
            form,
            format_score(row["itself_first"]),
            *(f"{row['cosines'][name]['mean']:.3f}, {row['cosines'][name]['least']:.3f}" for name in names),
        ]
        for form, row in changed.items()
    ]
    left = figures["left_out"]
    return "\n".join(
        [
            f"{figures['songs']} songs"
            + (f", {len(left)} left out" if left else "")
            + "; cosines: mean, least over the songs",
            markdown(["changed", "itself first", *names], rows),
        ]
    )
