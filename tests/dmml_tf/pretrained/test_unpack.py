"""`pretrained` as the name of a run: unpacked once and whole, never over a run of the user's, damage in one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from absl import flags

import dmml_tf as dmml
from dmml_tf.cli import COMMANDS, main
from dmml_tf.pretrained import unpack
from dmml_tf.pretrained.contents import CONTENTS_FILE, Contents, stored_name
from dmml_tf.pretrained.unpack import MARK, run_folder
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from dmml_tf.search.of_run import load_index
from tests.dmml_tf.pretrained.made_package import CONDITIONS, make_package, make_run
from tfrecords_tools.errors import UserError

PLACE = Path("runs", "pretrained")


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """The package's model, looked at from an empty working folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return make_package(monkeypatch, tmp_path)


def stored(package: Path, name: str) -> Path:
    """Where a file lies in the package."""
    return package / stored_name(name, Contents.read(package).files[name])


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_is_unpacked_once_and_is_an_ordinary_run(package, capsys):
    assert run_folder("pretrained") == PLACE
    weights = json.loads((package / CONTENTS_FILE).read_text())["weights"]
    said = capsys.readouterr().err
    assert said == f"{PLACE}: the model that comes with the package is unpacked ({weights})\n"
    first = files(PLACE)
    assert {*first} == {weights, "model.json", "config.json", "heard_as.npz", MARK}
    for name in ("pretrained", "pretrained/", "./pretrained", PLACE, PLACE.absolute()):
        assert Path(run_folder(name)).absolute() == PLACE.absolute()
    assert files(PLACE) == first and capsys.readouterr().err == ""
    run = Run.load(PLACE)
    assert run.conditions == CONDITIONS and run.name == "mine" and run.dataset == "" and run.weights == weights
    x = np.random.default_rng(0).uniform(0, 1, (2, 129, 128)).astype(np.float32)
    trained = Run.load(package.parent / "trained0").embedding()
    np.testing.assert_allclose(np.asarray(run.embedding()(x)), np.asarray(trained(x)), atol=0.01)
    assert repr(dmml.load()) == repr(dmml.load("pretrained")) == "Model of 6 numbers (genre 4, tempo 2)"
    with pytest.raises(UserError, match=r"runs/pretrained: the model came without its records; name yours with --data"):
        dmml.load().evaluate()


def test_another_model_of_the_package_replaces_it_and_its_index_is_refused(package, tmp_path, monkeypatch, capsys):
    run = Run.load(run_folder("pretrained"))
    old = run.weights
    Index.build(np.eye(2, 6, dtype=np.float32), CONDITIONS, [{"id": "a"}, {"id": "b"}], run.weights_sha256()).save(
        PLACE / "index"
    )
    assert len(load_index(run).tracks) == 2
    make_package(monkeypatch, tmp_path, seed=1)
    again = Run.load(run_folder("pretrained"))
    assert "the package has another model now, which is unpacked over the earlier one" in capsys.readouterr().err
    assert again.weights != old and not (PLACE / old).exists() and (PLACE / "heard_as.npz").read_bytes() == b"tags 1"
    with pytest.raises(UserError, match="index was made by other weights .* dmml index --run runs/pretrained"):
        load_index(again)


def test_what_only_an_earlier_model_brought_goes_with_it(package, tmp_path, monkeypatch):
    assert (run_folder("pretrained") / "heard_as.npz").exists()
    make_package(monkeypatch, tmp_path, seed=1, also=())
    assert not (run_folder("pretrained") / "heard_as.npz").exists() and Run.load(PLACE).name == "mine"
    (PLACE / "heard_as.npz").write_bytes(b"of my own songs")
    make_package(monkeypatch, tmp_path, seed=2, also=())
    assert (run_folder("pretrained") / "heard_as.npz").read_bytes() == b"of my own songs"


