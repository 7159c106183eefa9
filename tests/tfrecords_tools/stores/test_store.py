"""What is done with a store, against a real S3 server: whole or not there, tried again, refused in one line."""

import errno
import os
import sys
import time

import pytest

from tests.object_store import BUCKET, SECRET, Fault, forget_clients, objects, send_to
from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.local_copy import local_copy
from tfrecords_tools.stores.store import (
    Denied,
    NotThere,
    Unreachable,
    answers,
    fetch,
    list_folder,
    put,
    read_bytes,
    read_many,
    remove,
    require_bucket,
    write_bytes,
)

pytestmark = pytest.mark.spawns
SONG = f"{BUCKET}/audio/song.wav"


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(os.urandom(200_000))
    return path


@pytest.mark.parametrize("fault", ["busy", "cut"])
def test_a_read_that_is_refused_or_cut_in_its_middle_is_done_again(store, song, tmp_path, fault):
    put(song, SONG)
    store.faults.append(Fault("GET", "song.wav", fault, times=2))
    fetch(SONG, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == song.read_bytes() and store.faults[0].seen == 3


@pytest.mark.parametrize("fault", ["busy", "cut_upload"])
def test_an_upload_that_is_refused_or_cut_in_its_middle_is_done_again(store, song, fault):
    store.faults.append(Fault("PUT", "song.wav", fault, times=2))
    put(song, SONG)
    assert objects(store)["audio/song.wav"] == song.read_bytes() and store.faults[0].seen == 3


def test_an_upload_in_parts_is_seen_when_all_are_there(store, tmp_path, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(os.urandom(11 << 20))
    monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda size, chunksize=None: 5 << 20)
    store.faults.append(Fault("PUT", "partNumber=2", "cut_upload", times=99))
    with pytest.raises(Unreachable, match=rf"^{BUCKET}/large: the store failed \(.*\); try again$"):
        put(path, f"{BUCKET}/large")
    assert objects(store) == {}
    store.faults[0].times, store.faults[0].seen = 1, 0
    put(path, f"{BUCKET}/large")
    assert objects(store)["large"] == path.read_bytes()
    parts = [query for method, query in store.requests if method == "PUT" and "partNumber=" in query]
    assert len(parts) > 3
    # What was begun and not ended costs its owner money.
    assert b"<Upload>" not in send_to(store)("GET", "/music?uploads")


def test_what_cannot_be_read_leaves_nothing(store, song, tmp_path):
    put(song, SONG)
    store.faults.append(Fault("GET", "song.wav", "cut", times=99))
    with pytest.raises(Unreachable, match="try again"):
        fetch(SONG, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.wav"] and answers(SONG)
    with pytest.raises(Unreachable, match="its bytes are not those that its dataset.json lists"):
        store.faults.clear()
        fetch(SONG, tmp_path / "copy", sha256="00")


def test_small_objects_and_folders(store):
    for name in ("a/1", "a/2", "a/b/3"):
        write_bytes(f"{BUCKET}/{name}", name.encode())
    assert read_bytes(f"{BUCKET}/a/b/3") == b"a/b/3"
    assert read_many(f"{BUCKET}/a", ["2", "1"]) == {"2": b"a/2", "1": b"a/1"} and read_many(f"{BUCKET}/a", []) == {}
    before = list_folder(f"{BUCKET}/a")
    assert {name: entry.size for name, entry in before.items()} == {"1": 3, "2": 3} and list_folder(f"{BUCKET}/c") == {}
    write_bytes(f"{BUCKET}/a/1", b"new")
    after = list_folder(f"{BUCKET}/a")
    assert after["1"].tag != before["1"].tag and after["2"] == before["2"]
    remove(f"{BUCKET}/a", ["1", "2", "none"])
    assert set(objects(store)) == {"a/b/3"}


def test_names_of_files_are_taken_to_the_letter(store, song):
    name = "a::b [1] #ü?*.wav"
    put(song, f"{BUCKET}/x/{name}")
    assert list(list_folder(f"{BUCKET}/x")) == [name]
    with local_copy(f"{BUCKET}/x/{name}") as copy:
        assert os.path.basename(copy).endswith(name) and os.path.getsize(copy) == 200_000
    assert not os.path.exists(copy)
    long = "ü" * 400 + ".wav"
    put(song, f"{BUCKET}/x/{long}")
    with local_copy(f"{BUCKET}/x/{long}") as copy:
        assert copy.endswith("ü.wav") and os.path.getsize(copy) == 200_000


def test_what_is_not_there_is_one_line(store, song, tmp_path):
    with pytest.raises(NotThere, match=rf"^{BUCKET}/none: there is no such object$"):
        fetch(f"{BUCKET}/none", tmp_path / "copy")
    require_bucket(f"{BUCKET}/none")
    for ask in (require_bucket, list_folder, read_bytes, lambda address: put(song, address)):
        with pytest.raises(NotThere, match=r"^s3://nobucket/x: there is no such bucket; make it, or mend the address$"):
            ask("s3://nobucket/x")
    with pytest.raises(NotThere, match="no such bucket"):
        require_bucket("s3://nobucket")


def test_without_permission_or_credentials_it_is_one_line_and_no_second_try(store, song, monkeypatch):
    store.faults += [Fault("PUT", "song.wav", "denied", 9), Fault("GET", "prefix=audio", "denied", 9)]
    started = time.monotonic()
    for ask in (lambda: put(song, SONG), lambda: list_folder(f"{BUCKET}/audio")):
        with pytest.raises(Denied, match=r"/audio.*: no permission \(.*\); they come from the environment") as refused:
            ask()
        assert SECRET not in str(refused.value)
    assert [fault.seen for fault in store.faults] == [1, 1] and not answers(SONG)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget_clients()
    with pytest.raises(Denied, match="no credentials"):
        list_folder(BUCKET)
    assert time.monotonic() - started < 20


def test_a_store_that_is_not_there_is_tried_again_and_then_one_line(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget_clients()
    with pytest.raises(Unreachable, match=r"the store failed \(Could not connect to the endpoint URL"):
        list_folder(f"{BUCKET}/x")


def test_addresses_that_nothing_here_reads(monkeypatch):
    with pytest.raises(UserError, match="'nothing' is no scheme that fsspec knows"):
        require_bucket("nothing://b/x")
    with pytest.raises(
        UserError, match=r"what reads gs:// is not installed; install with: pip install 'dmml\[cloud\]' g"
    ):
        monkeypatch.setitem(sys.modules, "gcsfs", None)
        require_bucket("gs://b/x")
    with pytest.raises(UserError, match="addresses in addresses are not taken"):
        require_bucket("simplecache::s3://b/x")
    with pytest.raises(UserError, match="holds a password"):
        require_bucket("s3://a:b@c/x")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(
        UserError, match=r"^s3://b/x: an address needs fsspec; install with: pip install 'dmml\[cloud\]'$"
    ):
        require_bucket("s3://b/x")


def test_another_kind_of_store_gets_names_when_files_are_whole(tmp_path, song, monkeypatch):
    address = f"file://{tmp_path}/new/song.wav"
    put(song, address)
    write_bytes(f"file://{tmp_path}/new/note", b"x")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["note", "song.wav"]
    assert (
        list_folder(f"file://{tmp_path}/new")["song.wav"].size == 200_000 and read_bytes(address) == song.read_bytes()
    )

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.mv", full)
    with pytest.raises(OSError, match="No space left"):
        put(song, f"file://{tmp_path}/new/other")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["note", "song.wav"]


def test_defects_are_no_answers_of_a_store(store, monkeypatch):
    monkeypatch.setattr("s3fs.S3FileSystem._strip_protocol", None)
    with pytest.raises(TypeError):
        read_bytes(SONG)
