"""Songs out of Debian packages: whole ones only, none twice, what is gone is listed, nothing else reaches the disk."""

import csv
import errno
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tfrecords_tools.sources.made_packages import Mirror, song, zipped
from tfrecords_tools import files
from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources import debian_music, debian_packages, manifest_out, tracker_modules
from tfrecords_tools.sources.debian_music import read_debian_music
from tfrecords_tools.sources.debian_table import Song
from tfrecords_tools.sources.manifest_out import Dropped, Track
from tfrecords_tools.tables.manifest import read_manifest

pytestmark = pytest.mark.spawns
NO_NETWORK = "Err:1 http://x\nE: Failed to fetch http://x  Temporary failure resolving 'x'\n"
GONE = "E: Failed to fetch http://x  404  Not Found [IP: 1.2.3.4 80]\n"
HARP = "usr/share/games/harp/music/a song.ogg"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    return Mirror(tmp_path / "apt", monkeypatch)


@pytest.fixture
def songs(mirror):
    """Songs of three packages: a file, a file without suffix and a module, a file in an archive."""
    mirror.add("harp", "1", {f"./{HARP}": b"harp", "./usr/share/doc/harp/copyright": b"free"})
    mirror.add("drum", "1", {"./usr/drum/arctic": b"ice", "./usr/drum/a.mod": b"module"})
    mirror.add("pack", "1", {"./usr/data.pk3": zipped({"music/b.ogg": b"boom", "x": b""}), "./usr/b.ogg": b"other"})
    return [
        song("drum", "usr/drum/a.mod", b"module", bpm=125.0),
        song("drum", "usr/drum/arctic", b"ice", artist="Ann"),
        song("harp", HARP, b"harp", split="valid"),
        song("pack", "music/b.ogg", b"boom", in_archive=True),
    ]


def _read(folder, songs: list[Song]) -> dict[str, Track | Dropped]:
    return {item.track_id: item for item in read_debian_music(folder, songs=songs)}


