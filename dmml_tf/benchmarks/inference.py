"""The embedding network by each engine that is installed, and what a query by an audio file costs from its start on.

Nothing here is imported that an engine does without: a start is measured in a process of its own, by this module.
"""

import dataclasses
import importlib.util
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
from tabulate import tabulate

from dmml_tf.run import LIGHT_FILE, MODEL_FILE, Run
from dmml_tf.search.index import INDEX_FOLDER, Index

KERAS, LITE, ONNX = "TensorFlow", "LiteRT", "ONNX Runtime"
BATCHES = (1, 64)
_PACKAGES = {KERAS: (), LITE: ("ai_edge_litert",), ONNX: ("onnx", "onnxruntime", "tf2onnx")}
_ONNX_FILE = "embedding.onnx"
_WINDOWS, _ROUNDS, _STARTS = 128, 5, 3
_SONG_SECONDS, _RATE = 180, 44_100
_TRACKS = 400  # of the index that is asked
_START = "from dmml_tf.benchmarks.inference import start; start({engine!r}, {folder!r})"
_WITHOUT = "import sys; sys.modules['ai_edge_litert'] = None; "
_ASK = "import sys; from dmml_tf.cli import main; sys.exit(main({arguments!r}))"

Network = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Cost:
    """CPU and wall seconds of a process, from its start to its end."""

    cpu: float
    wall: float


@dataclasses.dataclass(frozen=True)
class Speed:
    """One engine.

    Attributes:
        rates: batch -> windows a second, by the wall, medians of rounds in which the engines take turns.
        start: of a process that embeds one window.
        difference: largest from TensorFlow's numbers, by the largest of these.
    """

    rates: Mapping[int, float]
    start: Cost
    difference: float


def engines() -> list[str]:
    """The engines that are installed; TensorFlow, which the others are compared with, first."""
    return [name for name, packages in _PACKAGES.items() if all(map(importlib.util.find_spec, packages))]


def bench_engines(run: Run) -> dict[str, Speed]:
    """Times the network of a run, which takes log-mel, by each engine.

    Raises:
        UserError: as `Run.embedding`, or if the network takes samples.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(run, Path(folder))
        networks = {name: _converted(name, copy) for name in engines()}
        made = np.random.default_rng(0).uniform(0, 1.5, (_WINDOWS, *_window(run))).astype(np.float32)
        rounds = [
            {name: {batch: _rate(network, made, batch) for batch in BATCHES} for name, network in networks.items()}
            for _ in range(_ROUNDS)
        ]
        found = {name: network(made[:64]) for name, network in networks.items()}
        return {
            name: Speed(
                {batch: statistics.median(rates[name][batch] for rates in rounds) for batch in BATCHES},
                _cost(_START.format(engine=name, folder=str(copy.folder))),
                float(np.abs(found[name] - found[KERAS]).max() / np.abs(found[KERAS]).max()),
            )
            for name in networks
        }


def bench_queries(run: Run, audio: Path | None = None) -> dict[str, Cost]:
    """What `dmml search` costs in an index of made vectors: by a track, and by a file with and without LiteRT.

    Args:
        run: whose network hears the file.
        audio: the file; None makes one, three minutes of Ogg Vorbis.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(run, Path(folder))
        vectors = np.random.default_rng(0).normal(size=(_TRACKS, copy.conditions.size)).astype(np.float32)
        rows = [{"id": f"t{row:03d}", "title": "", "artist": "", "split": "test"} for row in range(_TRACKS)]
        Index.build(vectors, copy.conditions, rows, copy.weights_sha256()).save(copy.folder / INDEX_FOLDER)
        song = audio or _made_song(Path(folder, "song.ogg"))
        ask = ["search", "--run", str(copy.folder)]
        by_track = _ASK.format(arguments=[*ask, "--track", "t000"])
        by_file = _ASK.format(arguments=[*ask, "--audio", str(song)])
        costs = {"a track of the index": _cost(by_track)}
        if LITE in engines():
            _converted(LITE, copy)
            costs["an audio file, LiteRT"] = _cost(by_file)
        return costs | {"an audio file, TensorFlow": _cost(_WITHOUT + by_file)}


def start(engine: str, folder: str) -> None:
    """Embeds one window by an engine, whose file is there already."""
    run = Run.load(folder)
    _network(engine, run)(np.zeros((1, *_window(run)), np.float32))


def inference_tables(speeds: Mapping[str, Speed], costs: Mapping[str, Cost]) -> str:
    """The figures as text."""
    rows = [
        [
            name,
            *(f"{speed.rates[batch]:.0f}" for batch in BATCHES),
            f"{speed.start.cpu:.2f}",
            f"{speed.start.wall:.2f}",
            f"{speed.difference:.1g}",
        ]
        for name, speed in speeds.items()
    ]
    head = ["engine", *(f"windows/s, batch {batch}" for batch in BATCHES), "start, CPU s", "start, s", "difference"]
    asked = [[name, f"{cost.cpu:.2f}", f"{cost.wall:.2f}"] for name, cost in costs.items()]
    tables = [(rows, head), (asked, ["a search by", "CPU s", "s"])]
    return "\n\n".join(tabulate(lines, names, disable_numparse=True) for lines, names in tables)


def _network(engine: str, run: Run) -> Network:
    if engine == KERAS:
        from dmml_tf.embed.embedder import Embedder

        return Embedder(run.embedding(), run.features)
    if engine == LITE:
        from dmml_tf.embed.light import light_network

        light = light_network(run)
        assert light is not None  # the runtime and a folder to write to are there
        return light
    import onnxruntime

    session = onnxruntime.InferenceSession(str(run.folder / _ONNX_FILE), providers=["CPUExecutionProvider"])
    return lambda windows: session.run(["embedding"], {"log_mel": windows})[0]


def _converted(engine: str, run: Run) -> Network:
    """The network of an engine, whose file is written first."""
    if engine == ONNX:
        from dmml_tf.serving.portable import export_onnx

        export_onnx(run.embedding(), run.conditions, run.features, run.folder / _ONNX_FILE)
    return _network(engine, run)


def _copied(run: Run, folder: Path) -> Run:
    """The run in a folder of its own, into which files of engines may be written."""
    copy = dataclasses.replace(run, folder=folder / "run")
    copy.folder.mkdir()
    for name in (run.weights, MODEL_FILE, LIGHT_FILE):
        if (run.folder / name).exists():
            shutil.copy(run.folder / name, copy.folder)
    return copy


def _window(run: Run) -> tuple[int, int]:
    return run.features.window_frames, run.features.n_mels


def _rate(network: Network, windows: np.ndarray, batch: int) -> float:
    network(windows[:batch])
    begun = time.perf_counter()
    for first in range(0, len(windows), batch):
        network(windows[first : first + batch])
    return len(windows) / (time.perf_counter() - begun)


def _cost(code: str) -> Cost:
    """The least of several processes: the first has the files read from the disk, and others may be at work."""
    costs = [_once([sys.executable, "-c", code]) for _ in range(_STARTS)]
    return Cost(min(cost.cpu for cost in costs), min(cost.wall for cost in costs))


def _once(line: Sequence[str]) -> Cost:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def _made_song(path: Path) -> Path:
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", _RATE, 2) as file:
        for _ in range(_SONG_SECONDS):  # second by second: of minutes at once libsndfile's encoder overflows its stack
            file.write(rng.uniform(-0.3, 0.3, (_RATE, 2)).astype(np.float32))
    return path
