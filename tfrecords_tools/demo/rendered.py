"""Songs rendered in processes; what is already there from the same plan and code is kept."""

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import pathlib
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np

from tfrecords_tools.build import pool
from tfrecords_tools.demo.render import SAMPLE_RATE
from tfrecords_tools.errors import UserError, require_extra
from tfrecords_tools.files import whole_file, write_json

_SILENT = ("pretraining", "sparse", "variety")  # modules that decide nothing of a sound beyond its plan
_NEEDED = ("music21", "pretty_midi", "midirenderer", "scipy", "soundfile")
Render = Callable[[Any, pathlib.Path], tuple[str, str]]


def require_renderer(what: str) -> None:
    """Raises `UserError` where packages are missing that planning and rendering need; `what` needs them."""
    require_extra("demo", what, *_NEEDED)


def render_all(
    render: Render, plans: Sequence[Any], folder: pathlib.Path, workers: int = 0
) -> Generator[tuple[str, str], None, None]:
    """Yields what `render(plan, folder)` returns for each plan, in their order: id and title of a song.

    Close the iterator to end the workers early.

    Args:
        render: a module's function, see `tfrecords_tools.build.pool.ordered_map`.
        plans: dataclasses with a `track_id`.
        folder: receives the songs; `audio/` and `plans/` are made in it.
        workers: processes; 0 is one a core, 1 stays in this process.

    Raises:
        UserError: as `render`, or if a worker dies.
    """
    for name in ("audio", "plans"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    tasks = [(render, plan, folder) for plan in plans]
    # One process stays here: starting others and importing music21 in them takes longer than a small corpus.
    results = map(_task, tasks) if workers == 1 else pool.ordered_map(_task, tasks, workers)
    for plan, result in zip(plans, results):
        if isinstance(result, pool.Died):
            raise UserError(f"{plan.track_id}: {result.reason}; use fewer --workers and run the command again to go on")
        if isinstance(result, UserError):
            raise result
        yield result


def render_unless_kept(plan: Any, folder: pathlib.Path, play: Callable[[], tuple[np.ndarray, str]]) -> tuple[str, str]:
    """Writes `audio/<track_id>.flac` unless it is there from this very plan and code; returns id and title.

    Args:
        plan: a dataclass with a `track_id`, all that decides the sound; it is written to `plans/<track_id>.json`.
        folder: holds `audio/` and `plans/`.
        play: gives the sound, float32 [n, 2] at 22,050 Hz, and the title.
    """
    import soundfile

    audio, sidecar = folder / "audio" / f"{plan.track_id}.flac", folder / "plans" / f"{plan.track_id}.json"
    digest, known = _digest(plan), _read_json(sidecar)
    if known.get("digest") == digest and audio.exists():
        return plan.track_id, known["title"]
    samples, title = play()
    with whole_file(audio) as temporary:
        soundfile.write(temporary, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    write_json(sidecar, {"digest": digest, "title": title, "plan": dataclasses.asdict(plan)})
    return plan.track_id, title


@functools.cache
def versions() -> dict[str, str]:
    """Of the packages that decide the sound."""
    return {name: importlib.metadata.version(name) for name in _NEEDED}


def _task(task: tuple[Render, Any, pathlib.Path]) -> tuple[str, str] | UserError:
    render, plan, folder = task
    try:
        return render(plan, folder)
    except UserError as error:
        return error  # Raised in a worker it would end the worker, not the run.


def _digest(plan: Any) -> str:
    text = json.dumps([_code(), versions(), dataclasses.asdict(plan)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _code() -> str:
    """Digest of the modules that decide the sound, so that a change of theirs renders anew."""
    files = sorted(file for file in pathlib.Path(__file__).parent.glob("*.py") if file.stem not in _SILENT)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _read_json(path: pathlib.Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