def _files(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_songs_are_taken_and_nothing_else(mirror, songs, tmp_path):
    found = _read(tmp_path / "out", songs)
    assert [(track_id, type(item)) for track_id, item in found.items()] == [(song.track_id, Track) for song in songs]
    content = {track_id: open(track.path).read() for track_id, track in found.items()}
    assert content == {"drum/a.mod": "module", "drum/arctic": "ice", "harp/a song.ogg": "harp", "pack/b.ogg": "boom"}
    assert found["drum/a.mod"].path.endswith("/drum/a.mod.flac") and found["drum/a.mod"].values == {"tempo": 125.0}
    assert found["drum/arctic"].artist == "Ann" and found["harp/a song.ogg"].split == "valid"
    assert _files(tmp_path / "out") == {*("audio/" + track_id for track_id in found), "audio/drum/a.mod.flac"}
    assert mirror.calls() == ["drum=1", "harp=1", "pack=1"]


def test_the_command_writes_what_the_manifest_reads(mirror, songs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(debian_music, "load_songs", lambda: [*songs, song("harp", "usr/gone", b"gone")])
    assert main(["debian_music", f"--out={tmp_path / 'out'}"]) == 0
    shown = capsys.readouterr()
    assert "4 tracks (3 train, 1 valid)" in shown.out and "dropped: 1 changed" in shown.out
    assert "MB of 3 packages: 3/3" in shown.err
    manifest = read_manifest(tmp_path / "out" / "manifest.csv")
    rows = list(manifest)
    assert manifest.tags == ("genre", "mood", "instrument") and rows[0].tags["mood"] == ("chill", "sad")
    assert [row.values["tempo"] for row in rows] == [125.0, None, None, None]
    with open(tmp_path / "out" / "manifest.dropped.csv", newline="") as file:
        (dropped,) = csv.DictReader(file)
    assert dropped["track_id"] == "harp/gone" and dropped["reason"] == "harp 1: is not in the package"


def test_only_some_packages(mirror, songs, tmp_path):
    assert len(list(read_debian_music(tmp_path, ["harp"], songs))) == 1 and mirror.calls() == ["harp=1"]
    with pytest.raises(UserError, match="'horn' is not in the table; known are drum, harp, pack"):
        list(read_debian_music(tmp_path, ["horn"], songs))


def test_a_second_run_fetches_what_is_missing_or_damaged(mirror, songs, tmp_path):
    first = _read(tmp_path, songs)
    mirror.calls()
    mirror.bin.joinpath("openmpt123").unlink()
    assert _read(tmp_path, songs) == first and mirror.calls() == []
    (tmp_path / "audio" / "harp" / "a song.ogg").write_text("half")
    (tmp_path / "audio" / "pack" / "b.ogg").unlink()
    assert _read(tmp_path, songs) == first and mirror.calls() == ["harp=1", "pack=1"]


def test_all_there_needs_no_apt(mirror, songs, tmp_path, monkeypatch):
    first = _read(tmp_path, songs)
    monkeypatch.setenv("PATH", "")
    assert _read(tmp_path, songs) == first


def test_no_network_ends_it_and_the_next_run_goes_on(mirror, songs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(debian_music, "load_songs", lambda: songs)
    mirror.says("harp", NO_NETWORK)
    assert main(["debian_music", f"--out={tmp_path / 'out'}"]) == 2
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert (
        "error: cannot fetch harp (Failed to fetch http://x Temporary failure resolving 'x'); look at the net" in line
    )
    assert _files(tmp_path / "out") == {"audio/drum/a.mod", "audio/drum/arctic"}
    mirror.says("harp", "")
    mirror.calls()
    assert len(_read(tmp_path / "out", songs)) == 4 and mirror.calls() == ["harp=1", "pack=1"]


def test_an_interrupted_run_leaves_whole_songs_alone(mirror, songs, tmp_path, monkeypatch):
    take = debian_music.debian_packages.take_files

    def interrupt(deb, wanted):
        if deb.name.startswith("harp"):
            raise KeyboardInterrupt
        return take(deb, wanted)

    monkeypatch.setattr(debian_music.debian_packages, "take_files", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _read(tmp_path / "out", songs)
    assert _files(tmp_path / "out") == {"audio/drum/a.mod", "audio/drum/arctic"}


def test_what_a_killed_run_left_is_removed(mirror, songs, tmp_path):
    (tmp_path / "audio" / ".tmp.package").mkdir(parents=True)
    (tmp_path / "audio" / ".tmp.package" / "harp_1.deb").write_text("half")
    assert len(_read(tmp_path, songs)) == 4 and not (tmp_path / "audio" / ".tmp.package").exists()


def test_a_song_of_another_content_is_dropped_and_not_fetched_again(mirror, songs, tmp_path):
    mirror.add("harp", "1", {f"./{HARP}": b"harp of another day"})
    for calls in (["drum=1", "harp=1", "pack=1"], []):
        dropped = _read(tmp_path, songs)["harp/a song.ogg"]
        assert (dropped.kind, dropped.place) == ("changed", f"harp {HARP}")
        assert dropped.reason == "harp 1: has another content in this version of the package"
        assert mirror.calls() == calls
    assert not (tmp_path / "audio" / "harp" / "a song.ogg").exists()


def test_another_version_is_taken_and_said(mirror, songs, tmp_path, capsys):
    mirror.add("harp", "2", {f"./{HARP}": b"harp"})
    mirror.add("drum", "2", {"./usr/drum/arctic": b"ice"})
    found = _read(tmp_path, songs)
    assert "harp: version 1 is not on offer, taking 2" in capsys.readouterr().err
    assert mirror.calls() == ["drum=2", "harp=2", "pack=1"] and isinstance(found["harp/a song.ogg"], Track)
    assert found["drum/a.mod"].reason == "drum 2: is not in the package" and isinstance(found["drum/arctic"], Track)
    mirror.add("drum", "3", {"./usr/drum/a.mod": b"module"})
    assert isinstance(_read(tmp_path, songs)["drum/a.mod"], Track) and mirror.calls() == ["drum=3"]


def test_a_package_that_is_gone_is_dropped(mirror, songs, tmp_path):
    mirror.remove("harp")
    mirror.says("pack", GONE)
    found = _read(tmp_path, songs)
    assert (found["harp/a song.ogg"].kind, found["harp/a song.ogg"].reason) == (
        "package gone",
        "apt's lists have no package harp",
    )
    assert found["pack/b.ogg"].kind == "package not read" and "404 Not Found" in " ".join(
        found["pack/b.ogg"].reason.split()
    )
    assert isinstance(found["drum/arctic"], Track)
    # The one package that is missing is gone still: that ends nothing.
    assert {type(item) for item in _read(tmp_path, songs).values()} == {Track, Dropped}


def test_a_damaged_package_is_dropped(mirror, songs, tmp_path):
    deb = mirror.folder / "harp=1.deb"
    deb.write_bytes(deb.read_bytes()[:-10_000])
    (mirror.folder / "drum=1.deb").write_text("no package")
    found = _read(tmp_path, songs)
    assert {found[name].kind for name in ("harp/a song.ogg", "drum/arctic")} == {"package not read"}
    assert isinstance(found["pack/b.ogg"], Track)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-30], lambda data: data.replace(b"music/b.ogg", b"music/c.ogg", 1)]
)
def test_a_damaged_archive_in_a_package_is_dropped(mirror, songs, tmp_path, damage):
    mirror.add("pack", "1", {"./usr/data.zip": damage(zipped({"music/b.ogg": b"boom"}))})
    dropped = _read(tmp_path, songs)["pack/b.ogg"]
    assert dropped.kind == "changed" and "an archive there that cannot be read" in dropped.reason


def test_no_name_or_link_of_a_package_reaches_the_disk(mirror, tmp_path):
    link, hard, device = (
        tarfile.TarInfo(f"./{HARP}"),
        tarfile.TarInfo("./usr/hard.ogg"),
        tarfile.TarInfo("./usr/dev.ogg"),
    )
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    escapes = {"./../../evil": b"x", "/evil": b"x", "./usr/ok.ogg": b"ok"}
    mirror.add("harp", "1", escapes | {"./usr/a.zip": zipped({"../evil": b"x", "/evil": b"x"})}, link, hard, device)
    paths = [HARP, "usr/hard.ogg", "usr/dev.ogg", "usr/ok.ogg"]
    found = _read(tmp_path / "a" / "out", [song("harp", path, b"ok") for path in paths])
    assert [type(item) for item in found.values()] == [Dropped, Dropped, Dropped, Track]
    assert _files(tmp_path / "a") == {"out/audio/harp/ok.ogg", "out/audio/harp/.left.json"}


def test_the_right_one_of_several_is_taken(mirror, tmp_path):
    mirror.add("pack", "1", {"./a.zip": zipped({"m.ogg": b"other"}), "./b.pk3": zipped({"m.ogg": b"mine"})})
    found = _read(tmp_path, [song("pack", "m.ogg", b"mine", in_archive=True)])
    assert open(found["pack/m.ogg"].path).read() == "mine"


def test_no_more_is_read_than_is_expected(mirror, tmp_path):
    mirror.add("pack", "1", {"./a.zip": zipped({"m.ogg": b"\0" * 3_000_000})})
    # The hash of that one byte more which is read to see that the file is longer.
    found = _read(tmp_path, [song("pack", "m.ogg", b"\0" * 1001, in_archive=True, bytes=1000)])
    assert (tmp_path / "audio/pack/m.ogg").stat().st_size == 1001 and isinstance(found["pack/m.ogg"], Track)


def test_without_a_program_for_modules(mirror, songs, tmp_path):
    mirror.bin.joinpath("openmpt123").unlink()
    dropped = _read(tmp_path, songs)["drum/a.mod"]
    assert dropped.kind == "not rendered" and "apt-get install openmpt123" in dropped.reason
    mirror.program("openmpt123", "#!/bin/sh\nwhile test $1 != --output; do shift; done\ncp $4 $2\n")
    mirror.calls()
    assert isinstance(_read(tmp_path, songs)["drum/a.mod"], Track) and mirror.calls() == []


def test_a_module_that_cannot_be_rendered(mirror, tmp_path):
    mirror.add("drum", "1", {"./a.mod": b"broken", "./b.mod": b"module"})
    found = _read(tmp_path, [song("drum", "a.mod", b"broken"), song("drum", "b.mod", b"module")])
    assert found["drum/a.mod"].reason == "openmpt123: openmpt123: no module"
    assert isinstance(found["drum/b.mod"], Track)


def test_no_song_left_is_an_error(mirror, tmp_path):
    mirror.add("harp", "1", {"./usr/other": b"x"})
    with pytest.raises(
        UserError, match="no song can be had of 1; harp/a song.ogg: changed: harp 1: is not in the pack"
    ):
        _read(tmp_path, [song("harp", HARP, b"harp")])


def test_empty_lists_are_an_error(mirror, songs, tmp_path):
    for package in ("drum", "harp", "pack"):
        mirror.remove(package)
    with pytest.raises(UserError, match=r"apt knows none of the 3 packages \(No packages found\); run apt-get update"):
        _read(tmp_path, songs)


def test_no_apt(mirror, songs, tmp_path, monkeypatch):
    for name in ("apt-get", "apt-cache"):
        mirror.bin.joinpath(name).unlink()
    with pytest.raises(UserError, match="needs apt-cache, apt-get, which Debian and Ubuntu have"):
        _read(tmp_path, songs)


def test_a_small_disk(mirror, songs, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(UserError, match="the disk has 1.0 MiB left"):
        _read(tmp_path, songs)
    assert mirror.calls() == []


def test_a_disk_that_becomes_full(mirror, songs, tmp_path):
    mirror.says("drum", "E: Failed to fetch http://x  Write error - write (28: No space left on device)\n")
    with pytest.raises(UserError, match="the disk is full .*; make room, then run the same command again"):
        _read(tmp_path, songs)


@pytest.mark.parametrize("module", [debian_packages, manifest_out, files])
def test_a_disk_that_is_full_at_a_file_is_one_line(mirror, songs, tmp_path, monkeypatch, capsys, module):
    """At a song, at the table, and as the copy of the teacher's file is put in its place."""
    monkeypatch.setattr(debian_music, "load_songs", lambda: songs)
    line = ["debian_music", f"--out={tmp_path / 'out'}"]
    with monkeypatch.context() as patch:
        if module is files:
            patch.setattr(shutil, "copyfile", lambda source, target: _Full(target).write(b""))
        else:
            patch.setattr(module, "open", lambda path, *_, **__: _Full(path), raising=False)
        assert main(line) == 2
    said = capsys.readouterr().err.splitlines()
    assert "No space left on device; make room or choose another folder, then run the command again" in said[-1]
    assert not [line for line in said if "Traceback" in line]
    assert not [name for name in _files(tmp_path / "out") if "teacher" in name or ".tmp." in name]
    assert main(line) == 0 and {"manifest.csv", "teacher.npz"} <= _files(tmp_path / "out")


class _Full(io.BytesIO):
    """A file on a disk without room: it can be made, and nothing can be written to it."""

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)
        self.path.touch()

    def write(self, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(self.path))


def _made_module() -> bytes:
    """A MOD of one pattern and one square wave: 64 rows of 6/50 s."""
    header = b"\0" * 22 + bytes([0, 16, 0, 64, 0, 0, 0, 16]) + (b"\0" * 28 + bytes([0, 1])) * 30
    pattern = bytes([0, 214, 0x10, 0]) + bytes(64 * 16 - 4)
    return b"square".ljust(20, b"\0") + header + bytes([1, 127]) + bytes(128) + b"M.K." + pattern + b"\x40\xc0" * 16


@pytest.mark.parametrize("renderer", [tracker_modules._OPENMPT123, tracker_modules._FFMPEG], ids=lambda line: line[0])
def test_a_module_is_rendered_by_whichever_program_is_here(tmp_path, renderer):
    if not shutil.which(renderer[0]):
        pytest.skip(f"there is no {renderer[0]}")
    if renderer[0] == "ffmpeg" and tracker_modules.find_renderer() is None:
        pytest.skip("this ffmpeg knows no modules")
    path = tmp_path / "a song.mod"
    path.write_bytes(_made_module())
    assert tracker_modules.render(path, renderer) is None
    samples, rate = soundfile.read(tracker_modules.rendered_path(path))
    assert rate == 48_000 and samples.shape == (pytest.approx(64 * 6 / 50 * rate, rel=0.05), 2)
    assert np.abs(samples).max() > 0.01


@pytest.mark.realaudio
def test_a_real_package(tmp_path, capsys):
    """The smallest of the table, 1.3 MB."""
    if (
        not shutil.which("apt-get")
        or subprocess.run(["apt-cache", "show", "monsterz-data"], capture_output=True).returncode
    ):
        pytest.skip("apt does not know the package")
    if tracker_modules.find_renderer() is None:
        pytest.skip("no program renders modules")
    assert main(["debian_music", f"--out={tmp_path}", "--packages=monsterz-data"]) == 0
    (row,) = read_manifest(tmp_path / "manifest.csv")
    assert soundfile.info(row.path).duration == pytest.approx(178.15, abs=1) and row.values == {"tempo": 97.0}
