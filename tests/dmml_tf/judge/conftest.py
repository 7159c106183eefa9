"""A made dataset whose songs have audio, an untrained run on it, and a real server that asks about them."""

import csv
import dataclasses

import numpy as np
import pytest
import soundfile

from dmml_tf.judge.asking import Options, asking
from tests.dmml_tf.commands.untrained import untrained_run
from tests.synthetic import write_dataset

SONGS = 9
RATE = 22_050


def tone(number: int) -> np.ndarray:
    """5 s, each song at a level of its own: from -6 to -38 dB."""
    time = np.arange(5 * RATE) / RATE
    noise = np.random.default_rng(number).normal(0, 0.02, len(time))
    return 10 ** (-4 * number / 20) * (0.4 * np.sin(2 * np.pi * (220 + 60 * number) * time) + noise)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Nine test songs of 5 s with audio, and other splits without."""
    folder = tmp_path_factory.mktemp("judged")
    made = write_dataset(folder / "data", {"test": SONGS, "train": 4, "valid": 4}, frames=215)
    (folder / "audio").mkdir()
    paths = {f"t{number:03d}": folder / "audio" / f"{number}.flac" for number in range(SONGS)}
    for number, path in enumerate(paths.values()):
        soundfile.write(path, tone(number), RATE)
    with open(made.folder / "tracks.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(made.folder / "tracks.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys([*rows[0], "path"])))
        writer.writeheader()
        writer.writerows({**row, "path": paths.get(row["track_id"], "")} for row in rows)
    return made


@pytest.fixture(scope="session")
def trained(tmp_path_factory, dataset):
    """A run on that dataset."""
    run = dataclasses.replace(untrained_run(tmp_path_factory.mktemp("judging") / "run"), dataset=str(dataset.folder))
    run.save(run.embedding())
    return run


@pytest.fixture
def opened(trained, dataset, tmp_path):
    """Opens the questions with other options, on `votes.csv` of the test's own folder."""
    return lambda **options: asking([trained], dataset, tmp_path / "votes.csv", Options(**options))
