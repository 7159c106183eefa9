"""`dmml evaluate --votes`: people's votes beside a made run and its floors; every bad file in one line."""

import json

import numpy as np
import pytest

from dmml_tf.commands import evaluate
from tests.dmml_tf.commands.test_evaluate import call, run_folder  # noqa: F401 (a fixture)
from tests.dmml_tf.data.judgements.made_judgements import dim_sim_row, write_csv
from tests.dmml_tf.data.judgements.made_votes import vote_row
from tests.single_spaced import single_spaced
from tfrecords_tools.program import Command, dispatch

COMMANDS = [Command("evaluate", "", evaluate.__name__)]


def status(run_folder, *arguments) -> int:
    return dispatch("dmml", "", COMMANDS, ["evaluate", f"--run={run_folder}", "--triplets=60", *arguments])


def votes_on(songs, count: int, seed: int = 0) -> list[dict]:
    """Two listeners on triplets of `songs`, every third asked because systems disagree."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(count):
        three = tuple(str(song) for song in rng.choice(songs, 3, replace=False))
        why, likely = ("disagreeing", 4.0) if number % 3 == 2 else ("random", 0.6)
        answer = rng.choice(["song1", "song2"])
        for code in ("k1", "k2"):
            rows.append(vote_row(len(rows) + 1, three, answer, code, "AB"[len(rows) % 2], "", why, likely))
    return rows


def test_votes_on_the_records_songs(run_folder, tmp_path, capsys):
    rows = votes_on([f"t{n:03d}" for n in range(68)], 30)
    rows.append(vote_row(len(rows) + 1, ("t000", "t001", "t002"), "same", start=60.0))  # beyond the song's end
    file = write_csv(tmp_path / "votes.csv", rows)
    call(f"--run={run_folder}", "--triplets=60", "--baselines", f"--votes={file}")
    printed = single_spaced(capsys.readouterr().out)
    written = json.loads((run_folder / "evaluation.json").read_text())["votes"]
    assert (written["votes"], written["triplets"], written["without_clips"]) == (61, 31, 1)
    assert set(written["agreement"]) == {"category", "mfcc_vq", "untrained"}
    assert set(written["agreement"]["category"]["all"]) == {"whole", "genre", "tempo"}
    assert set(written["agreement"]["mfcc_vq"]["all"]) == {"whole"}
    assert written["agreement"]["untrained"]["disagreeing"]["tempo"]["0.9"]["n"] == 10
    assert written["alpha"]["random"]["value"] == 1.0 and set(written["weights"]["weights"]) == {"genre", "tempo"}
    for line in ("People: 61 votes of 2 listeners", "| MFCC-VQ | whole |", "its track ends before", "--weights "):
        assert line in printed


def test_counts_and_a_folder_of_clips(run_folder, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for song in ("1", "2", "3"):
        np.save(tmp_path / f"{song}.npy", rng.normal(size=(130, 128)).astype(np.float32))
    file = write_csv(tmp_path / "raw.csv", [dim_sim_row(1, ("1", "2", "3"), (8, 1))])
    call(f"--run={run_folder}", "--triplets=60", f"--votes={file}", f"--clips={tmp_path}")
    written = json.loads((run_folder / "evaluation.json").read_text())["votes"]
    counts = {t: score and score["n"] for t, score in written["agreement"]["category"]["all"]["whole"].items()}
    assert counts == {"0.5": 1, "0.6": 1, "0.7": 1, "0.8": 1, "0.9": None} and written["weights"] is None
    assert "of unnamed listeners on 1 triplets" in capsys.readouterr().out


@pytest.mark.parametrize(
    "rows, message",
    [
        (None, "votes.csv: cannot be read"),
        ([{"song": "x", "stars": 5}], "votes.csv: row 1: 'anchor_id' is missing"),
        ([dim_sim_row(1, ("t000", "nobody", "nothing"), (1, 0))], "has no track 'nobody', which was judged (2 of 3"),
    ],
)
def test_bad_votes_are_one_line(run_folder, tmp_path, capsys, rows, message):
    if rows is not None:
        write_csv(tmp_path / "votes.csv", rows)
    assert status(run_folder, f"--votes={tmp_path / 'votes.csv'}") == 2
    error = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert len(error) == 1 and message in error[0]
    assert not (run_folder / "evaluation.json").exists()
