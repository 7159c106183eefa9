"""The front door: it is lazy, its names are true, and the examples in their docstrings run as written."""

import ast
import contextlib
import doctest
import functools
import importlib
import inspect
import io
import subprocess
import sys
from pathlib import Path

import ml_collections
import numpy as np
import pytest
import soundfile

import dmml_tf as dmml
import dmml_tf.trained
import dmml_tf.training.train
from dmml_tf.cli import main
from tests.eager import eager_functions
from tests.synthetic import tiny_config

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
RATE = 22_050
TRACKS = 24


def run_in_a_fresh_process(code: str) -> str:
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@pytest.mark.spawns
def test_opening_the_door_and_naming_conditions_imports_no_tensorflow():
    code = """
import sys
import dmml_tf as dmml
dmml.Conditions([dmml.SharedTag("genre"), dmml.Within("tempo", 5.0), dmml.SameTrack("track", width=0)])
assert {"build", "train", "load", "__version__"} <= {*dir(dmml)}, dir(dmml)
dmml.UserError, dmml.load_config("demo"), dmml.RestClient
print(sorted({"tensorflow", "keras", "matplotlib", "sklearn"} & {*sys.modules}))
dmml.TripletHinge
print("tensorflow" in sys.modules)
"""
    assert run_in_a_fresh_process(code).splitlines() == ["[]", "True"]


def test_every_name_has_one_home_and_is_documented_there():
    assert sorted(dmml.__all__) == sorted([*dmml._HOMES, "__version__"])
    for name, (module, attribute) in dmml._HOMES.items():
        home = getattr(importlib.import_module(module), attribute)
        assert getattr(dmml, name) is home
        assert ">>> " in inspect.getdoc(home) or ">>> " in "".join(map(str, methods_docs(home))), name
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        dmml.tarin  # noqa: B018


def methods_docs(home) -> list[str | None]:
    return [inspect.getdoc(method) for _, method in inspect.getmembers(home, inspect.isfunction)]


