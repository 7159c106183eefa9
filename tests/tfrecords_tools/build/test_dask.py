"""The build on a cluster against the local one: the same bytes, whatever dies; what can go wrong, as one line."""

import os
import signal
import sys
import threading
import time

import pytest
from absl import flags

from tests.dask_cluster import DaskCluster
from tests.in_this_process import map_here
from tests.tfrecords_tools.build.segmented_songs import make_segmented_songs
from tests.tfrecords_tools.build.test_killed import contents, make_songs
from tfrecords_tools import cli
from tfrecords_tools.build import build, cluster
from tfrecords_tools.build.build import BUILD_FILE, build_dataset
from tfrecords_tools.build.dask import dask_engine
from tfrecords_tools.build.plan import Options
from tfrecords_tools.build.work_folder import WORK_FOLDER
from tfrecords_tools.commands import build as command
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.spawns

OPTIONS = Options("x", shards=4)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A scheduler and three workers."""
    with DaskCluster(tmp_path_factory.mktemp("cluster"), 3) as started:
        yield started


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return make_songs(tmp_path_factory.mktemp("songs"), 24)


@pytest.fixture(scope="module")
def local(manifest, tmp_path_factory):
    """What one machine makes of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build.pool, "ordered_map", map_here)
        out = tmp_path_factory.mktemp("local")
        build_dataset(manifest, out, OPTIONS)
    return contents(out)


