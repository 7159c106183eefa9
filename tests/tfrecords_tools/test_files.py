"""Files and folders are whole or not there."""

import json
import os
from types import SimpleNamespace

import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, whole_file, whole_folder, write_json


def names(folder) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_folder_and_its_replacement(tmp_path):
    target = tmp_path / "deep" / "place"
    for text in ("first", "second"):
        with whole_folder(target) as temporary:
            (temporary / text).write_text(text)
            assert not (target / text).exists()
        assert names(target) == [text] and names(target.parent) == ["place"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_failure_keeps_what_was_there(tmp_path, error):
    with whole_folder(tmp_path / "x") as temporary:
        (temporary / "old").touch()
    with pytest.raises(error), whole_folder(tmp_path / "x") as temporary:
        (temporary / "new").touch()
        raise error()
    assert names(tmp_path) == ["x"] and names(tmp_path / "x") == ["old"]


def test_a_failed_first_write_leaves_nothing(tmp_path):
    with pytest.raises(OSError), whole_folder(tmp_path / "x") as temporary:
        (temporary / "new").touch()
        raise OSError("disk full")
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_cleared(tmp_path):
    (tmp_path / ".tmp.x").mkdir()
    (tmp_path / ".tmp.x" / "half").touch()
    with whole_folder(tmp_path / "x") as temporary:
        assert names(temporary) == []
    assert names(tmp_path) == ["x"]


def test_killed_between_the_renames_loses_nothing(tmp_path):
    (tmp_path / ".old.x").mkdir()
    (tmp_path / ".old.x" / "only copy").touch()
    with pytest.raises(OSError), whole_folder(tmp_path / "x"):
        raise OSError("disk full")
    assert names(tmp_path / "x") == ["only copy"]


def test_a_failing_rename_keeps_the_old_content(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    replace = os.replace

    def fail_on_the_new(source, target):
        if ".tmp." in str(source):
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(os, "replace", fail_on_the_new)
        with whole_folder(tmp_path / "x"):
            pass
    assert names(tmp_path) == ["x"] and names(tmp_path / "x") == ["old"]


def test_write_json_leaves_the_old_file_where_it_fails(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": "ä"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "ä"}
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "ä"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_disk_without_room_is_one_line_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tfrecords_tools.files.shutil.disk_usage", lambda folder: SimpleNamespace(free=10 * 2**20))
    require_room(tmp_path, 6 * 2**20)
    with pytest.raises(UserError, match="has 10.0 MiB left, what comes next needs 12.0; make room"):
        require_room(tmp_path, 8 * 2**20)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_a_file_takes_its_place_at_the_end(tmp_path, durable, shared):
    target = tmp_path / "x.weights.h5"
    for text in ("first", "second"):
        with whole_file(target, durable=durable, shared=shared) as temporary:
            temporary.write_text(text)
            assert temporary.name.startswith(".tmp.") and temporary.name.endswith(".x.weights.h5")
            assert text == "first" or target.read_text() == "first"
        assert target.read_text() == text and names(tmp_path) == [target.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_failure_keeps_the_file_that_was_there(tmp_path, error):
    (tmp_path / "x").write_text("old")
    with pytest.raises(error), whole_file(tmp_path / "x") as temporary:
        temporary.write_text("half")
        raise error()
    assert names(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "old"


def test_two_writers_of_one_shared_file_do_not_meet(tmp_path):
    target = tmp_path / "x"
    with whole_file(target, shared=True) as first, whole_file(target, shared=True) as second:
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first" and names(tmp_path) == ["x"]


def test_a_durable_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("tfrecords_tools.files.os.fsync", lambda descriptor: calls.append((tmp_path / "x").exists()))
    with whole_file(tmp_path / "x", durable=True) as temporary:
        temporary.write_text("all")
    assert calls == [False]