@pytest.mark.slow
def test_each_model_of_the_package_has_its_own_name_and_place(package, tmp_path, monkeypatch, capsys):
    make_package(monkeypatch, tmp_path, seed=1, name="pretrained-musicnn")
    other = Path("runs", "pretrained-musicnn")
    first, second = Run.load(run_folder("pretrained")), Run.load(run_folder("pretrained-musicnn"))
    assert (first.folder, second.folder) == (PLACE, other) and first.weights != second.weights
    assert dmml.load("pretrained-musicnn").folder == dmml.load(other).folder == other and dmml.load().folder == PLACE
    capsys.readouterr()
    assert main(["card", "--run=pretrained-mine"]) == 2
    known = "no model 'pretrained-mine' comes with this package; known are: pretrained, pretrained-musicnn"
    assert known in capsys.readouterr().err


@pytest.mark.parametrize("name", ["weights", "model.json", "heard_as.npz"])
def test_what_is_missing_or_changed_is_unpacked_again(package, capsys, name):
    run_folder("pretrained")
    whole = files(PLACE)
    path = PLACE / (Run.load(PLACE).weights if name == "weights" else name)
    path.unlink() if name == "heard_as.npz" else path.write_bytes(b"{}")
    capsys.readouterr()
    run_folder("pretrained")
    assert "a file was missing or changed" in capsys.readouterr().err and files(PLACE) == whole


def test_what_a_user_makes_anew_beside_the_model_is_kept(package):
    (run_folder("pretrained") / "heard_as.npz").write_bytes(b"of my own songs")
    assert (run_folder("pretrained") / "heard_as.npz").read_bytes() == b"of my own songs"


def test_a_run_of_this_name_in_the_working_folder_wins_and_says_so(package, capsys):
    make_run(Path("pretrained"), 7)
    assert run_folder("pretrained") == Path("pretrained") and not PLACE.exists()
    assert "pretrained: the run of this name in the working folder is taken; the package's is runs/pretrained" in (
        capsys.readouterr().err
    )
    assert run_folder("runs/pretrained") == PLACE and (PLACE / MARK).exists()
    assert dmml.load().folder == PLACE and dmml.load("pretrained").folder == Path("pretrained")


@pytest.mark.parametrize("begun", ["model.json", "config.json"])
def test_nothing_is_written_over_a_users_run(package, begun):
    PLACE.mkdir(parents=True)
    (PLACE / begun).write_text("mine")
    with pytest.raises(UserError, match="runs/pretrained: holds a run that you trained.*rename it"):
        run_folder("pretrained")
    assert run_folder("runs/pretrained") == PLACE and files(PLACE) == {begun: b"mine"}


