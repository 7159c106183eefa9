"""`dmml-records` as a user types it: statuses, one line of error, a build in a process of its own."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from tfrecords_tools.cli import COMMANDS, main


@pytest.fixture
def manifest(tmp_path):
    """Thirty short tracks."""
    rows = ["track_id,path,artist,genre"]
    for k in range(30):
        soundfile.write(tmp_path / f"{k}.wav", np.random.default_rng([k]).uniform(-0.2, 0.2, 70_000), 22_050)
        rows.append(f"t{k},{k}.wav,artist {k},g{k % 3}")
    (tmp_path / "songs.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "songs.csv"


def test_overview(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command.name in text and command.summary in text for command in COMMANDS)


def test_help_of_build_names_the_licence_of_madmoms_models(capsys):
    assert main(["build", "--help"]) == 0
    assert "CC BY-NC-SA" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "argv, message",
    [
        (["build"], "--manifest"),
        (["build", "--manifest=no.csv", "--out=x"], "no.csv: cannot be read"),
        (["build", "--manifest=no.csv", "--out=x", "--workers=-1"], "workers"),
        (["bild"], "unknown command 'bild'"),
        (["build", "--manifest=no.csv", "--out=x", "--tempo=guess"], "madmom|madmom_reference|column|none"),
    ],
)
def test_bad_input_is_one_line_and_status_2(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    text = capsys.readouterr().err
    assert message in text and text.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.spawns
def test_a_build_and_a_second_one(manifest, tmp_path, capsys):
    arguments = ["build", f"--manifest={manifest}", f"--out={tmp_path / 'x'}", "--workers=1"]
    assert main(arguments) == 0
    assert "tracks: 24 train, 3 valid, 3 test; rejected: 0" in capsys.readouterr().out
    assert main(arguments) == 0
    assert main([*arguments, "--seed=2"]) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.spawns
def test_ctrl_c_ends_everything_with_130(manifest, tmp_path):
    out = tmp_path / "x"
    run = subprocess.Popen(
        [sys.executable, "-m", "tfrecords_tools.cli", "build", f"--manifest={manifest}", f"--out={out}", "--workers=1"],
        # The first look at the audio takes a while in a new process, so that the interrupt comes in the middle.
        env={**os.environ, "PYTHONPATH": ":".join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (out / ".build" / "key").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    # As a terminal does: to the whole group, workers included.
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert run.returncode == 130, errors
    assert "Traceback" not in errors and "interrupted; run the same command again with --resume" in errors
    assert not (out / "dataset.json").exists() and not list(out.glob("*/.*.tmp"))
    assert _ends(run.pid, 10)


def _ends(group: int, seconds: float) -> bool:
    """Whether no process of a group is left within so many seconds."""
    for _ in range(int(seconds / 0.05)):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
