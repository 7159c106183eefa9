"""The report's form, its page, and the refusal of anything else."""

import copy
import json

import pytest

from dmml_tf.demo.report import check_report, to_markdown, write_report
from tests.single_spaced import single_spaced
from tfrecords_tools.errors import UserError


def score(value: float, n: int = 10) -> dict:
    return {"value": value, "low": value - 0.02, "high": value + 0.02, "n": n}


def example() -> dict:
    spaces = {"genre": score(0.9), "era": None, "track": score(0.97, 7), "overall": score(0.9)}
    return {
        "versions": {"tensorflow": "2.15.1"},
        "seed": 0,
        "stages": [{"name": "corpus", "seconds": 12.34, "peak_rss_mib": 512.0}],
        "dataset": {
            "tracks": {"train": 350, "test": 90},
            "mutual_information": {"genre": {"era": 0.012}, "era": {"genre": 0.012}},
        },
        "triplet_accuracy": {
            "category": {"whole": spaces, "subspace": dict(spaces, genre=score(0.95))},
            "mfcc_vq": {"whole": dict(spaces, genre=score(0.61)), "subspace": spaces},
        },
        "cross_table": {"genre": {"genre": 0.9, "era": None}, "era": {"genre": 0.52, "era": None}},
        "throughput": {"pipeline_windows_per_s": 900.0, "train_windows_per_s": 200.0},
    }


def test_json_is_the_report_and_the_page_holds_its_figures(tmp_path):
    report = example()
    write_report(tmp_path / "run", report)
    assert json.loads((tmp_path / "run" / "report.json").read_text()) == report
    page = single_spaced((tmp_path / "run" / "report.md").read_text())
    for text in (
        "trained model",
        "MFCC-VQ",
        "0.900 (0.88 to 0.92)",
        "0.950 (0.93 to 0.97)",
        "0.610 (0.59 to 0.63)",
        "| era | 0.520 | none |",
        "| corpus | 12.3 | 512 |",
        "| train | 350 |",
        "tensorflow",
        "0.012",
        "pipeline windows per s | 900.0",
        "genre 10, era 0, track 7",
        "Seed 0.",
    ):
        assert text in page, text
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["report.json", "report.md"]


def test_pictures_and_files_that_are_there_are_listed(tmp_path):
    (tmp_path / "plots").mkdir()
    for name in ("plots/cross_table.png", "plots/map_genre.png", "learning_curves.png", "other.png", "history.csv"):
        (tmp_path / name).write_bytes(b"")
    page = single_spaced(to_markdown(tmp_path, example()))
    assert "![cross_table](plots/cross_table.png)" in page and "![map_genre](plots/map_genre.png)" in page
    assert "![learning_curves](learning_curves.png)" in page and "other.png" not in page
    assert "| `history.csv` |" in page and "embedding.keras" not in page


def test_nothing_measured_is_still_a_page(tmp_path):
    report = dict(example(), triplet_accuracy={}, cross_table={}, stages=[])
    report["dataset"] = {"tracks": {}, "mutual_information": {}}
    write_report(tmp_path, report)
    assert "## Triplet accuracy" not in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    "place, value, named",
    [
        (("seed",), None, "'seed'"),
        (("versions",), [], "'versions'"),
        (("cross_table",), None, "'cross_table'"),
        (("cross_table", "genre"), 0.9, "'cross_table.genre'"),
        (("cross_table", "genre", "genre"), 1.2, "'cross_table.genre.genre'"),
        (("stages", 0, "seconds"), "12", "'stages[0].seconds'"),
        (("dataset", "tracks"), 3, "'dataset.tracks'"),
        (("throughput", "train_windows_per_s"), float("nan"), "'throughput.train_windows_per_s'"),
        (("triplet_accuracy", "mfcc_vq", "whole"), None, "'triplet_accuracy.mfcc_vq.whole'"),
        (("triplet_accuracy", "mfcc_vq", "more"), {}, "'triplet_accuracy.mfcc_vq'"),
        (("triplet_accuracy", "mfcc_vq", "whole", "genre"), 0.5, "'triplet_accuracy.mfcc_vq.whole.genre'"),
        (("triplet_accuracy", "mfcc_vq", "whole", "genre", "n"), 0, "'triplet_accuracy.mfcc_vq.whole.genre.n'"),
        (("triplet_accuracy", "mfcc_vq", "whole", "genre", "low"), 0.99, "low <= high"),
        (("triplet_accuracy", "mfcc_vq", "whole", "genre", "value"), True, "genre.value'"),
    ],
)
def test_another_form_is_refused_by_name_and_nothing_is_written(tmp_path, place, value, named):
    report = copy.deepcopy(example())
    target = report
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    with pytest.raises(UserError) as refusal:
        write_report(tmp_path / "run", report)
    assert named in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


def test_the_example_keeps_the_form():
    assert check_report(example()) is None


def test_segments_have_a_heading_of_their_own(tmp_path):
    systems = {"demo": {"whole": {"genre": score(0.7)}, "subspace": {"genre": score(0.8)}}}
    segments = {"segments": 24, "songs": 12, "too_short": 3, "triplet_accuracy": systems}
    write_report(tmp_path, {**example(), "segments": segments})
    page = (tmp_path / "report.md").read_text()
    assert "## Triplet accuracy of segments\n\n24 segments of 12 songs" in page and "3 more are too short" in page
    assert page.count("0.700 (") == 1 and page.count("0.800 (") == 1
    systems["demo"]["whole"]["genre"]["value"] = 2
    with pytest.raises(UserError, match=r"'segments\.triplet_accuracy\.demo\.whole\.genre\.value'"):
        write_report(tmp_path, {**example(), "segments": segments})
    write_report(tmp_path, example())
    assert "segments" not in (tmp_path / "report.md").read_text()
