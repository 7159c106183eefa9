"""How time and memory of each step grow with the number of tracks: build, input, embed, index, search."""

import csv
import dataclasses
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import soundfile
from matplotlib.figure import Figure
from tabulate import tabulate

from dmml_tf import configs
from dmml_tf.data.pipeline import BatchPlan, triplet_dataset
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.sounds import RecordsSource
from dmml_tf.embed.tracks import EmbedOptions, embed_tracks, key_of
from dmml_tf.pictures.plots import save_figure
from dmml_tf.run import Run
from dmml_tf.search.build import index_embeddings
from dmml_tf.search.index import INDEX_FOLDER, Index
from dmml_tf.search.query import by_tracks
from dmml_tf.training.config import from_fields
from dmml_tf.training.train import conditions_from_config
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.dataset import FILE_NAME, Dataset
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.program import progress

SEARCHES = 200
_RATE = 8000  # Hz of the made files, which then take 50 KB each
_TAGS = {"genre": 20, "mood": 12, "instrument": 15}  # columns, and how many tags there are
_TRACKS_AN_ARTIST = 10
_FOLDER_FILES = 1000
_SEEN_EVERY = 0.05  # s between two looks at the memory
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Grown:
    """One step over one number of tracks.

    Attributes:
        step: its name.
        tracks: N.
        seconds: that it took, imports aside.
        mebibytes: the most that its processes held resident together, the files that they map included.
    """

    step: str
    tracks: int
    seconds: float
    mebibytes: float


def bench_growth(run: str | os.PathLike[str], counts: Sequence[int], seed: int = 0) -> Iterator[Grown]:
    """Makes tracks of one window each in a temporary folder and takes them through each step, in processes of its own.

    Args:
        run: folder of the run that embeds them.
        counts: numbers of tracks, one after the other; 100,000 take 10 GB on disk.
        seed: of sound and labels.

    Yields:
        What each step took, as soon as it is done.
    """
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="dmml-growth-") as name:
            make_tracks(Path(name), count, seed)
            for step in STEPS:
                yield _measured(step, name, os.fspath(run), count)