def _shards(out):
    """Note of each finished shard -> when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in (out / WORK_FOLDER).glob("x-*.json")}


def _when_shards(out, count, do):
    """In a thread: does something once so many shards are there."""

    def watch():
        while len(_shards(out)) < count:
            time.sleep(0.01)
        do()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_the_cluster_writes_the_same_bytes_with_paths_of_this_working_folder(
    workers, manifest, local, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(manifest.parent)
    out = os.path.relpath(tmp_path / "data")
    build_dataset(manifest, out, OPTIONS, engine=dask_engine(workers.address))
    assert contents(tmp_path / "data") == local
    assert "tracks: 25/25" in capfd.readouterr().err
    with workers.client() as client:
        left = [name for names in client.run(_scratch).values() for name in names]
        assert "1" in client.run(os.getenv, "OMP_NUM_THREADS").values()
    assert not [name for name in left if name.startswith("dmml-")]


def test_segments_go_to_the_workers_and_come_back_the_same(workers, tmp_path, in_this_process):
    manifest, segments = make_segmented_songs(tmp_path, 8)
    build_dataset(manifest, tmp_path / "here", OPTIONS, segments=segments)
    build_dataset(manifest, tmp_path / "there", OPTIONS, segments=segments, engine=dask_engine(workers.address))
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert "track_segments.csv" in contents(tmp_path / "there")


def _scratch(dask_worker):
    return os.listdir(dask_worker.local_directory)


def test_a_killed_worker_costs_its_task_alone(workers, manifest, local, tmp_path):
    out, kept, pid = tmp_path / "data", {}, workers.pids()[0]

    def kill():
        os.kill(pid, signal.SIGKILL)
        kept.update(_shards(out))

    killed = _when_shards(out, 2, kill)
    started = []

    def engine(shards, plan, work, cache):
        finished = dask_engine(workers.address)(shards, plan, work, cache)
        started.append(_shards(out))
        return finished

    build_dataset(manifest, out, OPTIONS, engine=engine)
    killed.join()
    assert contents(out) == local
    # One may have been whole, and the worker killed before it had said so.
    assert len(kept) >= 2 and len(kept.items() - started[0].items()) <= 1


def test_a_dead_scheduler_is_one_line_and_resume_goes_on(workers, manifest, local, tmp_path, capfd):
    out = tmp_path / "data"
    arguments = [f"--manifest={manifest}", f"--out={out}", "--name=x", "--shards=4", "--runner=dask"]
    with DaskCluster(tmp_path, 1) as other:
        killed = _when_shards(out, 1, other.scheduler.kill)
        sys.argv = ["dmml-records", "build", *arguments, f"--scheduler={other.address}"]
        assert cli.main() == 2
        killed.join()
        said = capfd.readouterr().err.splitlines()
        assert said[-1].endswith("--resume where it has one: what is whole is kept") and "scheduler is gone" in said[-1]
        assert not any("Traceback" in line for line in said)
    sys.argv = ["dmml-records", "build", *arguments, f"--scheduler={workers.address}", "--resume"]
    assert cli.main() == 0
    assert contents(out) == local and '"resumed_shards": 0' not in (out / BUILD_FILE).read_text()


def test_ctrl_c_cancels_what_runs(workers, manifest, tmp_path):
    out = tmp_path / "data"
    _when_shards(out, 1, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        build_dataset(manifest, out, OPTIONS, engine=dask_engine(workers.address))
    with workers.client() as client:
        until = time.monotonic() + 20
        while any(client.run(_running).values()) and time.monotonic() < until:
            time.sleep(0.1)
        assert not any(client.run(_running).values())
    there = _shards(out)
    assert 1 <= len(there) < 6


def _running(dask_worker):
    return len(dask_worker.state.executing) + len(dask_worker.state.ready)


def test_the_cluster_goes_on_with_an_interrupted_local_build(workers, manifest, local, tmp_path, monkeypatch):
    monkeypatch.setattr(build.pool, "ordered_map", map_here)
    with pytest.raises(UserError, match="--max_rejected=0"):
        build_dataset(manifest, tmp_path / "data", OPTIONS, max_rejected=0)
    build_dataset(manifest, tmp_path / "data", OPTIONS, engine=dask_engine(workers.address), resume=True)
    assert contents(tmp_path / "data") == local


@pytest.mark.parametrize("blind_to", ["audio", "out"])
def test_a_worker_that_does_not_see_a_path_is_named(workers, manifest, tmp_path, monkeypatch, blind_to):
    # This name is another folder in each process.
    here = "/proc/self/cwd"
    monkeypatch.chdir(manifest.parent if blind_to == "audio" else tmp_path)
    root, out = (here, tmp_path / "data") if blind_to == "audio" else (manifest.parent, f"{here}/data")
    with pytest.raises(UserError, match=f"the worker tcp://.* does not see {here}/.*; all machines must see") as caught:
        build_dataset(manifest, out, OPTIONS, audio_root=root, engine=dask_engine(workers.address))
    assert "\n" not in str(caught.value)


def test_a_full_disk_of_a_worker_is_one_line(workers, manifest, tmp_path):
    def engine(shards, plan, work, cache):
        (work.folder / shards[0].file).mkdir()
        return dask_engine(workers.address)(shards, plan, work, cache)

    with pytest.raises(UserError, match="the worker tcp://.* failed .*Is a directory"):
        build_dataset(manifest, tmp_path / "data", OPTIONS, engine=engine)


def test_another_version_is_refused_and_both_are_named(workers, monkeypatch):
    theirs = cluster._version("soxr")
    monkeypatch.setattr(cluster, "_version", lambda package: "9.9")
    with pytest.raises(UserError, match="the worker tcp://.* has another version of dmml: .*; here it is 9.9"):
        dask_engine(workers.address)
    monkeypatch.setattr(cluster, "_version", lambda package: None)
    with connected(workers) as there, pytest.raises(UserError, match=f"of soxr: {theirs}; here it is missing"):
        there.require_versions(["soxr"])


def connected(workers):
    return cluster.connected(workers.address)


def test_a_cluster_without_workers_is_refused(tmp_path):
    with DaskCluster(tmp_path, 0) as empty, pytest.raises(UserError, match="has no workers; start them with: dask wor"):
        dask_engine(empty.address)


def test_a_cluster_that_lost_its_workers_is_not_waited_for_longer_than_a_minute(
    workers, manifest, tmp_path, monkeypatch
):
    engine = dask_engine(workers.address)
    monkeypatch.setattr(cluster.Cluster, "_threads", lambda self: 0)
    monkeypatch.setattr(cluster, "_WORKER_SECONDS", 0.0)
    with pytest.raises(UserError, match="has lost all its workers; start them again, and run .* --resume"):
        build_dataset(manifest, tmp_path / "data", OPTIONS, engine=engine)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "tcp://no.such.host.invalid:8786"])
def test_a_cluster_that_is_not_there_is_one_line(monkeypatch, address):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(UserError, match=f"--scheduler={address}: no scheduler of Dask answers there"):
        dask_engine(address)


def _flags(*arguments: str) -> flags.FlagValues:
    values = flags.FlagValues()
    command.define_flags(values)
    values(["build", "--manifest=x.csv", "--out=x", *arguments])
    return values


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scheduler=tcp://x:1"], "--scheduler is for --runner=dask"),
        (["--runner=beam", "--scheduler=tcp://x:1"], "--scheduler is for --runner=dask"),
        (["--runner=dask"], "--runner=dask needs --scheduler, such as"),
        (["--runner=dask", "--beam_args=--x"], "--beam_args is for --runner=beam"),
    ],
)
def test_flags_that_do_not_go_together(arguments, message):
    with pytest.raises(UserError, match=message):
        command.run(_flags(*arguments))


def test_the_command_says_how_to_install_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"--runner=dask needs distributed; install with: pip install 'dmml\[dask\]'"):
        command.run(_flags("--runner=dask", "--scheduler=tcp://x:1"))
