"""An install without any extra: every command has help, and what needs an extra says so in one line."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import dmml_tf.cli
import tfrecords_tools.cli
from tests.synthetic import write_dataset
from tfrecords_tools.audio.decode import AudioError, load_mono
from tfrecords_tools.errors import UserError, require_extra

pytestmark = pytest.mark.spawns

# Modules of every extra of setup.py; grpc and threadpoolctl come with packages that are always there.
MODULES = (
    "ai_edge_litert",
    "apache_beam",
    "av",
    "distributed",
    "faiss",
    "fastapi",
    "fsspec",
    "madmom",
    "midirenderer",
    "mir_eval",
    "music21",
    "onnx",
    "onnxruntime",
    "pretty_midi",
    "s3fs",
    "tensorflow_addons",
    "tensorflow_serving",
    "tf2onnx",
    "uvicorn",
)
# Runs commands in one process in which those modules cannot be imported; prints [status, stdout, stderr] of each.
SCRIPT = f"""
import contextlib, io, json, sys
sys.modules.update(dict.fromkeys({MODULES!r}))
from dmml_tf import cli
from tfrecords_tools import cli as records_cli
results = []
for line in json.load(sys.stdin):
    sys.argv = line
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = (cli if line[0] == "dmml" else records_cli).main()
    results.append([status, out.getvalue(), error.getvalue()])
print(json.dumps(results))
"""


def without_extras(lines: list[list[str]]) -> list[list]:
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(lines), capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return json.loads(finished.stdout.splitlines()[-1])


HELP = [["dmml", *command.name.split(), "--help"] for command in dmml_tf.cli.COMMANDS]
HELP += [["dmml-records", command.name, "--help"] for command in tfrecords_tools.cli.COMMANDS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two songs of 4 s, a table of them with a tempo and one without, and a small dataset."""
    folder = tmp_path_factory.mktemp("songs")
    for number in range(2):
        samples = np.random.default_rng(number).uniform(-0.1, 0.1, 4 * 22_050)
        soundfile.write(folder / f"{number}.wav", samples, 22_050)
    for name, tempo in (("known", "100"), ("unknown", "")):
        rows = ["track_id,path,artist,tempo", "0,0.wav,a,100", f"1,1.wav,b,{tempo}"]
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    write_dataset(folder / "data", {"train": 4, "valid": 2, "test": 2}, frames=140)
    return folder


@pytest.mark.spawns
def test_every_command_has_help_and_what_needs_an_extra_says_so_in_one_line(folder):
    build, unknown = ["dmml-records", "build", "--workers=1"], f"--manifest={folder / 'unknown.csv'}"
    train = ["dmml", "train", "--config=demo", "--config.train.optimizer=LAMB"]
    works = [
        [*build, f"--manifest={folder / 'known.csv'}", f"--out={folder / 'a'}"],
        [*build, unknown, f"--out={folder / 'b'}", "--tempo=column"],
    ]
    refused = {
        "estimating the tempo needs madmom; install with: pip install 'dmml[tempo]' (": [
            *build,
            unknown,
            f"--out={folder / 'c'}",
        ],
        "--runner=beam needs apache_beam; install with: pip install 'dmml[beam]'": [
            *build,
            unknown,
            f"--out={folder / 'd'}",
            "--runner=beam",
        ],
        "--runner=dask needs distributed; install with: pip install 'dmml[dask]'": [
            *build,
            unknown,
            f"--out={folder / 'd'}",
            "--runner=dask",
        ],
        "s3://music/d: an address needs fsspec; install with: pip install 'dmml[cloud]'": [
            *build,
            unknown,
            "--out=s3://music/d",
        ],
        "pretty_midi, midirenderer; install with: pip install 'dmml[demo]'": [
            "dmml-records",
            "demo",
            f"--out={folder / 'e'}",
        ],
        "dmml explore needs fastapi, uvicorn; install with: pip install 'dmml[explore]'": [
            "dmml",
            "explore",
            "--run=none",
        ],
        "dmml judge needs fastapi, uvicorn; install with: pip install 'dmml[explore]'": ["dmml", "judge", "--run=none"],
        "'LAMB' needs tensorflow_addons; install with: pip install 'dmml[addons]'": [
            *train,
            f"--data={folder / 'data'}",
            f"--run={folder / 'f'}",
        ],
    }
    results = iter(without_extras([*HELP, *works, *refused.values()]))
    for line, (status, out, error) in zip(HELP, results):
        assert status == 0 and f"{' '.join(line[:-1])}: " in out, (line, error)
    for line, (status, _, error) in zip(works, results):
        assert status == 0, (line, error)
    for message, (status, _, error) in zip(refused, results):
        said = [line for line in error.splitlines() if not line.startswith("WARNING:")]  # the dataset is very small
        assert status == 2 and len(said) == 1 and message in said[0], error


def test_without_pyav_other_formats_are_refused_with_the_way_to_read_them(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    song = tmp_path / "song.m4a"
    song.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(5000))
    with pytest.raises(AudioError, match=r"\(Format not recognised\); any format but .* needs av; .*'dmml\[audio\]'"):
        load_mono(song, 22_050)


def test_only_what_is_missing_is_named(monkeypatch):
    require_extra("demo", "the study", "numpy", "scipy")
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UserError, match=r"^the study needs scipy; install with: pip install 'dmml\[demo\]' or not$"):
        require_extra("demo", "the study", "numpy", "scipy", otherwise=" or not")
