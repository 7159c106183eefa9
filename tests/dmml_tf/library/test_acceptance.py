"""The program itself on a folder as people have them, killed at several instants, beside a scan from nothing.

By default some dozens of files and two kills; DMML_LIBRARY_FILES=2000 DMML_LIBRARY_KILLS=10 is the whole of it, and
DMML_LIBRARY_AUDIO names a folder of songs that the clips are cut from.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.dmml_tf.library.made import require_equal, songs_of, text_of
from tests.tfrecords_tools.damaged import KINDS, RATE, noise

pytestmark = [pytest.mark.spawns, pytest.mark.slow]

FILES = int(os.environ.get("DMML_LIBRARY_FILES", "40"))
KILLS = int(os.environ.get("DMML_LIBRARY_KILLS", "2"))
SOURCE = os.environ.get("DMML_LIBRARY_AUDIO", "")
BROKEN = ("text.wav", "cut.mp3", "short.wav", "nan.wav", "empty.wav", "cut.ogg", "zip.mp3", "rate.wav")
ODD = (
    "Ein Ständchen",
    unicodedata.normalize("NFD", "Café Ñandú"),
    " spaces around ",
    "50% + & = #1",
    "шум",
    "a|b",
    "'q\"",
)


def clips(count: int):
    """Yields samples float [3.2 s] and their rate: of songs, or a tone in noise."""
    songs = (
        sorted(path for path in Path(SOURCE).rglob("*") if path.suffix in (".flac", ".wav", ".ogg")) if SOURCE else []
    )
    for number in range(count):
        if songs:
            rate = soundfile.info(songs[number % len(songs)]).samplerate
            start = int(rate * (2 + number // len(songs) * 3))
            yield soundfile.read(songs[number % len(songs)], int(3.2 * rate), start)[0], rate
        else:
            time_ = np.arange(int(3.2 * RATE)) / RATE
            yield 0.3 * np.sin(2 * np.pi * (110 + 17 * number) * time_) + 0.2 * noise(3.2, number), RATE


def make_folder(folder: Path) -> None:
    """Several formats and artists, odd names, copies under other names, twenty files (or a tenth) that are broken."""
    broken = min(20, FILES // 10)
    copies = FILES // 20
    suffixes = (".wav", ".flac", ".ogg", ".mp3")
    for number, (samples, rate) in enumerate(clips(FILES - broken - copies)):
        name = ODD[number % len(ODD)] if number % 10 == 0 else f"{number:04d} Song"
        album = folder / f"Artist {number % 23}" / f"Album {number % 3}"
        album.mkdir(parents=True, exist_ok=True)
        soundfile.write(album / f"{name} {number}{suffixes[number % 4]}", samples, rate)
    songs = sorted(path for path in folder.rglob("*") if path.is_file())
    for number in range(copies):
        shutil.copy(songs[7 * number % len(songs)], folder / f"copy {number}{songs[7 * number % len(songs)].suffix}")
    for number in range(broken):
        kind = BROKEN[number % len(BROKEN)]
        KINDS[kind][0](folder / f"{number} broken {kind}")


def change_folder(folder: Path) -> None:
    """Moves an artist, removes some files and brings others, and writes over one."""
    songs = sorted(path for path in folder.rglob("*Song*") if path.is_file())
    shutil.move(folder / "Artist 1", folder / "Moved" / "Artist 1")
    for song in songs[: FILES // 40]:
        song.unlink(missing_ok=True)
    shutil.copy(songs[-1], folder / "another copy.x.wav")
    soundfile.write(songs[-2], noise(3.3, 77), RATE)
    soundfile.write(folder / "new.flac", noise(3.3, 78), RATE)


def start(library: Path, *arguments: object) -> subprocess.Popen:
    """Begins a scan."""
    command = [sys.executable, "-m", "dmml_tf.cli", "scan", "--library", library, *arguments]
    log = open(library.with_name(f"{library.name}.log"), "a")
    return subprocess.Popen([*map(str, command)], stdout=log, stderr=log, cwd=library.parent)


def finish(library: Path, *arguments: object) -> float:
    """Scans to the end; returns the seconds that it took."""
    begun = time.monotonic()
    assert start(library, *arguments).wait(3600) == 0, text_of(library.with_name(f"{library.name}.log"))[-2000:]
    return time.monotonic() - begun


def kill_some(library: Path, kills: int, seconds: float, seed: int, *arguments: object) -> None:
    """Starts scans and kills each with all it has, at an instant up to `seconds`."""
    instants = random.Random(seed)
    for _ in range(kills):
        scanning = start(library, *arguments)
        try:
            scanning.wait(instants.uniform(0.1, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            scanning.send_signal(signal.SIGKILL)
            scanning.wait()


def test_a_folder_is_scanned_changed_and_interrupted_and_equals_a_scan_from_nothing(tmp_path):
    music, library = tmp_path / "music", tmp_path / "library"
    make_folder(music)
    seconds = finish(tmp_path / "fresh", music)
    kill_some(library, KILLS - KILLS // 2, seconds, 0, music)
    finish(library, music)
    require_equal(library, tmp_path / "fresh")
    before = len(songs_of(library))
    change_folder(music)
    kill_some(library, KILLS // 2, seconds / 2, 1)
    finish(library)
    shutil.rmtree(tmp_path / "fresh")
    finish(tmp_path / "fresh", music)
    require_equal(library, tmp_path / "fresh")
    assert len(songs_of(library)) != before
    rejected = (library / "rejected.csv").read_text("utf-8")
    assert rejected.count("broken") == min(20, FILES // 10)