def make_tracks(folder: Path, count: int, seed: int = 0) -> Path:
    """Writes `count` sounds of 3 s and their table with labels; returns its path."""
    rng = np.random.default_rng([seed, count])
    axis = np.arange(60 * _RATE) / _RATE
    tones = sum(np.sin(2 * np.pi * f * axis) for f in rng.uniform(80, 3500, 12))
    sound = (0.05 * tones + rng.normal(0, 0.03, len(axis))).astype(np.float32)
    length = PAPER_CHAIN.excerpt_samples * _RATE // PAPER_CHAIN.sample_rate + 1
    starts, gains = rng.integers(len(sound) - length, size=count), rng.uniform(0.3, 1, count)
    with open(folder / "tracks.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["track_id", "path", "artist", *_TAGS, "tempo"])
        for row, start, gain in progress(zip(range(count), starts, gains), count, "tracks made"):
            path = folder / "audio" / f"{row // _FOLDER_FILES}" / f"{row:07d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound[start : start + length] * gain, _RATE)
            tags = [f"{name} {rng.integers(number)}" for name, number in _TAGS.items()]
            tempo = f"{rng.uniform(60, 180):.1f}"
            table.writerow([f"{row:07d}", path, f"artist {row // _TRACKS_AN_ARTIST}", *tags, tempo])
    return folder / "tracks.csv"


def _build(folder: Path, run: Run) -> None:
    # Loud as the run's records, which must be embedded as they are.
    options = Options(tempo="column", loudness=run.features.loudness)
    build_dataset(folder / "tracks.csv", folder / "data", options)


def _input(folder: Path, run: Run) -> None:
    config, dataset = configs.load("disentangled_track"), Dataset.load(folder / "data", run.features)
    plan = from_fields(BatchPlan, "config.batch", config.batch)
    passed = -(-dataset.tracks("train") // (plan.tracks // 2))  # batches in which each track is new once
    for _ in triplet_dataset(dataset, "train", conditions_from_config(config, dataset), plan, passed, seed=0):
        pass


def _embed(folder: Path, run: Run) -> None:
    source = RecordsSource(Dataset.load(folder / "data", run.features))
    key, out = key_of(folder / "data" / FILE_NAME), folder / "songs.parquet"
    embed_tracks(Embedder.of_run(run), run.weights_sha256(), source, key, out, EmbedOptions())


def _index(folder: Path, run: Run) -> None:
    index_embeddings(run, folder / "songs.parquet", folder / INDEX_FOLDER)


def _search(folder: Path, run: Run) -> None:
    index, rng = Index.load(folder / INDEX_FOLDER), np.random.default_rng(0)
    for _ in range(SEARCHES):
        index.search(by_tracks(index, [index.table.cell(int(rng.integers(len(index.tracks))), "id")]))


STEPS: dict[str, Callable[[Path, Run], None]] = {
    "build": _build,
    "input": _input,
    "embed": _embed,
    "index": _index,
    "search": _search,
}


def _measured(step: str, folder: str, run: str, count: int) -> Grown:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_take, args=(sender, step, folder, run))
    process.start()
    sender.close()
    most = 0
    while not receiver.poll(_SEEN_EVERY):
        most = max(most, _resident(process.pid))
    try:
        seconds = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{step} of {count} tracks failed; see above") from None
    process.join()
    return Grown(step, count, seconds, most / _MIB)


def _take(sender, step: str, folder: str, run: str) -> None:
    trained = Run.load(run)
    begun = time.perf_counter()
    STEPS[step](Path(folder), trained)
    sender.send(time.perf_counter() - begun)


def _resident(number: int | None) -> int:
    """Bytes of a process and those that it has started."""
    try:
        process = psutil.Process(number)
        return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def slopes(grown: Sequence[Grown], step: str) -> tuple[float, float]:
    """By what power of the number of tracks a step's seconds and its memory grow; the line of least squares in
    logarithms.

    Raises:
        ValueError: on fewer than two numbers of tracks.
    """
    rows = [row for row in grown if row.step == step]
    if len({row.tracks for row in rows}) < 2:
        raise ValueError("a slope needs two numbers of tracks")
    tracks = np.log([row.tracks for row in rows])
    seconds, memory = (np.polyfit(tracks, np.log([getattr(row, name) for row in rows]), 1)[0] for name in _MEASURED)
    return float(seconds), float(memory)


_MEASURED = ("seconds", "mebibytes")


def table(grown: Sequence[Grown]) -> str:
    """Seconds and memory of each step, a column a number of tracks, and the slopes."""
    counts, rows = sorted({row.tracks for row in grown}), []
    for step in dict.fromkeys(row.step for row in grown):
        of_step = {row.tracks: row for row in grown if row.step == step}
        cells = [f"{row.seconds:.2f} s, {row.mebibytes:,.0f} MiB" for row in map(of_step.get, counts) if row]
        rows.append([step, *cells, *(f"{slope:.2f}" for slope in slopes(grown, step))])
    header = ["", *(f"{count:,}" for count in counts), "slope, time", "slope, memory"]
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def plot_growth(grown: Sequence[Grown], path: str | os.PathLike[str]) -> None:
    """Writes a picture: seconds, and memory, over the number of tracks; a slope of 1 beside them."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name, unit in zip(figure.subplots(1, 2), _MEASURED, ("s", "MiB resident")):
        for step in dict.fromkeys(row.step for row in grown):
            rows = [row for row in grown if row.step == step]
            axes.loglog([row.tracks for row in rows], [getattr(row, name) for row in rows], "-o", label=step, ms=4)
        counts = np.array(sorted({row.tracks for row in grown}))
        least = min(getattr(row, name) for row in grown)
        axes.loglog(counts, least * counts / counts[0], ":", color="#8a8a94", label="in proportion")
        axes.set(xlabel="tracks", ylabel=unit)
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
    save_figure(figure, path)