def test_editors_are_told_the_same_homes():
    tree = ast.parse(Path(dmml.__file__).read_text(encoding="utf-8"))
    typed = next(node for node in tree.body if isinstance(node, ast.If))
    told = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == dmml._HOMES


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder as the examples find it: songs.csv and its songs, music/, a.wav, b.wav; data/mine and runs/mine."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "music").mkdir()
    rows = ["track_id,path,artist,title,split,genre,tempo"]
    splits = ["train"] * 12 + ["valid"] * 6 + ["test"] * 6
    for number, split in enumerate(splits, 1):
        name, tempo = f"t{number:03d}", 90 + 2 * (number % 8)
        write_song(folder / "music" / f"{name}.wav" if number <= 4 else folder / f"{name}.wav", number)
        place = f"music/{name}.wav" if number <= 4 else f"{name}.wav"
        rows.append(f"{name},{place},artist {number},Song {number},{split},{'rock' if number % 2 else 'jazz'},{tempo}")
    (folder / "songs.csv").write_text("\n".join(rows) + "\n")
    for name in ("a", "b"):
        write_song(folder / f"{name}.wav", ord(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        dmml.build("songs.csv", "data/mine", workers=1)
    return folder


def write_song(path: Path, seed: int) -> None:
    time = np.arange(4 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 220 * 2 ** (seed % 12 / 12) * time)
    soundfile.write(path, tone + np.random.default_rng(seed).normal(0, 0.02, len(time)), RATE)


@pytest.fixture
def at_desk(desk, monkeypatch) -> Path:
    """The examples' folder as the working one; trainings are of a narrow network for two steps, whatever they ask."""
    whole = dmml_tf.training.train.train

    def narrow(config: ml_collections.ConfigDict, *rest):
        small = tiny_config()
        config.network, config.batch = small.network, {**small.batch, "tracks": 8, "pool": 12}
        config.train.update({"steps": 2, "steps_per_epoch": 2, "validation_steps": 1, "warmup": 0})
        with contextlib.redirect_stdout(io.StringIO()), eager_functions():  # its progress is no part of an example
            return whole(config, *rest)

    monkeypatch.setattr(dmml_tf.training.train, "train", narrow)
    monkeypatch.setattr(dmml, "load", functools.cache(dmml.load))  # most examples begin with it
    monkeypatch.chdir(desk)
    if not Path("runs/mine/model.json").exists():
        dmml.train(
            "data/mine", "runs/mine", conditions=[dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)], steps=1000
        )
    return desk


@pytest.mark.trains
@pytest.mark.parametrize("name", dmml._HOMES)
def test_the_examples_run_as_written(name, at_desk):
    failures, run = [], 0
    for example in doctest.DocTestFinder(recurse=True).find(getattr(dmml, name), name, globs={"dmml": dmml, "np": np}):
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        # A graph is traced only where it is what is written.
        with contextlib.nullcontext() if example.name.endswith(".export") else eager_functions():
            outcome = runner.run(example, out=failures.append)
        assert not outcome.failed, "".join(failures)
        run += outcome.attempted
    assert run, f"{name} has no example that runs"


@pytest.mark.usefixtures("eagerly")
@pytest.mark.trains
def test_the_whole_job_as_the_door_says_it(at_desk, capsys):
    data = dmml.build("songs.csv", "data/mine")
    conditions = [dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)]
    model = dmml.train(data, "runs/mine", conditions=conditions, steps=1000)
    assert model.conditions.names == ("genre", "tempo") and repr(model) == "Model of 256 numbers (genre 128, tempo 128)"
    model = dmml.load("runs/mine")
    songs = model.embed(["a.wav", Path("b.wav")])
    assert np.asarray(songs).dtype == np.float32 and songs.shape == (2, 256) and len(list(songs)) == 2
    assert np.array_equal(songs[1], model.embed("b.wav")[0]) and np.array_equal(np.stack(songs), songs.vectors)
    assert np.allclose(np.linalg.norm(songs.subspaces["tempo"], axis=1), 1.0)
    index = model.index(data)
    by_file = index.search("a.wav", weights={"tempo": 1, "genre": 0.2}, k=5)
    assert len(by_file) == 5 and str(by_file).splitlines()[0].split()[:4] == ["#", "id", "title", "artist"]
    assert by_file.ids == index.search(songs[0], weights={"tempo": 1, "genre": 0.2}, k=5).ids
    mixed = index.search(mix={"genre": "t001", "tempo": "t002"}, unlike=["t003"], where={"tempo": (90, 94)}, k=50)
    assert not {"t001", "t002", "t003"} & {*mixed.ids}
    assert {float(hit.track["tempo"]) for hit in mixed} <= {90.0, 92.0, 94.0} and mixed.ids
    assert {hit.track["genre"] for hit in index.search("t001", where={"genre": "Jazz"}, k=50)} == {"jazz"}
    assert index.search("t001", where={"tempo": 92}).ids and index.search(["t001", "t002"], k=1).ids
    scores = model.evaluate(data, split="test", triplets=50)
    assert "Whole space:" in str(scores) and "Cross table:" in str(scores)
    assert scores.diagonal_gap is not None and scores.disentanglement is not None
    assert scores.accuracy["demo"]["whole"]["genre"]["n"] == 50


@pytest.mark.usefixtures("eagerly")
@pytest.mark.trains
def test_a_folder_of_music_is_searched_like_a_dataset(at_desk, capsys):
    model = dmml.load("runs/mine")
    (at_desk / "music" / "broken.wav").write_bytes(b"RIFF no sound")
    (at_desk / "music" / " t001.wav").write_bytes((at_desk / "music" / "t001.wav").read_bytes())
    index = model.index("music", workers=1)
    (at_desk / "music" / " t001.wav").unlink()
    assert index.ids == ["t001.wav", "t001.wav (2)", *(f"t{number:03d}.wav" for number in range(2, 5))]
    said = capsys.readouterr().err
    assert "1 files could not be used, the first is broken.wav: " in said
    assert "noted: 1 names, the first is t001.wav (2): " in said
    assert index.search("music/t001.wav", k=1)[0].score == pytest.approx(2.0, abs=1e-5)  # it finds itself
    with pytest.raises(dmml.UserError, match="nowhere"):
        model.index("nowhere")