def spoil_weights(package: Path) -> None:
    path = next(package.glob("weights-*"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def spoil_format(package: Path) -> None:
    path = package / CONTENTS_FILE
    path.write_text(path.read_text().replace('"format": 2', '"format": 1'))


PACKAGE_FAULTS = [
    (spoil_weights, r"weights-\w{12}\.npz: the file is damaged: its SHA-256 is \w{64}, not \w{64}; install"),
    (spoil_format, r"contents\.json: the model is written in format 1, this code reads 2; install"),
    (lambda package: stored(package, "model.json").unlink(), r"model-\w{12}\.json: cannot be read .*; install"),
    (
        lambda package: stored(package, "heard_as.npz").write_bytes(b"x"),
        r"heard_as-\w{12}\.npz: the file is damaged.*; install",
    ),
    (lambda package: (package / CONTENTS_FILE).unlink(), r"contents\.json: not found, so no model comes.*; install"),
    (lambda package: (package / CONTENTS_FILE).write_text("[]"), r"contents\.json: cannot be read.*; install"),
    (lambda package: (package / CONTENTS_FILE).write_text('{"format": 2}'), r"contents\.json: cannot be read"),
]


@pytest.mark.parametrize("spoil, message", PACKAGE_FAULTS, ids=range(len(PACKAGE_FAULTS)))
def test_a_damaged_package_is_one_line_and_nothing_is_written(package, spoil, message):
    spoil(package)
    with pytest.raises(UserError, match=message) as caught:
        run_folder("pretrained")
    assert "\n" not in str(caught.value) and not Path("runs").exists()


def test_a_folder_that_cannot_be_written_is_one_line(package):
    Path("runs").write_text("a file")
    with pytest.raises(
        UserError, match="runs/pretrained: the model .* cannot be unpacked here .*room that you may write"
    ):
        run_folder("pretrained")


@pytest.mark.parametrize("written", range(5))
def test_a_full_disk_leaves_nothing_that_is_taken_for_a_run(package, monkeypatch, written):
    left, write = [written], unpack._write_file

    def until_full(path: Path, content: bytes) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(unpack, "_write_file", until_full)
        with pytest.raises(UserError, match="cannot be unpacked here .No space left on device."):
            run_folder("pretrained")
    assert Run.load(run_folder("pretrained")).weights  # the next call goes on where there is room


def test_a_disk_without_room_is_said_before_anything_is_written(package, monkeypatch):
    monkeypatch.setattr("tfrecords_tools.files.shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(UserError, match="runs/pretrained: the disk has 0.0 MiB left"):
        run_folder("pretrained")
    assert not any(PLACE.iterdir())


# Of each command that takes a run: what else it must be given.
NEEDS = {
    "embed": ["--audio=x", "--out=x.parquet"],
    "judge": ["--out=votes.csv"],
    "path": ["--from=a", "--to=b"],
    "scan": ["--library=x.dmml", "."],
    "search": ["--track=a"],
    "trace": ["--audio=x.wav"],
    "zero_shot": ["--tag=rock"],
}
TRAINS = {"train": ["--config=demo", "--data=x"], "demo": [], "heads": ["--data=x", "--musicnn=x.npz"]}


def commands_with_a_run() -> list[str]:
    names = []
    for command in COMMANDS:
        fv = flags.FlagValues()
        __import__(command.module, fromlist=["define_flags"]).define_flags(fv)
        names += [command.name] if "run" in fv else []
    return names


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*commands_with_a_run()} - {*TRAINS, "pack", "card"}))
def test_every_command_that_takes_a_run_takes_this_one(package, capsys, monkeypatch, name):
    (package / CONTENTS_FILE).unlink()
    line = [*name.split(), "--run=pretrained", *NEEDS.get(name, [])]
    monkeypatch.setattr(sys, "argv", ["dmml", *line])
    assert main(line) == 2
    said = capsys.readouterr().err
    assert "contents.json: not found, so no model comes with this package" in said and len(said.splitlines()) == 1
    assert main([name, "--help"]) == 0
    assert "pretrained: the model that comes" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINS)
@pytest.mark.parametrize("folder", ["pretrained", "runs/pretrained", "runs/../pretrained", "pretrained-musicnn"])
def test_it_is_not_trained_over(package, capsys, monkeypatch, name, folder):
    line = [name, f"--run={folder}", *TRAINS[name]]
    monkeypatch.setattr(sys, "argv", ["dmml", *line])
    assert main(line) == 2
    said = capsys.readouterr().err
    assert f"{folder}: this is the name of the model that comes with the package" in said and "runs/mine" in said
    assert len(said.splitlines()) == 1 and not any(Path().iterdir())


@pytest.mark.spawns
def test_neither_the_card_nor_unpacking_waits_for_tensorflow(tmp_path):
    code = """
import sys
import dmml_tf as dmml
from dmml_tf.commands.run_flag import run_folder
dmml.card(), run_folder("pretrained")
print("tensorflow" in sys.modules)
"""
    line = [sys.executable, "-c", code]
    finished = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert finished.stdout.strip() == "False", finished.stderr
    assert (tmp_path / PLACE / "model.json").exists()
