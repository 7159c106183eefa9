"""A scan that is killed at any of its steps, and the next one: together they are a scan from nothing."""

import os
import shutil
import signal
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.library import catalogue, parts, reading, scan, steps
from tests.dmml_tf.library.made import make_run, require_equal, text_of
from tfrecords_tools import files
from tfrecords_tools.audio.extract import Extracted, Refused, Task
from tfrecords_tools.notes import Note

pytestmark = [pytest.mark.usefixtures("here"), pytest.mark.slow]


@pytest.fixture
def counted(monkeypatch):
    """Counts what a scan does, in `counted.done`; kills its process before event `counted.deadly`."""

    class Counted:
        done, deadly = 0, -1

        def event(self):
            self.done += 1
            if self.done == self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    count = Counted()

    def around(owner, name):
        whole = getattr(owner, name)

        def counting(*arguments, **keywords):
            count.event()
            return whole(*arguments, **keywords)

        monkeypatch.setattr(owner, name, counting)

    around(files.os, "replace")
    for name in ("record", "record_sounds", "settle", "name_files", "keep_fact", "walked"):
        around(catalogue.Catalogue, name)
    around(parts.Parts, "write")
    around(steps, "write_index")
    around(scan, "write_tables")
    around(scan.shutil, "rmtree")
    monkeypatch.setattr(reading, "extract", heard)
    monkeypatch.setattr(steps, "_TOGETHER", 2)
    monkeypatch.setattr(parts, "PART", 3)
    return count


def heard(task: Task) -> Extracted | Refused:
    """Stands for `extract`, in no time: what is heard in a file is its bytes."""
    content = Path(task.path).read_bytes()
    if content.startswith(b"no sound"):
        return Refused("no sound", (Note("damage", "no sound", "left out"),))
    spectrum = np.random.default_rng(zlib.crc32(content)).uniform(size=(130, 128))
    return Extracted(
        spectrum.astype(np.float16), len(content) / 10, None, None, (Note("length", content.decode(), "taken"),)
    )


def write(path: Path, content: str) -> None:
    """A file that `heard` hears."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def killed(count, event: int, library: Path, asked: scan.Scan) -> bool:
    """Scans in a child that is killed at an event; whether it got that far."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            # A child of a process with threads can inherit a lock that nobody holds any more: it is killed then, too.
            signal.alarm(60)
            count.done, count.deadly = 0, event
            scan.scan(library, asked)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("what", ["first", "changes", "reembed"])
def test_killed_at_every_step_it_goes_on_to_what_a_scan_from_nothing_gives(what, counted, tmp_path):
    model, other, music = make_run(tmp_path / "run"), make_run(tmp_path / "other", seed=1), tmp_path / "music"
    for number in range(6):
        write(music / f"{number}.wav", f"song {number}")
    write(music / "broken.wav", "no sound")
    asked = scan.Scan([str(music)], str(model.folder))
    if what != "first":
        scan.scan(tmp_path / "before", asked)
        asked = scan.Scan() if what == "changes" else scan.Scan(run=str(other.folder), reembed=True)
    if what == "changes":
        shutil.move(music / "0.wav", music / "moved.wav")
        (music / "1.wav").unlink()
        write(music / "2.wav", "another song")
        write(music / "new.wav", "a new song")
    model = other if what == "reembed" else model
    scan.scan(tmp_path / "fresh", scan.Scan([str(music)], str(model.folder)))
    event = 0
    while True:
        event += 1
        library = tmp_path / f"library {event}"
        if what != "first":
            shutil.copytree(tmp_path / "before", library)
        if not killed(counted, event, library, asked):
            break
        # Without what was asked for, as soon as the library says it.
        kept = what == "changes" or model.weights_sha256() in text_of(library / "library.json")
        scan.scan(library, scan.Scan() if kept else asked)
        require_equal(library, tmp_path / "fresh")
        assert not [*library.glob("**/.tmp.*"), *library.glob("**/.old.*")], event
        shutil.rmtree(library)
    assert event > 12