@pytest.mark.usefixtures("eagerly")
@pytest.mark.trains
def test_what_the_commands_leave_the_door_reads_and_the_other_way_round(at_desk, capsys):
    model = dmml.load("runs/mine")
    assert model.index(dmml.Dataset.load("data/mine")).save() == Path("runs/mine/index")
    assert main(["search", "--run=runs/mine", "--track=t001", "--weights=tempo=1", "-k=3"]) == 0
    table = "\n".join(capsys.readouterr().out.splitlines()[1:])
    assert table == str(model.index().search("t001", weights={"tempo": 1}, k=3))
    assert main(["evaluate", "--run=runs/mine", "--triplets=50"]) == 0
    assert str(model.evaluate(triplets=50)) in capsys.readouterr().out


@pytest.mark.usefixtures("eagerly")
@pytest.mark.trains
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: dmml.load("nowhere"), "nowhere.*train a model first"),
        (lambda: dmml.train("data/mine", "runs/x", config="dome"), "no configuration 'dome'; known are: "),
        (lambda: dmml.train("nowhere", "runs/x"), "nowhere"),
        (lambda: dmml.train("data/mine", "runs/mine", steps=7), "holds a run of another configuration"),
        (lambda: index().search(), "nothing to search by"),
        (lambda: index().search("t999"), "t999: no such file, and no track 't999' in the index; ids like it: t0"),
        (lambda: index().search("none.wav"), r"none\.wav: no such file"),
        (lambda: index().search(np.zeros(3)), r"has 256 numbers here; this one has shape \(3,\)"),
        (lambda: index().search("t001", weights={"mood": 1}), "no condition 'mood' to weigh"),
        (lambda: index().search(mix={"mood": "t001"}), "no condition 'mood' to mix"),
        (lambda: index().search("t001", where={"mood": "calm"}), "no column 'mood' to filter by"),
        (lambda: dmml.load("runs/mine").search_vectors("a.wav", {"mood": 1}), "no condition 'mood' to weigh"),
        (lambda: dmml.load("runs/mine").embed("none.wav"), r"none\.wav: file not found"),
    ],
)
def test_bad_input_is_one_line(at_desk, call, message):
    with pytest.raises(dmml.UserError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def index():
    return dmml.load("runs/mine").index("data/mine")


def test_conditions_share_the_embedding_unless_they_say_their_width(monkeypatch):
    trained = []
    monkeypatch.setattr(dmml_tf.training.train, "train", lambda config, *rest: trained.append((config, rest)))
    monkeypatch.setattr(dmml_tf.trained, "load", lambda folder: None)
    three = [dmml.SharedTag("a", column="genre"), dmml.SharedTag("genre"), dmml.Within("tempo", 2.0)]
    own = dmml.load_config("category")
    dmml.train("data", "runs/a", conditions=three, config=own, steps=7)
    dmml.train("data", "runs/b", conditions=[dmml.SharedTag("genre", width=24), dmml.SameTrack("track", width=0)])
    dmml.train("data", "runs/c", conditions=[dmml.SameTrack("track", width=0)], config="specialized:mood")
    shared, named, whole = (config for config, _ in trained)
    assert [shared.conditions[name].width for name in shared.order] == [86, 85, 85] and shared.embedding == 256
    assert (shared.train.steps, shared.train.steps_per_epoch) == (7, 7) and shared.mask == "none"
    assert own.to_json() == dmml.load_config("category").to_json()  # what is handed in stays as it is
    assert named.order == ("genre", "track") and named.embedding == 24 and named.train.steps == 600
    assert whole.embedding == 256 and whole.conditions.track.width == 0
    assert [rest[-1] for _, rest in trained] == ["disentangled_track", "demo", "specialized"]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.trains
def test_a_network_that_fit_has_trained_is_a_model_too(at_desk):
    conditions = dmml.Conditions([dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)])
    model = dmml.Model(dmml.embedding_network(block="conv", width=(4, 1, 1, 1, 2, 4, 8), size=128), conditions)
    assert model.index("data/mine").search("t001", k=2).ids and model.embed("a.wav").shape == (1, 128)
    for call in (model.evaluate, model.export, model.index):
        with pytest.raises(dmml.UserError, match="this model is of no run"):
            call()
    with pytest.raises(dmml.UserError, match=r"give save\(\) a folder"):
        model.index("data/mine").save()
