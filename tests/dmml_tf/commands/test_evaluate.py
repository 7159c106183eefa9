"""`dmml evaluate` on a made run."""

import json
import re

import numpy as np
import pytest
from absl import flags
from tensorflow import keras

import dmml_tf as dmml
from dmml_tf.baselines import compare as compare_module
from dmml_tf.baselines.mfcc_vq import MfccVq
from dmml_tf.commands import evaluate
from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.demo.report import check_report
from dmml_tf.run import Run
from tests.synthetic import write_dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=4),
        Within("tempo", 5.0, width=4),
        SameTrack("track", width=0, weight=0.5),
    ]
)


def tiny_embedding(size: int, features: LogMel = PAPER_CHAIN) -> keras.Model:
    """The interface of `build_embedding`, small."""
    assert features == PAPER_CHAIN
    inputs = keras.Input((129, 128))
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(inputs)))


@pytest.fixture
def run_folder(synthetic, tmp_path, monkeypatch):
    monkeypatch.setattr("dmml_tf.models.embedding.build_embedding", tiny_embedding)
    monkeypatch.setattr(compare_module, "build_embedding", tiny_embedding)
    monkeypatch.setattr(compare_module, "MfccVq", lambda seed: MfccVq(32, 4000, seed))
    keras.utils.set_random_seed(4)
    run = Run(
        tmp_path / "run",
        CONDITIONS,
        {"size": 8},
        synthetic.features,
        synthetic.schema,
        str(synthetic.folder),
        name="category",
    )
    run.save(tiny_embedding(8))
    return run.folder


def call(*arguments: str) -> None:
    values = flags.FlagValues()
    evaluate.define_flags(values)
    values(["evaluate", *arguments])
    evaluate.run(values)


def test_it_prints_the_figures_that_it_writes(run_folder, capsys):
    call(f"--run={run_folder}", "--triplets=200", "--baselines")
    printed = capsys.readouterr().out
    written = json.loads((run_folder / "evaluation.json").read_text())
    assert list(written["triplet_accuracy"]) == ["category", "mfcc_vq", "untrained"]
    assert written["split"] == "test" and written["tracks"] == 16
    for spaces in written["triplet_accuracy"].values():
        for score in (*spaces["whole"].values(), *spaces["subspace"].values()):
            assert f"{score['value']:.3f} ({score['low']:.2f} to {score['high']:.2f})" in printed
    assert re.search(r"Mean of the diagonal minus mean of the rest: -?\d", printed)
    check_report(
        {
            "versions": {},
            "seed": 0,
            "stages": [],
            "dataset": {"tracks": {}, "mutual_information": {}},
            "throughput": {"pipeline_windows_per_s": 1, "train_windows_per_s": 1},
            "triplet_accuracy": written["triplet_accuracy"],
            "cross_table": written["cross_table"],
        }
    )


def test_without_baselines_the_model_alone_and_the_same_figures_again(run_folder):
    call(f"--run={run_folder}", "--triplets=100", "--split=valid")
    first = (run_folder / "evaluation.json").read_text()
    call(f"--run={run_folder}", "--triplets=100", "--split=valid")
    assert (run_folder / "evaluation.json").read_text() == first
    content = json.loads(first)
    assert list(content["triplet_accuracy"]) == ["category"] and content["tracks"] == 12
    assert np.isfinite(content["triplet_accuracy"]["category"]["whole"]["track"]["value"])


def test_a_run_or_a_dataset_that_is_not_there_is_bad_input(run_folder, tmp_path):
    with pytest.raises(UserError, match="train a model first"):
        call(f"--run={tmp_path / 'none'}")
    with pytest.raises(UserError, match="dataset.json"):
        call(f"--run={run_folder}", f"--data={tmp_path / 'none'}")
    assert not (run_folder / "evaluation.json").exists()


def test_a_run_that_is_called_as_a_baseline_is_told_apart_by_a_refusal(run_folder):
    path = run_folder / "model.json"
    path.write_text(path.read_text().replace('"name": "category"', '"name": "untrained"'))
    with pytest.raises(UserError, match="its configuration is called 'untrained', as one of the baselines is"):
        call(f"--run={run_folder}", "--triplets=20", "--baselines")


def test_segments_have_a_part_of_their_own(run_folder, tmp_path, capsys):
    data = write_dataset(tmp_path / "parts", {"train": 4, "test": 14}, segments=True)
    call(f"--run={run_folder}", f"--data={data.folder}", "--triplets=50", "--retrieval")
    printed, written = capsys.readouterr().out, json.loads((run_folder / "evaluation.json").read_text())
    segments = written["segments"]
    # Two halves of 5 s, of three in four songs, and a window of 3 s in each.
    assert (segments["segments"], segments["songs"], segments["too_short"]) == (24, 12, 0)
    scores = segments["triplet_accuracy"]["category"]["whole"]
    assert set(scores) == {"genre", "tempo", "overall"} and scores["genre"]["n"] == 50
    assert set(segments["retrieval"]) == {"whole", "subspace"}
    for said in ("Segments, 24 of 12 songs.", "Whole space, segments:", "Retrieval of segments, whole space:"):
        assert said in printed
    assert f"{scores['tempo']['value']:.3f} ({scores['tempo']['low']:.2f} to" in printed
    in_python = dmml.load(run_folder).evaluate(data, triplets=50)
    assert in_python.segments == {name: segments[name] for name in segments if name != "retrieval"}
    assert "Segments, 24 of 12 songs." in str(in_python) and "Retrieval" not in str(in_python)
    call(f"--run={run_folder}", "--triplets=50", "--retrieval")
    assert "segments" not in json.loads((run_folder / "evaluation.json").read_text())
    assert not re.search("segments[,.:]", capsys.readouterr().out)
