"""A fifth kind of similarity is one class: this file alone defines one, and the whole house works with it."""

import csv
import dataclasses
import functools
import json
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.image
import numpy as np
import pytest
import soundfile

from dmml_tf.benchmarks.brute_force import BruteForce
from dmml_tf.conditions import ByLabel, Condition, Conditions, Labels, SharedTag
from dmml_tf.data.label_check import check_conditions
from dmml_tf.demo.job import draw_map
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.explore.maps import Maps
from dmml_tf.papers.build import build_table
from dmml_tf.papers.files import write_table
from dmml_tf.pictures.plots import plot_map_grid
from dmml_tf.run import Run
from dmml_tf.search.example import agree
from dmml_tf.search.index import Index
from dmml_tf.spaces import search_vectors
from tests.dmml_tf.papers.made import tiny_table
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import Command, dispatch
from tfrecords_tools.tables.tracks import Tracks

pytestmark = pytest.mark.trains


@dataclasses.dataclass(frozen=True)
class WithinRatio(ByLabel):
    """Two tracks are similar when the larger of their values is at most `ratio` times the smaller."""

    kind: ClassVar[str] = "within_ratio"
    reads_values: ClassVar[bool] = True

    ratio: float = 1.1

    def known(self, column: np.ndarray) -> np.ndarray:
        return column > 0  # no ratio without a positive value; NaN compares as False

    def alike(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.maximum(a, b) <= self.ratio * np.minimum(a, b)

    def closeness(self, labels: Labels, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        column = labels[self.column].astype(np.float64)
        return -np.abs(np.log(column[i] / column[j]))

    def fault(self, tracks: Tracks, triplets: bool = True) -> str | None:
        known = np.sort(tracks.values[self.column])
        steps = known[1:] / known[:-1]
        return None if (steps <= self.ratio).any() else f"no two tracks lie within a ratio of {self.ratio:g}"

    def classes(self, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero(self.labelled(labels))
        return rows, (np.log2(labels[self.column][rows]) * 2).astype(int)

    def agree(self, first: str, second: str) -> bool:
        return bool(first and second and self.alike(float(first), float(second)))

    def vote(self, cells: Sequence[str]) -> str:
        return f"{np.exp(np.mean(np.log([float(cell) for cell in cells]))):.6g}"


SYSTEM = """
from tests.synthetic import tiny_config


def get_config():
    config = tiny_config(steps=4, steps_per_epoch=2, width=(2, 1, 1, 1, 1, 1, 2))
    config.train.validation_steps = config.train.schedule.warmup = 1
    with config.unlocked():
        config.conditions.pulse = {"kind": "within_ratio", "column": "tempo", "ratio": 1.2, "width": 64}
    config.order = ("genre", "pulse", "track")
    config.conditions.genre.width = 192
    return config
"""
COMMANDS = [
    Command(name, name, f"dmml_tf.commands.{name}") for name in ("train", "evaluate", "index", "search", "trace")
]


def dmml(*arguments) -> None:
    assert dispatch("dmml", "", COMMANDS, [str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder of its configuration, dataset, run) of a network trained for four steps, evaluated and indexed."""
    folder = tmp_path_factory.mktemp("fifth")
    dataset = write_dataset(folder / "data", {"train": 24, "valid": 6, "test": 12}, shards=1, frames=260)
    (folder / "ratio.py").write_text(SYSTEM, encoding="utf-8")
    dmml("train", "--config", folder / "ratio.py", "--data", dataset.folder, "--run", folder / "run")
    further = ("--retrieval", "--tagging", "--disentanglement", "--triplets=200")
    dmml("evaluate", "--run", folder / "run", *further)
    dmml("index", "--run", folder / "run")
    return folder, dataset, Run.load(folder / "run")


def test_the_run_knows_it_by_its_name(trained):
    _, _, run = trained
    pulse = run.conditions[1]
    assert pulse == WithinRatio("pulse", 1.2, column="tempo") and run.conditions.names == ("genre", "pulse", "track")
    row = run.conditions.to_json()[1]
    assert row["kind"] == "within_ratio" and row["ratio"] == 1.2 and row["tolerance"] == 0.0
    assert Conditions.from_json([row]) == Conditions([pulse])


def test_it_is_trained_and_scored(trained):
    folder, _, _ = trained
    with (folder / "run" / "history.csv").open(encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    assert all(np.isfinite(float(row["accuracy_pulse"])) for row in history)
    found = json.loads((folder / "run" / "evaluation.json").read_text())
    for spaces in found["triplet_accuracy"].values():
        assert all(0 <= spaces[space]["pulse"]["value"] <= 1 for space in ("whole", "subspace"))
    assert found["retrieval"]["subspace"]["pulse"]["queries"] > 0 and "pulse" not in found["tagging"]["subspace"]
    # An oracle that knows the values alone has its own triplets right.
    assert found["disentanglement"]["labels_table"]["pulse"]["pulse"] == 1.0


def test_it_is_searched_and_traced(trained, tmp_path, capsys):
    _, _, run = trained
    capsys.readouterr()
    dmml("search", "--run", run.folder, "--track", "t000", "--weights", "pulse=1", "--format=json", "-k", "3")
    hits = json.loads(capsys.readouterr().out)["results"]
    assert len(hits) == 3
    index = Index.load(run.folder / "index")
    tempo = [float(track["tempo"]) for track in index.tracks if track["tempo"]]
    told = [agree(run.conditions[1], {"tempo": str(a)}, {"tempo": str(b)}) for a in tempo for b in tempo]
    assert told == [max(a, b) <= 1.2 * min(a, b) for a in tempo for b in tempo] and 0 < sum(told) < len(told)
    assert not agree(run.conditions[1], {"tempo": "90"}, {"tempo": ""})
    noise = 0.3 * np.random.default_rng(0).standard_normal(5 * 22050)
    soundfile.write(tmp_path / "song.wav", noise, 22050)
    dmml("trace", "--run", run.folder, "--audio", tmp_path / "song.wav", "--out", tmp_path / "trace")
    nearest = json.loads((tmp_path / "trace" / "trace.json").read_text())["subspaces"]["pulse"]["nearest"]
    assert all(min(tempo) - 1e-3 <= float(label) <= max(tempo) + 1e-3 for label in nearest)
    legend = Maps(index, tmp_path / "maps").describe("pulse")["legend"]
    assert legend == {"kind": "values", "low": min(tempo), "high": max(tempo)}


def test_it_is_plotted(trained, tmp_path):
    _, dataset, run = trained
    embedded = embed_split(Embedder.of_run(run), dataset, "test")
    draw_map(run, embedded, run.conditions, "pulse", tmp_path / "map.png")
    vectors = search_vectors(embedded.vectors, run.conditions)
    plot_map_grid(vectors, run.conditions, embedded.labels, SCHEMA.vocabularies, tmp_path / "grid.png")
    for name in ("map.png", "grid.png"):
        assert matplotlib.image.imread(tmp_path / name).std() > 0.01


def test_it_is_a_column_of_a_table(trained):
    folder, dataset, _ = trained
    system = str(folder / "ratio.py")
    rows = {
        "untrained": {"label": "untrained", "kind": "untrained", "config": system},
        "lda": {"label": "LDA", "kind": "baseline", "config": "lda"},
    }
    table = tiny_table(rows, scored=system, tagging=True)
    out = folder / "table"
    outcomes = build_table(table, dataset.folder, out, functools.partial(write_table, out, {}), None)
    assert [outcome.failed for outcome in outcomes] == [{}, {}]
    assert all("subspace.pulse" in outcome.measured[0].figures for outcome in outcomes)
    assert "pulse" in (out / "table.md").read_text()


def test_labels_without_a_triplet_are_refused(trained):
    _, dataset, _ = trained
    with pytest.raises(UserError, match="'pulse' has no triplet .*: no two tracks lie within a ratio of 1,"):
        check_conditions(dataset, "train", Conditions([WithinRatio("pulse", 1.0, column="tempo")]))


def test_what_checks_the_sampler_refuses_it():
    with pytest.raises(UserError, match="no rule for kind 'within_ratio'"):
        BruteForce({}).labelled(WithinRatio("pulse"), "t000")


def test_fields_of_other_kinds_stay_theirs():
    assert Condition.kinds["within_ratio"] is WithinRatio
    with pytest.raises(UserError, match="condition 'genre': ratio is for kind 'within_ratio', not for 'shared_tag'"):
        Conditions.from_json([{"name": "genre", "kind": "shared_tag", "ratio": 2.0}])
    assert Conditions.from_json([{"name": "genre", "kind": "shared_tag", "ratio": 1.1}])[0] == SharedTag("genre")
