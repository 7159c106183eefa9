"""A folder is whole or not there."""

import os

import pytest

from dmml_tf.files import whole_folder


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
