"""Each step runs over made tracks, is measured in a process of its own, and slopes are what was put in."""

import contextlib
import csv

import pytest

from dmml_tf.benchmarks import growth
from dmml_tf.benchmarks.growth import STEPS, Grown, bench_growth, make_tracks, plot_growth, slopes, table
from dmml_tf.pretrained.unpack import run_folder
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from tfrecords_tools.dataset import Dataset


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of the package's own model."""
    with contextlib.chdir(tmp_path_factory.mktemp("run")):
        return run_folder("pretrained").resolve()


@pytest.mark.slow
def test_made_tracks_go_through_each_step(run, tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "_FOLDER_FILES", 100)
    monkeypatch.setattr(growth, "SEARCHES", 3)
    make_tracks(tmp_path, 240)
    with open(tmp_path / "tracks.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["path"] for row in rows}) == 240 and len({row["artist"] for row in rows}) == 24
    assert {row["path"].split("/")[-2] for row in rows} == {"0", "1", "2"}
    for step in STEPS.values():
        step(tmp_path, Run.load(run))
    data = Dataset.load(tmp_path / "data", Run.load(run).features)
    assert sum(data.tracks(split) for split in ("train", "valid", "test")) == 240
    assert len(Index.load(tmp_path / "index").tracks) == 240


@pytest.mark.spawns
def test_a_step_is_measured_in_a_process_of_its_own(run, monkeypatch):
    monkeypatch.setattr(growth, "STEPS", {"build": STEPS["build"]})
    (row,) = bench_growth(run, [240])
    assert (row.step, row.tracks) == ("build", 240) and 0 < row.seconds < 60 and 50 < row.mebibytes < 5000
    monkeypatch.setattr(growth, "STEPS", {"search": STEPS["search"]})
    with pytest.raises(RuntimeError, match="search of 2 tracks failed"):  # there is no index yet
        list(bench_growth(run, [2]))


def test_slopes_are_the_powers_that_were_put_in(tmp_path):
    grown = [Grown("build", n, 2e-3 * n**1.02, 300.0) for n in (1000, 10_000, 100_000)]
    grown += [Grown("search", n, 0.5, n**0.5) for n in (1000, 10_000, 100_000)]
    assert slopes(grown, "build") == (pytest.approx(1.02), pytest.approx(0, abs=1e-9))
    assert slopes(grown, "search") == (pytest.approx(0, abs=1e-9), pytest.approx(0.5))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(grown).splitlines()]
    assert lines[0] == ["", "1,000", "10,000", "100,000", "slope, time", "slope, memory"]
    assert lines[2] == ["build", "2.30 s, 300 MiB", "24.05 s, 300 MiB", "251.79 s, 300 MiB", "1.02", "0.00"]
    with pytest.raises(ValueError, match="two numbers"):
        slopes(grown[:1], "build")
    plot_growth(grown, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 10_000
