"""The readers on the real label files, where DMML_LABELS names a folder that holds msd_split and mtg_jamendo."""

import os
from pathlib import Path

import numpy as np
import pytest

from tfrecords_tools.sources.manifest_out import write_manifest
from tfrecords_tools.sources.msd import DIVISION, read_msd
from tfrecords_tools.sources.mtg_jamendo import DIMENSIONS, read_mtg_jamendo

FOLDER = Path(os.environ.get("DMML_LABELS", "none"))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "msd_split").is_dir() or not (FOLDER / "mtg_jamendo").is_dir(),
    reason="DMML_LABELS names no folder with msd_split and mtg_jamendo",
)


def test_msd(tmp_path):
    found = read_msd(FOLDER / "msd_split", tmp_path, skip_audio_check=True)
    summary = write_manifest(found, tmp_path / "x.csv", tuple(DIVISION), ("tempo",))
    total = sum(np.load(path).sum() for path in (FOLDER / "msd_split").glob("*_y.npy"))
    assert sum(tags.total() for tags in summary.tags.values()) == total
    assert {name: len(tags) for name, tags in summary.tags.items()} == {name: len(t) for name, t in DIVISION.items()}
    assert summary.tracks["valid"] == 12_634 and not summary.dropped


def test_mtg_jamendo(tmp_path):
    found = read_mtg_jamendo(FOLDER / "mtg_jamendo", tmp_path, skip_audio_check=True)
    summary = write_manifest(found, tmp_path / "x.csv", DIMENSIONS, ("tempo",))
    lines = [line for path in (FOLDER / "mtg_jamendo").glob("*.tsv") for line in path.read_text().splitlines()[1:]]
    assert summary.tracks.total() == len({line.split("\t")[0] for line in lines}) and not summary.dropped
    assert sum(tags.total() for tags in summary.tags.values()) == sum(line.count("---") for line in lines)
    assert {name: len(tags) for name, tags in summary.tags.items()} == {"genre": 87, "mood": 56, "instrument": 40}
