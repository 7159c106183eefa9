"""A build from an S3 server and into one: the bytes of the local build, whatever the server refuses or cuts off."""

import csv
import functools
import gc
import hashlib
import io
import os
from pathlib import Path
from unittest import mock

import pytest

from tests.in_this_process import map_here
from tests.object_store import BUCKET, SECRET, Fault, objects, send_to
from tests.tfrecords_tools.build.segmented_songs import make_segmented_songs
from tests.tfrecords_tools.build.test_killed import make_songs
from tfrecords_tools import cli
from tfrecords_tools.audio import tempo_cache
from tfrecords_tools.audio.extract import extract
from tfrecords_tools.build import build
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.check.verify import verify
from tfrecords_tools.dataset import SPLITS, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.address import absolute
from tfrecords_tools.stores.store import StoreError
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject

pytestmark = pytest.mark.spawns
OPTIONS = Options("x", shards=2)
TABLE, OUT = f"{BUCKET}/in/songs.csv", f"{BUCKET}/sets/x"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return make_songs(tmp_path_factory.mktemp("songs"), 8)


@pytest.fixture(scope="module")
def local(manifest, tmp_path_factory):
    """File name -> content of what is built without a store."""
    out = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build.pool, "ordered_map", map_here)
        build_dataset(manifest, out, OPTIONS)
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture
def music(store, manifest, in_this_process, tmp_path, monkeypatch):
    """The table and its songs in the bucket, below `in/`; gives the proxy. Temporary files lie below `scratch`."""
    for path in manifest.parent.iterdir():
        send_to(store)("PUT", f"/music/in/{path.name}", path.read_bytes())
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", os.fspath(tmp_path / "scratch"))
    return store


def in_store(proxy, folder: str = "sets/x/") -> dict[str, bytes]:
    return {key.removeprefix(folder): content for key, content in objects(proxy).items() if key.startswith(folder)}


def require_same(found: dict[str, bytes], local: dict[str, bytes], songs: str, there: str = f"{BUCKET}/in") -> None:
    """Equal in all but the paths of the audio, and the time that it took."""
    assert found.keys() == local.keys()
    for name in found.keys() - {build.BUILD_FILE}:
        content = local[name]
        if name.endswith(".csv"):
            content = content.replace(songs.encode(), there.encode())
        assert found[name] == content, name


def test_the_same_build_from_a_store_and_into_one_gives_the_same_bytes(music, manifest, local, tmp_path, capfd):
    dataset = build_dataset(TABLE, OUT, OPTIONS)
    require_same(in_store(music), local, os.fspath(manifest.parent))
    gc.collect()  # the copy of the table goes with the object that reads it
    assert list((tmp_path / "scratch").iterdir()) == []
    assert (dataset.address, dataset.place) == (OUT, OUT) and dataset.schema.vocabularies["genre"] == ("g0", "g1", "g2")

    asked = len(music.requests)
    for split in SPLITS:
        for path in dataset.files(split) * 2:
            assert Path(path).read_bytes() == local[Path(path).name]
    again = Dataset.load(f"{OUT}/")
    assert again.files("train") == dataset.files("train") and verify(again).records == 8
    fetched = [path for method, path in music.requests[asked:] if method == "GET" and ".tfrecord" in path]
    assert len(fetched) == len(set(fetched)) == sum(map(len, dataset.splits.values()))

    written = [path for method, path in music.requests if method == "PUT" and path.endswith("dataset.json")]
    assert build_dataset(TABLE, OUT, OPTIONS) == again and len(written) == 1
    assert "already built from this input" in capfd.readouterr().err


