"""Audio files that cannot be used, one way each; for the tests of whatever must survive them."""

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

RATE = 22_050


def noise(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """float64 [samples] in -0.3..0.3."""
    return np.random.default_rng([seed]).uniform(-0.3, 0.3, int(seconds * rate))


def _cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def truncated(path: Path) -> None:
    """A sound of 6 s whose file ends after two thirds."""
    soundfile.write(path, noise(6.0), RATE)
    _cut(path, 0.66)


def wrong_rate(path: Path) -> None:
    """A wav whose header says 10 MHz."""
    soundfile.write(path, noise(3.2), RATE)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 24, 10_000_000)
    path.write_bytes(content)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("song.txt", "no sound" * 999)


# File name -> (how to make it, a part of the reason).
KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.wav": (Path.touch, "file is empty"),
    "cut.mp3": (truncated, "cut short"),
    "cut.ogg": (truncated, "cut short"),
    "text.wav": (lambda path: path.write_text("no sound\n" * 99), "cannot be decoded"),
    "zip.mp3": (_zip, "cannot be decoded"),
    "rate.wav": (wrong_rate, "10000000 Hz"),
    "nan.wav": (lambda path: soundfile.write(path, np.full(99_999, np.nan), RATE, subtype="FLOAT"), "NaN"),
    "folder.flac": (Path.mkdir, "is a directory"),
    "locked.wav": (lambda path: (soundfile.write(path, noise(3.2), RATE), path.chmod(0)), "no permission"),
    "short.wav": (lambda path: soundfile.write(path, noise(0.5), RATE), "too short"),
    "link.wav": (lambda path: path.symlink_to(path.with_name("gone.wav")), "broken symbolic link"),
}


def make_mixed(folder: Path, good: int, damaged: int) -> Path:
    """A manifest of `good` short tracks and `damaged` files of all `KINDS` in turn; returns its path."""
    rows = ["track_id,path,artist,genre"]
    for k in range(good):
        name = f"good{k}.{('wav', 'ogg', 'mp3', 'flac')[k % 4]}"
        soundfile.write(folder / name, noise(3.2, k), RATE)
        rows.append(f"good{k},{name},artist {k % 40},g{k % 3}")
    for k in range(damaged):
        kind = list(KINDS)[k % len(KINDS)]
        name = f"{k}-{kind}"
        KINDS[kind][0](folder / name)
        rows.insert(1 + k * 2, f"{name},{name},artist {k % 40},g")
    (folder / "songs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "songs.csv"
