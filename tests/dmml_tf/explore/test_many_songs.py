"""A library of 100,000 songs opens in 3 s of processor time, with 1 GiB at most."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from tests.dmml_tf.explore.client import ask, question
from tests.synthetic import SCHEMA
from tfrecords_tools.features import LogMel

pytestmark = [pytest.mark.slow, pytest.mark.spawns]
SONGS, SECONDS, BYTES = 100_000, 3.0, 1 << 30
NAMES = ("genre", "mood", "instrument")
CONDITIONS = Conditions([*(SharedTag(name, width=64) for name in NAMES), Within("tempo", 5.0, width=64)])
_DMML = "from dmml_tf.cli import main; main()"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run with an index as a library has it, of made vectors; its weights are no network: nothing here needs one."""
    folder = tmp_path_factory.mktemp("many") / "run"
    rng = np.random.default_rng(0)
    rows = [
        {
            "id": f"Artist {i % 5000:04d}/Album {i // 10:05d}/{i:06d}.flac",
            "title": f"Title {i * 7919 % SONGS} {'río' if i % 1000 == 0 else 'song'}",
            "artist": f"Artist {i % 5000:04d}",
            "split": "",
            "album": f"Album {i // 10:05d}",
            "year": str(1960 + i % 64),
            "seconds": str(120 + i % 300),
        }
        for i in range(SONGS)
    ]
    run = Run(folder, CONDITIONS, {}, LogMel(), SCHEMA, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dmml_tf.run.weight_bytes", lambda _: 0)
        run.save(_NoNetwork())
    embeddings = rng.standard_normal((SONGS, 256), np.float32)
    Index.build(embeddings, CONDITIONS, rows, run.weights_sha256()).save(folder / "index")
    return folder


class _NoNetwork:
    def save(self, path: str) -> None:
        Path(path).touch()

    save_weights = save


@contextlib.contextmanager
def explored(folder: Path):
    """The process of the command, and its address."""
    command = [sys.executable, "-c", _DMML, "explore", "--run", str(folder), "--port", "0", "--noopen"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = next(line for line in process.stdout if line.startswith("http"))
            yield psutil.Process(process.pid), re.match(r"\S+", said)[0]
        finally:
            process.terminate()


def seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def test_the_page_shows_its_first_results_and_finds_songs_in_time(run_folder):
    with explored(run_folder) as (process, address):
        status, about = ask(address, "/api/v1/about")
        assert status == 200 and about["tracks"] == SONGS
        ask(address, f"/api/v1/songs/{about['example']}")
        status, found = question(address, "search", like=about["example"], count=12)
        opened = seconds_of(process)
        assert status == 200 and len(found["hits"]) == 12
        assert opened < SECONDS

        assert len(ask(address, "/api/v1/songs?text=RIO+artist&count=100")[1]) == 100
        assert ask(address, "/api/v1/songs?text=nobody")[1] == []
        filters = ["artist=Artist 0007", "year=1990..2010"]
        found = question(address, "search", like=0, filters=filters, not_its_artist=True)[1]
        assert found["hits"] and all(hit["artist"] == "Artist 0007" for hit in found["hits"])
        assert [column["name"] for column in ask(address, "/api/v1/filters")[1]] == [
            "artist",
            "album",
            "year",
            "seconds",
        ]
        assert seconds_of(process) - opened < SECONDS
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        assert int(peak[1]) << 10 < BYTES
