"""The main job in small: on the made corpus and on a table of one's own files."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from dmml_tf.configs import demo as demo_config

from dmml_tf.demo import job
from dmml_tf.demo.job import LOUDNESS, DemoPlan, make_records, run_demo, with_every_column
from dmml_tf.demo.report import check_report
from dmml_tf.demo.stages import Stages
from dmml_tf.run import Run
from tests.synthetic import SCHEMA
from tfrecords_tools.dataset import Dataset, Shard
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.schema import Schema

RATE = 22_050


def small_config():
    config = demo_config.get_config()
    # Blocks of one convolution: what the job does with its network is the same, and tracing it takes a fifth.
    config.network.block, config.network.width = "conv", (2, 2, 2, 2, 4, 4, 8)
    config.batch.tracks, config.batch.triplets = 8, 64
    config.train.steps, config.train.steps_per_epoch, config.train.validation_steps = 4, 2, 1
    return config


def check_run(folder, conditions):
    report = json.loads((folder / "report.json").read_text())
    check_report(report)
    assert set(report["triplet_accuracy"]) == {"demo", "mfcc_vq", "untrained"}
    for system in report["triplet_accuracy"].values():
        assert set(system["subspace"]) == {*conditions, "track", "overall"}
    assert report["throughput"]["pipeline_windows_per_s"] > 0 < report["throughput"]["train_windows_per_s"]
    for file in (
        "report.md",
        "embedding.keras",
        "history.csv",
        "plots/learning_curves.png",
        "plots/cross_table.png",
        "export/dmml/1/saved_model.pb",
        "index/vectors.npy",
        "tensorboard/projector_config.pbtxt",
    ):
        assert (folder / file).exists(), file
    return report


@pytest.mark.trains
@pytest.mark.spawns
def test_the_corpus_goes_all_the_way_and_only_once(tmp_path, capsys):
    plan = DemoPlan(str(tmp_path / "data"), str(tmp_path / "run"), tracks=40, seconds=6.0, triplets=100)
    run_demo(small_config(), plan)
    first = capsys.readouterr().out
    report = check_run(tmp_path / "run", {"genre", "mood", "instrument", "tempo"})
    assert Run.load(tmp_path / "run").features == Dataset.load(tmp_path / "data").features == LogMel(loudness=LOUDNESS)
    assert [stage["name"] for stage in report["stages"]][:3] == ["corpus", "records", "training"]
    assert sum(report["dataset"]["tracks"].values()) == 40
    for name in ("tempo", "instrument", "genre"):
        assert f"all the weight on {name}" in first
    written = (tmp_path / "run" / "report.json").stat().st_mtime_ns
    run_demo(small_config(), plan)
    assert (tmp_path / "run" / "report.json").stat().st_mtime_ns == written
    # The same three searches again: what a second call prints is what the first one did.
    assert capsys.readouterr().out.split("query ")[1:] == first.split("query ")[1:]


def write_table(folder, tracks=24, seconds=6.0):
    """Noise bursts at a tempo, coloured by genre; a dimension of one's own and a column of numbers."""
    rng = np.random.default_rng(0)
    with open(folder / "songs.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "path", "artist", "genre", "scene", "loudness:value", "tempo"])
        for n in range(tracks):
            tempo = float(rng.uniform(70, 160))
            time = np.arange(int(seconds * RATE)) / RATE
            tone = np.sin(2 * np.pi * (200 if n % 2 else 900) * time) * ((time * tempo / 60) % 1 < 0.2)
            name = f"{n}.{('wav', 'flac', 'ogg', 'mp3')[n % 4]}"
            soundfile.write(folder / name, 0.3 * tone + rng.normal(0, 0.01, len(time)), RATE)
            writer.writerow(
                [
                    n,
                    name,
                    f"artist {n // 4}",
                    "low" if n % 2 else "high",
                    "night|club" if n % 3 else "day",
                    n / tracks,
                    f"{tempo:.1f}",
                ]
            )
    return folder / "songs.csv"


@pytest.mark.trains
def test_a_table_of_ones_own_gets_a_subspace_for_every_column(eagerly, in_this_process, tmp_path):
    manifest = write_table(tmp_path)
    run = run_demo(small_config(), DemoPlan(str(tmp_path / "data"), str(tmp_path / "run"), str(manifest), triplets=50))
    assert set(run.conditions.subspaces) == {"genre", "scene", "loudness", "tempo"}
    assert run.embedding().output_shape[-1] == 4 * 64
    check_run(tmp_path / "run", {"genre", "scene", "loudness", "tempo"})


def test_segments_go_with_a_table_of_ones_own(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(job, "build_dataset", lambda manifest, out, options, **how: given.update(how))
    plan, stages = DemoPlan(str(tmp_path), manifest="songs.csv", segments="segments.csv"), Stages(tmp_path / "s.json")
    make_records(small_config(), plan, stages)
    assert given["segments"] == "segments.csv"
    with pytest.raises(UserError, match="--segments=segments.csv: are parts of the songs of --manifest; give that too"):
        make_records(small_config(), dataclasses.replace(plan, manifest=None), stages)


def test_columns_that_give_no_triplet_are_left_out(tmp_path, capsys):
    schema = Schema(
        {"genre": ("folk", "jazz"), "number": tuple(f"{n:02d}" for n in range(9))}, ("tempo", "one", "none")
    )
    header = ("track_id", "title", "artist", "split", "duration", *schema.vocabularies, *schema.values)
    rows = [(f"t{n}", "", "", "train", 9, ("folk", "jazz")[n % 2], f"{n:02d}", 90, 1, "") for n in range(9)]
    lines = [",".join(map(str, row)) for row in (header, *rows)]
    (tmp_path / "tracks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tracks = [
        {"track_id": row[0], "artist": "", "title": "", "duration": 9.0, "log_mel": np.zeros((388, 128), np.float16)}
        | {"tags/genre": [n % 2], "tags/number": [n], "values/tempo": 90.0, "values/one": 1.0, "values/none": None}
        for n, row in enumerate(rows)
    ]
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as writer:
        for track in tracks:
            writer.write(schema.encode(track))
    dataset = Dataset(tmp_path, "made", schema, LogMel(), {"train": (Shard("x.tfrecord", 9, ""),)})
    config = demo_config.get_config()
    assert set(with_every_column(config, dataset).conditions) == set(config.conditions)
    said = capsys.readouterr().out
    assert "column number: left out, since no two tracks share a tag" in said
    assert said.count("left out, since no two of its numbers differ") == 2


def test_known_columns_are_left_as_configured(synthetic):
    config = demo_config.get_config()
    assert with_every_column(config, synthetic).to_json() == config.to_json()
    assert set(SCHEMA.vocabularies) <= set(config.conditions)


@pytest.mark.parametrize("column", ["genre", "tempo"])
def test_a_condition_that_reads_the_column_counts_as_known(synthetic, column):
    config = demo_config.get_config()
    fields = config.conditions[column].to_dict()
    del config.conditions[column]
    config.conditions["other"] = {**fields, "column": column}
    assert column not in with_every_column(config, synthetic).conditions
