"""The built wheel, installed into an empty environment, does its whole job from an empty folder.

The environment borrows the dependencies of the one that runs the tests, by their folders on its path. Those folders'
own .pth files are not read there, so that an editable install is not seen.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import dmml_tf.cli
import tfrecords_tools.cli
from tests.synthetic import write_dataset

pytestmark = pytest.mark.wheel

REPOSITORY = Path(__file__).parents[1]
SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "configs", "dmml_tf", "tfrecords_tools")
TINY = (
    "--config.network.block=conv",
    "--config.network.width=(4, 1, 1, 1, 2, 4, 8)",
    "--config.batch.tracks=8",
    "--config.batch.triplets=24",
    "--config.batch.pool=12",
    "--config.train.steps=2",
    "--config.train.steps_per_epoch=2",
    "--config.train.validation_steps=1",
)
# Every command's --help in one process; prints where the packages lie and what went wrong.
HELP = """
import contextlib, io, json, sys
import dmml_tf, dmml_tf.cli, dmml_tf.configs, tfrecords_tools.cli
lines, failed = json.load(sys.stdin), []
for program, *command in lines:
    sys.argv, out = [program, *command, "--help"], io.StringIO()
    with contextlib.redirect_stdout(out):
        status = (dmml_tf.cli if program == "dmml" else tfrecords_tools.cli).main()
    if status or f"{program} {' '.join(command)}: " not in out.getvalue():
        failed.append([program, *command])
places = [module.__file__ for module in (dmml_tf, dmml_tf.configs, tfrecords_tools)]
print(json.dumps({"failed": failed, "places": places, "version": dmml_tf.__version__}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy: a build leaves folders beside its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "source")])
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel alone, and the folders of the dependencies behind it."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, with_pip=False)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "--python",
        str(folder / "bin/python"),
    ]
    run([*pip, "install", "--no-deps", "--no-index", str(wheel)])
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    assert (packages / "dmml_tf" / "configs").is_dir()
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    return folder


def run(line: list[str], cwd: Path | None = None, **options) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(line, cwd=cwd, env=clean, capture_output=True, text=True, timeout=600, **options)
    assert finished.returncode == 0, f"{line}: {finished.stdout[-2000:]}\n{finished.stderr[-2000:]}"
    return finished.stdout


def test_what_is_in_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"dmml_tf", "tfrecords_tools", "dmml"}
    assert {"dmml_tf/configs/demo.py", "dmml_tf/configs/tables/icassp2020.py", "dmml_tf/model.py"} <= {*names}
    static = REPOSITORY / "dmml_tf" / "explore" / "static"
    assert {f"dmml_tf/explore/static/{path.name}" for path in static.iterdir()} <= {*names}
    assert "tfrecords_tools/sources/debian_music.parquet" in names
    shipped = [path for path in (REPOSITORY / "dmml_tf" / "pretrained").rglob("[!.]*.*") if path.suffix != ".pyc"]
    assert {path.relative_to(REPOSITORY).as_posix() for path in shipped} <= {*names}
    assert any(name.startswith("dmml_tf/pretrained/weights-") for name in names)
    modules = [path for package in ("dmml_tf", "tfrecords_tools") for path in (REPOSITORY / package).rglob("*.py")]
    assert {path.relative_to(REPOSITORY).as_posix() for path in modules} <= {*names}


def test_every_command_has_help_in_an_empty_folder(environment, tmp_path):
    lines = [["dmml", *command.name.split()] for command in dmml_tf.cli.COMMANDS]
    lines += [["dmml-records", command.name] for command in tfrecords_tools.cli.COMMANDS]
    said = json.loads(
        run([str(environment / "bin/python"), "-c", HELP], tmp_path, input=json.dumps(lines)).splitlines()[-1]
    )
    assert said["failed"] == [] and said["version"]
    assert all(Path(place).is_relative_to(environment) for place in said["places"])


def test_the_model_that_comes_with_it_is_loaded_in_an_empty_folder(environment, tmp_path):
    code = "import dmml_tf as dmml; print(dmml.load())"
    assert "Model of " in run([str(environment / "bin/python"), "-c", code], tmp_path)
    assert (tmp_path / "runs" / "pretrained" / "model.json").exists()
    assert "musicnn" in run([str(environment / "bin/dmml"), "card"], tmp_path)


@pytest.mark.trains
def test_it_trains_by_the_name_of_a_configuration(environment, tmp_path):
    data = write_dataset(tmp_path / "data", {"train": 12, "valid": 8, "test": 8}, frames=200).folder
    line = [str(environment / "bin/dmml"), "train", "--config", "demo", f"--data={data}", "--run=runs/mine", *TINY]
    assert "runs/mine: trained on genre, mood, instrument, tempo, track" in run(line, tmp_path)
    assert (tmp_path / "runs" / "mine" / "model.json").exists()
    assert "search" in run([str(environment / "bin/dmml"), "--help"], tmp_path)
    assert "build" in run([str(environment / "bin/dmml-records"), "--help"], tmp_path)


@pytest.mark.trains
def test_it_does_the_whole_demo(environment, tmp_path):
    line = [str(environment / "bin/dmml"), "demo", "--tracks=40", "--seconds=6", "--triplets=200", *TINY]
    out = run(line, tmp_path)
    assert "all the weight on tempo" in out and "report: runs/demo/report.md" in out
    assert {"data", "runs"} == {path.name for path in tmp_path.iterdir()}