def test_segments_from_a_store_and_into_one(music, manifest, tmp_path):
    table = make_segmented_songs(tmp_path / "songs", 8)[1]
    send_to(music)("PUT", "/music/in/segments.csv", table.read_bytes())
    build_dataset(manifest, tmp_path / "here", OPTIONS, segments=table)
    music.faults.append(Fault("PUT", ".tfrecord", "busy", times=999, first=8))  # four files a shard
    with pytest.raises(UserError, match="the store failed"):
        build_dataset(TABLE, OUT, OPTIONS, segments=f"{BUCKET}/in/segments.csv")
    music.faults.clear()
    dataset = build_dataset(TABLE, OUT, OPTIONS, segments=f"{BUCKET}/in/segments.csv", resume=True)
    here = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    require_same(in_store(music), here, os.fspath(manifest.parent))
    assert (dataset.folder / "track_segments.csv").read_bytes() == here["track_segments.csv"]


def test_by_the_command_and_in_processes_one_object_that_is_denied_is_rejected(
    store, manifest, local, tmp_path, monkeypatch, capfd
):
    for path in manifest.parent.iterdir():
        send_to(store)("PUT", f"/music/in/{path.name}", path.read_bytes())
    store.faults.append(Fault("GET", "/in/5.wav", "denied", times=99))
    arguments = [f"--manifest={TABLE}", f"--audio_root={BUCKET}/in/", "--out", OUT, "--name=x", "--workers=2"]
    assert cli.main(["build", *arguments]) == 0
    said = capfd.readouterr()
    assert said.out.startswith(f"{OUT}: tracks: ") and "rejected: 2 (see rejected.csv)" in said.out
    assert SECRET not in said.out + said.err
    rejected = list(csv.DictReader(io.StringIO(in_store(store)["rejected.csv"].decode())))
    assert [(row["track_id"], row["field"]) for row in rejected] == [("t5", "path"), ("bad", "path")]
    assert "no permission (" in rejected[0]["reason"] and f"{BUCKET}/in/5.wav" in rejected[0]["reason"]


@pytest.mark.parametrize("read, write", [("busy", "busy"), ("cut", "cut_upload")])
def test_what_is_refused_or_cut_on_the_way_is_lost_nowhere(music, manifest, local, read, write):
    music.faults += [Fault("GET", f"/in/{number}.wav", read, times=2) for number in (2, 7)]
    music.faults += [Fault("GET", "/in/songs.csv", read), Fault("GET", "list-type", "busy", times=2, first=1)]
    music.faults += [Fault("PUT", ".tfrecord", write, times=2, first=first) for first in (0, 4)]
    music.faults += [Fault("PUT", "dataset.json", write), Fault("DELETE", "", "busy"), Fault("POST", "", "busy")]
    dataset = build_dataset(TABLE, OUT, OPTIONS)
    require_same(in_store(music), local, os.fspath(manifest.parent))
    assert sum(fault.seen for fault in music.faults) > 20
    music.faults[:] = [Fault("GET", "-of-", read, times=2, first=1)]
    assert verify(dataset).records == 8


def test_an_object_that_never_comes_is_one_reject(music, local):
    music.faults.append(Fault("GET", "/in/5.wav", "cut", times=99))
    build_dataset(TABLE, OUT, OPTIONS)
    rejected = in_store(music)["rejected.csv"].decode()
    assert "t5,path," in rejected and "the store failed" in rejected and rejected.count("\n") == 3


def test_a_store_that_falls_silent_ends_the_run_and_is_gone_on_with_elsewhere(
    music, manifest, local, tmp_path, monkeypatch
):
    music.faults.append(Fault("PUT", ".tfrecord", "busy", times=999, first=6))  # three files a shard
    with pytest.raises(UserError, match=rf"^{OUT}/x-.*: the store failed"):
        build_dataset(TABLE, OUT, OPTIONS)
    music.faults.clear()
    half = in_store(music)
    assert sum(name.endswith(".tfrecord") for name in half) == 2 and "dataset.json" not in half
    with pytest.raises(UserError, match=rf"^{OUT}/dataset.json: not found; build one"):
        Dataset.load(OUT)
    with pytest.raises(UserError, match=rf"^{OUT}: holds an unfinished build of this input; give --resume"):
        build_dataset(TABLE, OUT, OPTIONS)
    with pytest.raises(UserError, match=rf"^{OUT}: holds an unfinished build of other input or options"):
        build_dataset(TABLE, OUT, Options("x", seed=1), resume=True)

    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "another machine"))
    # Its songs are heard no more than those of any other are when the store does not answer for their folder either.
    music.faults += [Fault("GET", ".wav", "busy", 999, first=9), Fault("HEAD", "/music/in", "busy", 999)]
    with pytest.raises(UserError, match=r"\.wav: the store failed .*; its store does not answer for its folder"):
        build_dataset(TABLE, OUT, OPTIONS, resume=True)
    music.faults.clear()
    music.requests.clear()
    build_dataset(TABLE, OUT, OPTIONS, resume=True)
    require_same(in_store(music), local, os.fspath(manifest.parent))
    written = {path.partition("/sets/x/")[2] for method, path in music.requests if method == "PUT"}
    assert not written & {name for name in half if name.endswith(".tfrecord")}


