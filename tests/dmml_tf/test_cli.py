"""`dmml`: every command has help, and bad input gives one line and exit status 2."""

import sys

import pytest

from dmml_tf.cli import COMMANDS, main

CONFIG = "--config=configs/demo.py"


def call(monkeypatch, *arguments: str) -> int:
    # The --config flag reads the process's arguments by itself.
    monkeypatch.setattr(sys, "argv", ["dmml", *arguments])
    return main()


def test_help_lists_every_command_with_one_line(monkeypatch, capsys):
    assert call(monkeypatch, "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    for command in COMMANDS:
        assert sum(line.startswith(f"  {command.name} ") and command.summary in line for line in lines) == 1


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_each_command_has_help(monkeypatch, capsys, command):
    assert call(monkeypatch, *command.split(), "--help") == 0
    out = capsys.readouterr().out
    assert f"dmml {command}: " in out and "\n  --" in out


def test_a_name_of_two_words_may_have_the_underscore_of_before(monkeypatch, capsys):
    assert call(monkeypatch, "bench_search", "--help") == 0
    assert "dmml bench search: " in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["bench"], ["bench", "--help"]])
def test_bench_alone_lists_what_is_measured(monkeypatch, capsys, arguments):
    assert call(monkeypatch, *arguments) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    benches = [command.name for command in COMMANDS if command.name.startswith("bench ")]
    assert [" ".join(line.split()[:2]) for line in lines] == benches and len(benches) >= 9


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["bench", "fly"], ["unknown command 'bench fly'", "known are: bench search, bench paths"]),
        (["fly"], ["unknown command 'fly'", "train"]),
        (["train", CONFIG, "--data=x"], ["--run"]),
        (["train", CONFIG, "--data=nowhere", "--run=r"], ["nowhere", "dmml-records build"]),
        (["train", "--data=x", "--run=r"], ["--config"]),
        (["train", "--config=configs/none.py", "--data=x", "--run=r"], ["configs/none.py"]),
        (["train", CONFIG, "--config.train.nope=1", "--data=x", "--run=r"], ["no field", "nope"]),
        (["train", CONFIG, "--config.train.steps=many", "--data=x", "--run=r"], ["many"]),
        (["train", CONFIG, "--wings=2", "--data=x", "--run=r"], ["wings"]),
        (["evaluate", "--run=nowhere"], ["nowhere", "train"]),
        (["search", "--run=nowhere", "--track=a"], ["nowhere"]),
        (["export", "--run=nowhere"], ["nowhere"]),
        (["demo", "--manifest=none.csv", "--data=DIR/d", "--run=DIR/r"], ["none.csv"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_bad_input_is_one_line_and_status_2(monkeypatch, capsys, tmp_path, arguments, words):
    assert call(monkeypatch, *(argument.replace("DIR", str(tmp_path)) for argument in arguments)) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    for word in words:
        assert word in error
