"""`dmml embed` into a folder of parts, here and on a cluster: the same vectors, whatever dies; and their index."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dmml_tf.embed import tracks as module
from dmml_tf.embed.parquet import read_embeddings
from tests.dask_cluster import DaskCluster
from tests.dmml_tf.commands.test_embed import dmml, place  # noqa: F401

pytestmark = [pytest.mark.spawns, pytest.mark.usefixtures("eagerly", "in_this_process")]
SONGS = 12


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A scheduler and two workers."""
    with DaskCluster(tmp_path_factory.mktemp("cluster"), 2) as started:
        yield started


@pytest.fixture(scope="module")
def table(place):
    """A manifest of 12 songs, a file that is none, a twin and a missing file."""
    rows = [f"a{number},{number % 3}.wav,A,Song {number}," for number in range(SONGS)]
    odd = ["text,text.wav,,,", "a3,0.wav,,,", "gone,none.wav,,,"]
    path = place / "many.csv"
    path.write_text("\n".join(["track_id,path,artist,title,genre", *rows[:5], *odd, *rows[5:]]) + "\n")
    return path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART", 2)


@pytest.fixture
def local(place, table, tmp_path, capsys):
    """What one machine makes of the table, as one file."""
    out = tmp_path / "local.parquet"
    assert dmml(capsys, place, "embed", "--manifest", table, "--out", out)[0] == 0
    return out


def _require_equal(out, local):
    """The same tracks and rejects, and vectors that differ by rounding at most."""
    made, expected = read_embeddings(out), read_embeddings(local)
    assert made[1:] == expected[1:]
    np.testing.assert_allclose(made[0], expected[0], atol=1e-5)
    rejected = [Path(f"{path}.rejected.csv").read_text() for path in (out, local)]
    assert rejected[0] == rejected[1] and rejected[0].count("\n") == 4


def test_the_cluster_makes_the_vectors_of_one_machine_and_the_index_joins_its_parts(
    workers, place, table, local, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(place)
    out = tmp_path / "vectors"
    arguments = ["embed", "--manifest", table.name, "--out", os.path.relpath(out), "--runner=dask"]
    arguments.append(f"--scheduler={workers.address}")
    status, said, error = dmml(capsys, place, *arguments)
    assert status == 0 and "12 tracks of 10 numbers" in said and "embed: 15/15" in error
    files = sorted(path.name for path in out.glob("*.parquet"))
    assert files == [f"{number:06d}.parquet" for number in range(8)] and not list(out.glob(".tmp*"))
    _require_equal(out, local)
    for path in (out, local):
        assert dmml(capsys, place, "index", "--embeddings", path)[0] == 0
        shutil.copytree(place / "run" / "index", tmp_path / f"index of {path.name}")
    one, other = (tmp_path / f"index of {path.name}" for path in (out, local))
    np.testing.assert_allclose(np.load(one / "vectors.npy"), np.load(other / "vectors.npy"), atol=1e-5)
    assert (one / "tracks.csv").read_bytes() == (other / "tracks.csv").read_bytes()
    # Nothing is left to do another time.
    status, _, error = dmml(capsys, place, *arguments)
    assert status == 0 and "embed: 0/0" in error


def test_a_killed_worker_costs_its_part_alone(workers, place, table, local, tmp_path, capsys):
    out, kept, pid = tmp_path / "vectors", {}, workers.pids()[0]

    def written():
        return {path.name: path.stat().st_mtime_ns for path in out.glob("0*.json")}

    def kill():
        while len(written()) < 2:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        kept.update(written())

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    status, said, _ = dmml(
        capsys,
        place,
        *("embed", "--manifest", table, "--out", out, "--runner=dask", f"--scheduler={workers.address}"),
    )
    thread.join()
    assert status == 0 and "3 rows could not be used" in said
    # One may have been whole, and the worker killed before it had said so.
    assert len(kept) >= 2 and len(kept.items() - written().items()) <= 1
    _require_equal(out, local)


def test_a_worker_that_does_not_see_the_run_is_named(workers, place, table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    status, _, error = dmml(
        capsys,
        Path("/proc/self/cwd"),
        *("embed", "--manifest", table, "--out", tmp_path / "vectors", "--runner=dask"),
        f"--scheduler={workers.address}",
    )
    assert status == 2 and "does not see /proc/self/cwd/run/model.json" in error.splitlines()[-1]


def test_a_folder_that_is_not_whole_is_no_index(place, table, local, tmp_path, capsys, monkeypatch):
    out = tmp_path / "vectors"

    def refused(reason):
        status, _, error = dmml(capsys, place, "index", "--embeddings", out)
        assert status == 2 and reason in error and error.count("\n") == 1

    with monkeypatch.context() as patch:
        patch.setattr(module.Parts, "finish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            dmml(capsys, place, "embed", "--manifest", table, "--out", out)
    refused("is no folder of embeddings, or not whole")
    assert dmml(capsys, place, "embed", "--manifest", table, "--out", out)[0] == 0
    assert dmml(capsys, place, "index", "--embeddings", out)[0] == 0
    part = out / "000001.parquet"
    kept = pq.read_table(part)
    part.unlink()
    refused("1 of 8 parts are not there: 000001.parquet")
    pq.write_table(kept.replace_schema_metadata({"dmml_model": "other"}), part)
    refused("000001.parquet: has other columns, or is by another model, than 000000.parquet")
    status, _, error = dmml(capsys, place, "embed", "--manifest", place / "songs.csv", "--out", out)
    assert status == 2 and "holds other files, or embeddings of other input" in error
    assert part.exists()
