"""Inspect: the figures of a dataset agree with counting by hand; tables and pictures are written."""

import csv
import json

import numpy as np
import pytest

from tests.synthetic import SCHEMA
from tests.tfrecords_tools.made_tables import made_dataset
from tfrecords_tools.check.inspect import format_report, inspect_dataset, picture_name
from tfrecords_tools.check.mutual_information import mutual_information
from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.tracks import TRACKS_FILE


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset of 20 / 10 / 10 tracks, its rows, and its report."""
    dataset = made_dataset(tmp_path_factory.mktemp("inspect"), {"train": 20, "valid": 10, "test": 10})
    with open(dataset.folder / TRACKS_FILE, newline="", encoding="utf-8") as file:
        return dataset, list(csv.DictReader(file)), inspect_dataset(dataset)


def test_tracks_hours_and_tags_agree_with_counting(made):
    _dataset, rows, report = made
    for split in ("train", "valid", "test"):
        mine = [row for row in rows if row["split"] == split]
        assert report["tracks"][split] == len(mine) > 0
        assert report["hours"][split] == pytest.approx(sum(float(row["duration"]) for row in mine) / 3600)
        for name, tags in SCHEMA.vocabularies.items():
            wanted = {tag: sum(tag in row[name].split("|") for row in mine) for tag in tags}
            assert report["tags"][name][split] == wanted
        for name in ("genre", "mood", "tempo"):
            assert report["coverage"][name][split] == pytest.approx(sum(row[name] != "" for row in mine) / len(mine))
    assert report["coverage"]["mood"]["all"] == pytest.approx(0.8)
    assert report["tags_per_track"] == {"genre": 1.0, "instrument": 2.0, "mood": 1.0}


def test_histogram_holds_every_value_once(made):
    _, rows, report = made
    histogram = report["histograms"]["tempo"]
    for split, counts in histogram["counts"].items():
        values = [float(row["tempo"]) for row in rows if row["split"] == split and row["tempo"]]
        for low, high, count in zip(histogram["edges"], histogram["edges"][1:], counts):
            assert count == sum(low <= value < high for value in values)
        assert sum(counts) == len(values)


def test_mutual_information_is_that_of_the_columns(made):
    _, rows, report = made
    genre = np.array([[SCHEMA.vocabularies["genre"].index(row["genre"])] for row in rows])
    tempo = np.array([float(row["tempo"] or "nan") for row in rows], np.float32)
    shared = report["mutual_information"]
    assert shared["bits"]["genre"]["tempo"] == pytest.approx(mutual_information(genre, tempo))
    assert shared["chance"]["genre"]["tempo"] == shared["chance"]["tempo"]["genre"] > 0


def test_the_command_prints_tables_and_writes_pictures(made, tmp_path, capsys):
    dataset, _, report = made
    assert main(["inspect", f"--data={dataset.folder}", f"--out={tmp_path}"]) == 0
    text = capsys.readouterr().out
    assert format_report(report) in text and "80.0%" in text
    assert json.loads((tmp_path / "inspect.json").read_text(encoding="utf-8")) == report
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {
        "splits.png",
        "coverage.png",
        "tags-genre.png",
        "tags-instrument.png",
        "tags-mood.png",
        "values-tempo.png",
        "mutual_information.png",
    }
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    assert not list(tmp_path.glob(".*"))


def test_a_table_that_is_not_the_shards_is_refused(tmp_path):
    dataset = made_dataset(tmp_path, {"train": 3, "test": 2})
    lines = (tmp_path / TRACKS_FILE).read_text().splitlines(keepends=True)
    (tmp_path / TRACKS_FILE).write_text("".join(lines[:-1]))
    with pytest.raises(UserError, match="1 rows of the split test, dataset.json has 2; dmml-records verify"):
        inspect_dataset(dataset)


def test_a_dimensions_name_cannot_leave_the_folder():
    assert str(picture_name("tags", "../../x")) == "tags-______x.png"
