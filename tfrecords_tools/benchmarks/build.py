"""Where the time of a build goes: each step by itself, the extraction, a build with one and with two workers."""

import contextlib
import dataclasses
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from tfrecords_tools.audio.decode import mono_blocks
from tfrecords_tools.audio.extract import Task, extract
from tfrecords_tools.build import pool
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.features import PAPER_CHAIN

FORMATS = ("wav", "ogg", "mp3")
CLIP_SECONDS, CLIP_RATE = 30.0, 44_100
_BLOCK_FRAMES = 1 << 16


@dataclasses.dataclass(frozen=True)
class FormatTimes:
    """Seconds that one core takes for the clips of one format.

    Attributes:
        name: file suffix.
        audio: seconds of audio they hold.
        decode, resample, log_mel: each step by itself.
        extract: all of it, as a worker does it.
    """

    name: str
    audio: float
    decode: float
    resample: float
    log_mel: float
    extract: float

    @property
    def alone(self) -> float:
        """Sum of the steps by themselves."""
        return self.decode + self.resample + self.log_mel


@dataclasses.dataclass(frozen=True)
class Times:
    """One run of the benchmark: by format, and seconds of all clips through 1 and 2 workers and through a build."""

    formats: Sequence[FormatTimes]
    workers: dict[int, float]
    builds: dict[int, float]

    @property
    def audio(self) -> float:
        """Seconds of audio of all formats."""
        return sum(times.audio for times in self.formats)


def run_bench(clips: int = 24, seconds: float = CLIP_SECONDS) -> Times:
    """Makes stereo clips at 44.1 kHz in a temporary folder and times what a build does with them.

    Args:
        clips: how many of each format.
        seconds: length of a clip.

    Returns:
        Wall-clock times; nothing else should run on the machine. Workers are timed from their first
        result on, so that starting them is not counted; a build is timed whole.
    """
    with tempfile.TemporaryDirectory(prefix="dmml-bench-") as folder:
        paths = {name: make_clips(Path(folder), name, clips, seconds) for name in FORMATS}
        # In a worker process, whose libraries have one thread each.
        formats = list(pool.ordered_map(time_format, paths.items(), workers=1))
        # In turn, so that any stretch of the list is a fair mixture.
        mixed = [path for group in zip(*paths.values()) for path in group]
        workers = {count: _workers_seconds(mixed, count) for count in (1, 2)}
        rows = ["track_id,path,artist", *(f"{k},{path.name},{k}" for k, path in enumerate(mixed))]
        manifest = Path(folder) / "clips.csv"
        manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")
        builds = {count: _build_seconds(manifest, Path(folder) / f"built{count}", count) for count in (1, 2)}
    return Times(formats, workers, builds)


def make_clips(folder: Path, suffix: str, clips: int, seconds: float) -> list[Path]:
    """Writes clips of chords in noise: an encoder finds something to do in them, as in music."""
    time_axis = np.arange(int(seconds * CLIP_RATE)) / CLIP_RATE
    paths = []
    for clip in range(clips):
        rng = np.random.default_rng([clip])
        tones = sum(np.sin(2 * np.pi * f * time_axis) for f in rng.uniform(80, 4000, 6))
        sides = [0.08 * tones + rng.normal(0, 0.03, len(time_axis)) for _ in range(2)]
        paths.append(folder / f"{clip}.{suffix}")
        soundfile.write(paths[-1], np.stack(sides, 1), CLIP_RATE)
    return paths


def time_format(name_and_paths: tuple[str, Sequence[Path]]) -> FormatTimes:
    """Times each step by itself, in memory, and the extraction of the same files; a first call of each warms up."""
    name, paths = name_and_paths
    chain = PAPER_CHAIN

    def decode(path: Path) -> np.ndarray:
        with soundfile.SoundFile(path) as file:
            return np.concatenate(list(file.blocks(_BLOCK_FRAMES, dtype="float32", always_2d=True)))

    def resample(samples: np.ndarray) -> np.ndarray:
        return soxr.resample(samples, CLIP_RATE, chain.sample_rate)

    audio = sum(soundfile.info(path).duration for path in paths)
    mono = [decode(paths[0]).mean(1)] * len(paths)
    resampled = [np.concatenate(list(mono_blocks(path, chain.sample_rate))) for path in paths]
    return FormatTimes(
        name,
        audio,
        _seconds(decode, paths),
        _seconds(resample, mono),
        _seconds(lambda samples: chain.extract(samples).astype(np.float16), resampled),
        _seconds(lambda path: extract(Task(str(path))), paths),
    )


def table(times: Times) -> str:
    """The times as lines of text."""
    lines = [
        f"{'per 30 s clip, one core':<24}"
        + "".join(f"{name:>12}" for name in ("decode", "resample", "log-mel", "alone", "extract", "ratio"))
    ]
    for steps in times.formats:
        clip = 1000 * 30.0 / steps.audio
        cells = [steps.decode, steps.resample, steps.log_mel, steps.alone, steps.extract]
        lines.append(
            f"{steps.name:<24}"
            + "".join(f"{cell * clip:>9.1f} ms" for cell in cells)
            + f"{steps.extract / steps.alone:>12.2f}"
        )
    lines += [
        f"{steps.name}: {steps.audio / steps.alone:.0f} times real time alone, "
        f"{steps.audio / steps.extract:.0f} extracted"
        for steps in times.formats
    ]
    for what, by_workers in (("workers", times.workers), ("build, whole", times.builds)):
        rates = ", ".join(
            f"{count}: {times.audio / seconds:.0f} times real time" for count, seconds in by_workers.items()
        )
        lines.append(f"{what}: {rates}; two are {by_workers[1] / by_workers[2]:.2f} times one")
    return "\n".join(lines)


def _seconds(function: Callable, items: Sequence) -> float:
    function(items[0])
    start = time.perf_counter()
    for item in items:
        function(item)
    return time.perf_counter() - start


def _workers_seconds(paths: Sequence[Path], workers: int) -> float:
    # Each worker's first few tasks load its libraries.
    warm = [Task(str(path)) for path in paths[: 4 * workers]]
    tasks = [*warm, *(Task(str(path)) for path in paths)]
    with contextlib.closing(pool.ordered_map(extract, tasks, workers)) as results:
        for _ in warm:
            next(results)
        start = time.perf_counter()
        for _ in results:
            pass
        return time.perf_counter() - start


def _build_seconds(manifest: Path, out: Path, workers: int) -> float:
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        build_dataset(manifest, out, Options("x", tempo="none"), workers=workers, allow_duplicates=True)
    return time.perf_counter() - start
