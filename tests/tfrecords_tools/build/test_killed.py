"""kill -9 of a build or of its workers at any instant: --resume goes on, to the same bytes."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.damaged import RATE, noise
from tfrecords_tools.build import build
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.build.work_folder import WORK_FOLDER, WorkFolder
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.spawns

OPTIONS = Options("x", shards=12)


def make_songs(folder: Path, tracks: int) -> Path:
    """A manifest of short tracks and one file that is none."""
    rows = ["track_id,path,artist,genre"]
    for k in range(tracks):
        soundfile.write(folder / f"{k}.wav", noise(3.2 + k % 7, k), RATE)
        rows.append(f"t{k},{k}.wav,artist {k},g{k % 3}")
    (folder / "text.wav").write_text("no sound")
    (folder / "songs.csv").write_text("\n".join([*rows, "bad,text.wav,,"]) + "\n")
    return folder / "songs.csv"


def contents(folder: Path) -> dict[str, str]:
    """File name -> digest, of everything that two builds must have in common."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != build.BUILD_FILE
    }


def kill_a_build(manifest: Path, out: Path, shards: int, pause: float) -> bool:
    """Resumes a build in a process of its own, killed `pause` seconds after so many shards; whether it was in time.

    Shards and not seconds alone, because a fast machine has built it all before a slow one has begun.
    """
    code = (
        "import sys\n"
        "from tfrecords_tools.build.build import build_dataset\n"
        "from tfrecords_tools.build.plan import Options\n"
        "if __name__ == '__main__': build_dataset(*sys.argv[1:], Options('x', shards=12), workers=2, resume=True)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(manifest), str(out)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    while len(list((out / WORK_FOLDER).glob("*.json"))) < shards and run.poll() is None:
        time.sleep(0.002)
    time.sleep(pause)
    in_time = run.poll() is None
    run.kill()
    run.wait()
    return in_time


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A manifest and its build that nothing interrupted."""
    manifest = make_songs(tmp_path_factory.mktemp("songs"), 24)
    out = tmp_path_factory.mktemp("whole")
    build_dataset(manifest, out, OPTIONS, workers=1)
    return manifest, out


def test_killed_at_a_random_instant_and_resumed(whole, tmp_path):
    manifest, reference = whole
    random = np.random.default_rng([0])
    assert kill_a_build(manifest, tmp_path / "x", random.integers(1, 5), random.uniform(0, 0.02))
    build_dataset(manifest, tmp_path / "x", OPTIONS, workers=1, resume=True)
    assert contents(tmp_path / "x") == contents(reference)


@pytest.fixture(scope="module")
def here(whole, tmp_path_factory):
    """What takes the place of the pool, each track once for all tests; and the build that comes of it.

    Not that of the workers: the sums of more threads are rounded otherwise.
    """
    features = {}

    def ordered_map(function, tasks, workers, seconds):
        for task in tasks:
            if task not in features:
                features[task] = function(task)
            yield features[task]

    out = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build.pool, "ordered_map", ordered_map)
        build_dataset(whole[0], out, OPTIONS)
    return ordered_map, out


class _Killed(BaseException):
    """Stands for a kill: nothing catches it, and what runs on leaving is undone by the test."""


# Every function that leaves something on the disk, and how often it is called before the kill.
STEPS = [
    (build, "write_rejects", 0),
    (build, "write_notes", 0),
    (build, "join_tables", 0),
    (build, "write_json", 0),
    (WorkFolder, "keep", 0),
    (WorkFolder, "keep", 5),
    (WorkFolder, "begin", 0),
    (WorkFolder, "publish", 0),
    (WorkFolder, "end", 0),
    (build.Dataset, "save", 0),
]


@pytest.mark.parametrize("owner, name, after", STEPS, ids=[f"{name} {after}" for _, name, after in STEPS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_before_and_after_each_step(whole, here, tmp_path, monkeypatch, owner, name, after, when):
    manifest, (ordered_map, reference) = whole[0], here
    real, calls = getattr(owner, name), []

    def dying(*arguments):
        calls.append(name)
        if when == "after":
            real(*arguments)
        if len(calls) > after:
            raise _Killed
        if when == "before":
            real(*arguments)

    monkeypatch.setattr(build.pool, "ordered_map", ordered_map)
    monkeypatch.setattr(owner, name, dying)
    monkeypatch.setattr(WorkFolder, "__exit__", lambda work, *_: work._lock.close())  # a kill removes nothing
    out = tmp_path / "x"
    with pytest.raises(_Killed):
        build_dataset(manifest, out, OPTIONS)
    monkeypatch.setattr(owner, name, real)
    build_dataset(manifest, out, OPTIONS, resume=True)
    monkeypatch.undo()
    # Of a build that was whole but for its last breath, the next call clears what is left.
    assert build_dataset(manifest, out, OPTIONS, resume=True).folder == out
    assert contents(out) == contents(reference)


def test_two_builds_in_one_folder_are_refused(whole, tmp_path):
    with WorkFolder(tmp_path), pytest.raises(UserError, match="another build is at work there"):
        build_dataset(whole[0], tmp_path, OPTIONS)


def test_a_shard_that_is_not_what_its_note_says_is_made_again(whole, here, tmp_path, monkeypatch):
    manifest, (ordered_map, reference) = whole[0], here

    def stopping(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(build.pool, "ordered_map", ordered_map)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, "join_tables", stopping)
        build_dataset(manifest, tmp_path, OPTIONS)
    first, second = sorted(tmp_path.glob("x-train-*"))[:2]
    os.truncate(first, 100)
    second.unlink()
    build_dataset(manifest, tmp_path, OPTIONS, resume=True)
    assert contents(tmp_path) == contents(reference)