def test_another_dataset_is_replaced_when_asked_for(music):
    build_dataset(TABLE, OUT, OPTIONS)
    with pytest.raises(UserError, match=rf"^{OUT}: holds a dataset made from other input or options"):
        build_dataset(TABLE, OUT, Options("y", shards=2))
    send_to(music)("PUT", "/music/sets/x/my.notes", b"kept")
    build_dataset(TABLE, OUT, Options("y", shards=2), overwrite=True)
    names = set(in_store(music))
    assert "my.notes" in names and not any(name.startswith(("x-", ".build")) for name in names)


def test_a_changed_object_is_other_input(music, manifest):
    build_dataset(TABLE, OUT, OPTIONS)
    send_to(music)("PUT", "/music/in/3.wav", (manifest.parent / "4.wav").read_bytes())
    with pytest.raises(UserError, match="holds a dataset made from other input"):
        build_dataset(TABLE, OUT, OPTIONS)


def test_of_two_builds_at_one_address_the_first_says_so(music, monkeypatch):
    def meanwhile(*_):
        send_to(music)("PUT", "/music/sets/x/.build/key", b"another")
        return []

    monkeypatch.setattr("tfrecords_tools.build.build.SameSounds.notes", meanwhile)
    with pytest.raises(UserError, match=rf"^{OUT}: another build has begun or ended there meanwhile"):
        build_dataset(TABLE, OUT, OPTIONS)
    assert "dataset.json" not in in_store(music)


def test_engines_put_their_shards_there_themselves(music, manifest, local, tmp_path):
    pytest.importorskip("distributed")
    from tfrecords_tools.build.dask import _job, make_shard

    worker = mock.Mock(threads=1, folder=os.fspath(tmp_path))  # of a cluster, which would take seconds to start
    worker.crew.return_value.map = functools.partial(map_here, extract)

    def engine(shards, plan, work, cache):
        for shard in shards:
            make_shard(_job(shard, plan, absolute(work.place), cache), worker)
        work.look_again()
        return [work.finished(shard) for shard in shards]

    build_dataset(TABLE, OUT, OPTIONS, engine=engine)
    require_same(in_store(music), local, os.fspath(manifest.parent))


def test_beam_reads_its_rows_there(music, manifest, local):
    pytest.importorskip("apache_beam")
    from tfrecords_tools.build.beam import beam_engine

    build_dataset(TABLE, OUT, OPTIONS, engine=beam_engine())
    require_same(in_store(music), local, os.fspath(manifest.parent))


def test_rows_of_a_table_may_name_objects_of_their_own(music, manifest, tmp_path):
    table = tmp_path / "songs.csv"
    cells = [
        f"{BUCKET}/in/1.wav",
        os.fspath(manifest.parent / "2.wav"),
        f"{BUCKET}/in/none.wav",
        "s3://me:word@b/x.wav",
    ]
    table.write_text("track_id,path,artist\n" + "\n".join(f"t{k},{cell}," for k, cell in enumerate(cells)))
    rows = list(read_manifest(table))
    assert [getattr(row, "path", None) for row in rows] == [cells[0], cells[1], None, None]
    assert "'s3://music/in/none.wav': file not found" in rows[2].reason
    assert "holds a password" in rows[3].reason and "word" not in rows[3].reason.replace("password", "")

    table.write_text("track_id,path,artist\na,1.wav,\nb,../out.wav,\nc,s3://other/1.wav,\nd,./x/../2.wav,\n")
    rows = list(read_manifest(table, f"{BUCKET}/in/"))
    assert (rows[0].path, rows[3].path) == (f"{BUCKET}/in/1.wav", f"{BUCKET}/in/2.wav")
    assert all(isinstance(row, Reject) and f"leaves the audio root {BUCKET}/in;" in row.reason for row in rows[1:3])


