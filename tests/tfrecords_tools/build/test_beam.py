"""The build on Apache Beam's DirectRunner against the local one: the same bytes; what can go wrong, as one line."""

import hashlib
import shutil
import sys

import numpy as np
import pytest
import soundfile
from absl import flags

from tests.in_this_process import map_here
from tfrecords_tools.build import apart, build
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.build.work_folder import WORK_FOLDER, WorkFolder
from tfrecords_tools.commands import build as command
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.findings import REJECTED_FILE

pytestmark = pytest.mark.spawns

GOOD, RATE = 10, 22_050


@pytest.fixture(scope="module")
def beam():
    """The module under test, where Apache Beam is installed."""
    pytest.importorskip("apache_beam", reason="needs the extra [beam]")
    from tfrecords_tools.build import beam as module

    return module


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """10 good tracks of 10 artists; among them a file that is no sound and one that is too short."""
    folder = tmp_path_factory.mktemp("songs")
    rows = ["track_id,path,artist,title,genre,tempo"]
    for k in range(GOOD):
        samples = np.random.default_rng([k]).uniform(-0.3, 0.3, int((3 + k / 10) * RATE))
        soundfile.write(folder / f"tön-{k}.wav", samples, RATE)
        genre, tempo = ("pop|röck", "jazz", "")[k % 3], "" if k == 4 else f"{60 + k}.25"
        rows.append(f"t{k},tön-{k}.wav,artist {k},Röck {k},{genre},{tempo}")
    (folder / "text.wav").write_text("no sound")
    soundfile.write(folder / "short.wav", np.zeros(999), RATE)
    rows.insert(3, "text,text.wav,artist 0,,jazz,")
    rows.append("short,short.wav,artist 1,,jazz,")
    (folder / "songs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "songs.csv"


def _in_this_process(patch):
    """Spares the start of another process; that the bytes are the same, test_build shows."""
    patch.setattr(build.pool, "ordered_map", map_here)


def _build(manifest, out, **how):
    return build_dataset(manifest, out, Options("x", shards=2, tempo="column"), **how)


@pytest.fixture(scope="module")
def local(manifest, tmp_path_factory):
    """What the process pool makes of it."""
    with pytest.MonkeyPatch.context() as patch:
        _in_this_process(patch)
        return _build(manifest, tmp_path_factory.mktemp("local") / "data")


@pytest.fixture(scope="module")
def through_beam(beam, manifest, tmp_path_factory):
    """What the DirectRunner makes of it."""
    return _build(manifest, tmp_path_factory.mktemp("beam") / "data", engine=beam.beam_engine("--runner=DirectRunner"))


def _contents(folder) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != build.BUILD_FILE
    }


def test_beam_writes_the_same_bytes(local, through_beam):
    assert _contents(through_beam.folder) == _contents(local.folder)
    assert len(local.splits["train"]) == 2 and sum(local.tracks(split) for split in local.splits) == GOOD


def test_rejects_are_listed_and_no_work_is_left(through_beam):
    rows = (through_beam.folder / REJECTED_FILE).read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[:3] for row in rows[1:]] == [["4", "text", "path"], ["13", "short", "path"]]
    assert not (through_beam.folder / WORK_FOLDER).exists()


def test_either_runner_goes_on_with_what_is_whole(beam, manifest, local, tmp_path, monkeypatch):
    """A build that is stopped at the end of the pipeline leaves its shards; one shard is then lost."""

    def stopped(shards, plan, work, cache):
        beam.beam_engine()(shards, plan, work, cache)
        for path in work.folder.glob("x-train-00001*"):
            path.unlink()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="--resume"):
        _build(manifest, tmp_path / "data", engine=stopped)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    made = []

    def counted(shards, *rest):
        made.extend(shard.file for shard in shards)
        return beam.beam_engine()(shards, *rest)

    _build(manifest, tmp_path / "data", engine=counted, resume=True)
    assert made == ["x-train-00001-of-00002.tfrecord"]
    assert _contents(tmp_path / "data") == _contents(local.folder)
    _in_this_process(monkeypatch)
    assert _build(manifest, tmp_path / "copy", resume=True).splits == local.splits
    assert _contents(tmp_path / "copy") == _contents(local.folder)


def test_too_many_rejects_end_the_build_and_its_shards_stay(beam, manifest, tmp_path):
    with pytest.raises(UserError, match="more than --max_rejected=1 rows"):
        _build(manifest, tmp_path / "data", engine=beam.beam_engine(), max_rejected=1)
    assert (tmp_path / "data" / REJECTED_FILE).exists()
    assert len(list((tmp_path / "data" / WORK_FOLDER).glob("*.tfrecord"))) == 4
    assert not list((tmp_path / "data").glob("*.tfrecord"))


def test_a_failing_step_is_one_line(beam, manifest, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(apart, "copy_whole", full)
    with pytest.raises(UserError, match="pipeline failed .*No space left.*--resume") as caught:
        _build(manifest, tmp_path / "data", engine=beam.beam_engine())
    assert "\n" not in str(caught.value)


def test_workers_that_see_another_folder_are_found_out(beam, manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "copy_whole", lambda *_: None)
    with pytest.raises(UserError, match="4 of 4 shards are not there; all machines must see the same folder"):
        _build(manifest, tmp_path / "data", engine=beam.beam_engine())


def test_a_track_that_is_lost_on_the_way_is_no_shard(beam, local, tmp_path):
    shard = beam.PlannedShard("train", "x.tfrecord", 0, 2)
    write = beam._Write(str(tmp_path), [shard], local.schema)
    with pytest.raises(RuntimeError, match="x.tfrecord: 1 tracks of 2"):
        write.process(("x.tfrecord", {"records": [(1, b"", "[]", 3.0, False)], "rejects": []}))
    assert not WorkFolder(tmp_path).folder.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--no_such_option=3", "'--no_such_option=3' is not an option of Apache Beam"),
        ("--runner=DirectRunner word", "'word' is not an option"),
        ("--direct_num_workers=two", "argument --direct_num_workers: invalid int"),
        ("--runner=Nonesuch", "Unexpected pipeline runner: Nonesuch"),
        ("--runner=apache_beam.runners.dask.dask_runner.DaskRunner", "give --runner=dask in its place"),
        ("--job_name='x", "No closing quotation"),
    ],
)
def test_wrong_arguments_are_one_line(beam, arguments, message):
    with pytest.raises(UserError, match=message):
        beam.beam_engine(arguments)


def test_a_job_server_is_left_its_own_options(beam):
    assert beam.beam_engine("--runner=PortableRunner --job_endpoint=localhost:1 --parallelism=4")


def _flags(*arguments: str) -> flags.FlagValues:
    values = flags.FlagValues()
    command.define_flags(values)
    values(["build", "--manifest=x.csv", "--out=x", *arguments])
    return values


def test_arguments_of_beam_need_its_runner():
    with pytest.raises(UserError, match="--beam_args is for --runner=beam"):
        command.run(_flags("--beam_args=--runner=DirectRunner"))


def test_the_command_says_how_to_install_beam(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "tfrecords_tools.build.beam", raising=False)
    with pytest.raises(UserError, match=r"pip install 'dmml\[beam\]'"):
        command.run(_flags("--runner=beam"))
