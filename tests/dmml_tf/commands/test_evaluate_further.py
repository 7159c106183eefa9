"""`dmml evaluate` with its further measures on a made run."""

import dataclasses
import json

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, Judged, SameTrack, SharedTag
from dmml_tf.run import Run
from tests.dmml_tf.commands.test_evaluate import call, run_folder  # noqa: F401 (a fixture)
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, odd_row, write_csv
from tests.single_spaced import single_spaced
from tfrecords_tools.errors import UserError


@pytest.fixture
def clips(tmp_path):
    """Three mel arrays, and judgements of both kinds that also name clips that are not there."""
    folder, rng = tmp_path / "clips", np.random.default_rng(0)
    folder.mkdir()
    for song in ("1", "2", "3"):
        np.save(folder / f"{song}.npy", rng.normal(size=(130, 128)).astype(np.float32))
    lost = [dim_sim_row(9, ("1", "2", f"lost{n}"), (9, 0)) for n in range(7)]
    write_csv(
        tmp_path / "raw.csv", [dim_sim_row(1, ("1", "2", "3"), (9, 1)), dim_sim_row(2, ("1", "2", "3"), (3, 2)), *lost]
    )
    write_csv(tmp_path / "comparisons_final.csv", [odd_row((1, 2, 3), (0, 5, 0))], "\t")
    return folder


def test_every_measure_is_printed_and_written(run_folder, clips, capsys):
    call(
        f"--run={run_folder}",
        "--triplets=150",
        "--retrieval",
        "--tagging",
        "--disentanglement",
        f"--dim_sim={clips.parent / 'raw.csv'}",
        f"--odd_one_out={clips.parent / 'comparisons_final.csv'}",
        f"--clips={clips}",
    )
    printed = single_spaced(capsys.readouterr().out)
    written = json.loads((run_folder / "evaluation.json").read_text())
    genre = written["retrieval"]["subspace"]["genre"]
    assert list(genre["recall"]) == ["1", "2", "4", "8"]
    assert f"| genre | {genre['recall']['1']:.3f} |" in printed and "Retrieval, whole space:" in printed
    assert f"| genre | {written['tagging']['whole']['genre']['macro']:.3f} | 3 | 0 | 16 |" in printed
    figure = written["disentanglement"]["figure"]
    assert f"Disentanglement: {figure['value']:.3f}" in printed
    assert written["disentanglement"]["labels_table"]["genre"]["genre"] == 1.0
    assert list(written["disentanglement"]["mutual_information"]) == ["genre", "tempo"]
    assert written["dim_sim"]["triplets"] == 8 and written["dim_sim"]["no_majority"] == 1
    assert written["dim_sim"]["without_clips"] == len(written["dim_sim"]["missing"]) == 7
    assert written["dim_sim"]["agreement"]["whole"]["n"] == 1 and "and 2 more, see the file" in printed
    assert list(written["odd_one_out"]["agreement"]) == ["whole", "genre", "tempo"]
    assert written["odd_one_out"]["agreement"]["whole"]["n"] == 2 and written["odd_one_out"]["missing"] == {}


@pytest.mark.parametrize(
    "conditions, shown",
    [
        ([SameTrack("track", width=0)], ()),
        ([SharedTag("genre", width=0), SharedTag("mood", width=0)], ()),
        ([Judged("votes", width=8)], ("What labels alone give",)),
        ([SharedTag("genre", width=8)], ("What labels alone give", "Mutual information")),
    ],
)
def test_a_run_with_nothing_to_tell_apart_says_so(run_folder, capsys, conditions, shown):
    run = Run.load(run_folder)
    dataclasses.replace(run, conditions=Conditions(conditions)).save(run.embedding())
    call(f"--run={run_folder}", "--triplets=40", "--disentanglement")
    printed = single_spaced(capsys.readouterr().out)
    assert "Disentanglement: nothing can be told apart; it takes two sub-spaces with held-out triplets" in printed
    for part in ("What labels alone give", "Mutual information"):
        assert (part in printed) == (part in shown)
    assert json.loads((run_folder / "evaluation.json").read_text())["disentanglement"]["figure"] is None


def test_judgements_without_a_folder_of_clips_are_bad_input(run_folder, clips):
    with pytest.raises(UserError, match="need --clips=FOLDER"):
        call(f"--run={run_folder}", f"--dim_sim={clips.parent / 'raw.csv'}")
    with pytest.raises(UserError, match="--clips=.*none is no folder; name the one where the judged clips are"):
        call(f"--run={run_folder}", f"--dim_sim={clips.parent / 'raw.csv'}", f"--clips={clips.parent / 'none'}")
    assert not (run_folder / "evaluation.json").exists()
