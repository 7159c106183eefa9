"""Music that people made, as their encoders left it: from the folder to a verified dataset, nothing lost.

The tracks are fetched from Debian packages, 53 MB, and only with `-m realaudio`. Nothing is installed: apt keeps
its lists and the packages in the test's own folder.
"""

import csv
import functools
import shutil
import subprocess

import mutagen
import numpy as np
import pytest
import tensorflow as tf

from tests.tfrecords_tools.parsed import parse
from tfrecords_tools.audio.extract import LEAST_SECONDS
from tfrecords_tools.cli import main
from tfrecords_tools.dataset import SPLITS, Dataset
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.realaudio
# Package -> its folder of music. Licences, by each package's own copyright file:
PACKAGES = {
    "amoebax-data": "usr/share/games/amoebax/music",  # ogg; Alex Almarza, Free Art License 1.2
    "asc-music": "usr/share/games/asc/music",  # mp3; Michael Kievernagel, GPL 2 or later
    "pathological": "usr/share/games/pathological/music",  # ogg; John-Paul Gignac, GPL 2 or later
    "scratch": "usr/share/scratch/Media/Sounds/Music Loops",  # mp3; MIT, CC BY-SA 3.0
}
# Seconds that a decoded track may differ from what its header says: mp3 encoders pad with up to three frames.
APART = 0.08


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of the packages' music, one folder a package; loops shorter than an excerpt are left out."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("apt-get and dpkg-deb are needed to fetch music; this system has none")
    work = tmp_path_factory.mktemp("packages")
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (work / folder).mkdir(parents=True)
    _apt(work, "update")
    _apt(work, "download", *PACKAGES)
    for package, folder in PACKAGES.items():
        (deb,) = (work / "debs").glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", deb, work / package], check=True, timeout=100)
        for path in sorted((work / package / folder).iterdir()):
            if path.suffix in (".ogg", ".mp3") and mutagen.File(path).info.length >= LEAST_SECONDS + APART:
                (work / "music" / package).mkdir(parents=True, exist_ok=True)
                path.rename(work / "music" / package / path.name)
    return work / "music"


def _apt(work, *arguments: str) -> None:
    """apt-get with lists and cache below `work`; skips the test where it fails."""
    options = {
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
    }
    command = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items()), *arguments]
    try:
        subprocess.run(command, cwd=work / "debs", check=True, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip(f"apt-get {arguments[0]} took over 300 s")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"apt-get {arguments[0]}: {(error.stderr.strip() or 'failed').splitlines()[-1]}")


@pytest.fixture(scope="module")
def dataset(music, tmp_path_factory):
    """The music's dataset, by the commands a user would give."""
    folder = tmp_path_factory.mktemp("built")
    assert main(["folder", f"--audio={music}", f"--out={folder / 'songs.csv'}"]) == 0
    assert (
        main(
            [
                "build",
                f"--manifest={folder / 'songs.csv'}",
                f"--out={folder / 'data'}",
                "--tempo=none",
                "--max_rejected=0",
                "--workers=2",
            ]
        )
        == 0
    )
    return Dataset.load(folder / "data")


def test_all_are_listed(music, dataset):
    files = {str(path.relative_to(music)) for path in music.glob("*/*")}
    assert len(files) >= 20 and {name[-4:] for name in files} == {".ogg", ".mp3"}
    assert sum(name.endswith(".mp3") for name in files) >= 10 <= sum(name.endswith(".ogg") for name in files)
    with open(dataset.folder.parent / "songs.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["track_id"] for row in rows} == files and all(row["title"] for row in rows)
    assert len((dataset.folder.parent / "songs.dropped.csv").read_text().splitlines()) == 1


def test_all_are_written_whole(music, dataset):
    files = {str(path.relative_to(music)): path for path in music.glob("*/*")}
    assert len((dataset.folder / "rejected.csv").read_text().splitlines()) == 1
    shards = [file for split in SPLITS for file in dataset.files(split)]
    seconds, loudest = {}, {}
    for record in tf.data.TFRecordDataset(shards).map(functools.partial(parse, dataset.schema)).as_numpy_iterator():
        name, log_mel = record["track_id"].decode(), record["log_mel"].astype(np.float32)
        assert np.isfinite(log_mel).all()
        assert log_mel.shape == (LogMel().frames(round(record["duration"] * LogMel().sample_rate)), LogMel().n_mels)
        seconds[name], loudest[name] = float(record["duration"]), log_mel.max()
    assert seconds == {name: pytest.approx(mutagen.File(path).info.length, abs=APART) for name, path in files.items()}
    assert min(loudest.values()) > 0.5
    for kind in (".mp3", ".ogg"):
        found = [seconds[name] for name in seconds if name.endswith(kind)]
        print(f"{kind}: {len(found)} tracks, {sum(found) / 3600:.2f} h")


def test_verify_finds_no_fault(dataset, capsys):
    assert main(["verify", f"--data={dataset.folder}"]) == 0
    assert f"{sum(dataset.tracks(split) for split in SPLITS)} records sound" in capsys.readouterr().out