def test_tempi_are_kept_at_an_address_one_object_each(music, manifest, monkeypatch):
    estimates = []
    monkeypatch.setattr(tempo_cache, "estimate_tempo_of_file", lambda path, *_: estimates.append(path) or 120.5)
    monkeypatch.setattr(tempo_cache, "estimator_version", lambda by: by)
    song, folder = manifest.parent / "1.wav", f"{BUCKET}/tempi"
    tempo_cache.require_cache(folder)
    assert [tempo_cache.cached_tempo(song, 60.0, folder) for _ in range(3)] == [120.5] * 3 and len(estimates) == 1
    tempo_cache.cached_tempo(song, 30.0, folder)
    assert len(estimates) == 2 and len(in_store(music, "tempi/")) == 3
    music.faults += [Fault("GET", "tempi", "busy", 99), Fault("PUT", "tempi", "denied", 99)]
    assert tempo_cache.cached_tempo(song, 60.0, folder) == 120.5 and len(estimates) == 3
    with pytest.raises(StoreError, match="no permission"):
        tempo_cache.require_cache(folder)


BAD = {
    f"--manifest=s3://nobucket/songs.csv --out={OUT}": "s3://nobucket/songs.csv: there is no such bucket",
    f"--manifest={BUCKET}/in/none.csv --out={OUT}": f"{BUCKET}/in/none.csv: there is no such object",
    f"--manifest={TABLE} --out=s3://nobucket/x": "s3://nobucket/x: there is no such bucket; make it",
    f"--manifest={TABLE} --out={OUT} --audio_root=s3://nobucket/in": "s3://nobucket/in: there is no such bucket",
    f"--manifest={TABLE} --out=s3://me:word@music/x": "an address that begins with s3:// holds a password",
    f"--manifest=s3://me:word@music/x.csv --out={OUT}": "an address that begins with s3:// holds a password",
    f"--manifest={TABLE} --out={OUT} --tempo_cache=s3://me:word@music/x": "an address that begins with s3:// holds",
    f"--manifest={TABLE} --out=nothing://x/y": "'nothing' is no scheme that fsspec knows",
    f"--manifest={BUCKET}/in/0.wav --out={OUT}": f"{BUCKET}/in/0.wav: cannot be read as a table",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_one_line(music, arguments, capfd):
    assert cli.main(["build", *arguments.split()]) == 2
    error = capfd.readouterr().err
    assert error.startswith("dmml-records build: error: ") and BAD[arguments] in error and error.count("\n") == 1
    assert "me:word" not in error and SECRET not in error and in_store(music) == {}


def test_a_damaged_shard_in_the_store_is_told_by_its_checksum(music):
    dataset = build_dataset(TABLE, OUT, OPTIONS)
    shard = dataset.splits["train"][0]
    content = bytearray(in_store(music)[shard.file])
    content[100] ^= 1
    send_to(music)("PUT", f"/music/sets/x/{shard.file}", bytes(content))
    with pytest.raises(UserError, match=rf"{shard.file}: .*its bytes are not those that its dataset.json lists"):
        dataset.files("train")
    assert hashlib.sha256(bytes(content)).hexdigest() != shard.sha256 and not (dataset.folder / shard.file).exists()


def test_dry_run_looks_there_and_writes_nothing(music, capfd):
    assert cli.main(["build", f"--manifest={TABLE}", f"--out={OUT}", "--dry_run"]) == 0
    assert "would be built: 9 tracks" in capfd.readouterr().out and in_store(music) == {}
