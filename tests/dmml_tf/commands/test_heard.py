"""`dmml heard`, and what a search then says of songs without labels, on a run whose network is one matrix."""

import json
import shutil

import numpy as np
import pytest

from dmml_tf.commands.heard import FIGURES_FILE, PICTURE_FILE, figures_text
from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.embed.embedder import Embedder
from dmml_tf.heard import fit as fit_module
from dmml_tf.heard.heard_as import HEARD_FILE, HeardAs, find_heard_as
from dmml_tf.models.embedding import build_embedding
from dmml_tf.pretrained.contents import Contents
from dmml_tf.pretrained.pack import pack
from dmml_tf.run import Run
from dmml_tf.search.index import INDEX_FOLDER, Index
from tests.dmml_tf.heard.made import CONDITIONS as MADE
from tests.dmml_tf.heard.made import VOCABULARIES, songs
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools.features import LogMel
from tfrecords_tools.program import Command, dispatch

CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4)])
NETWORK = {"block": "conv", "width": 2, "size": 10}
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("heard", "search")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on 60 / 30 tracks of 3 s, and an index of songs whose vectors tell their labels, the first half without."""
    folder = tmp_path_factory.mktemp("heard")
    write_dataset(folder / "data", {"train": 60, "valid": 30}, frames=130)
    write_dataset(folder / "no_valid", {"train": 6}, frames=130)
    run = Run(folder / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, str(folder / "data"))
    run.save(build_embedding(**NETWORK))
    (run.folder / "config.json").write_text("{}")
    return folder


def dmml(capsys, *arguments) -> tuple[int, str, str]:
    capsys.readouterr()
    status = dispatch("dmml", "", COMMANDS, [str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def tells_genre(self, windows: np.ndarray) -> np.ndarray:
    """A network whose first three numbers are the bands that the made songs' genres light."""
    bands = np.stack([windows[:, :, 10 * g + 4 : 10 * g + 10].mean(axis=(1, 2)) for g in range(3)], axis=1)
    return np.pad(bands, ((0, 0), (0, 7)), constant_values=0.1).astype(np.float32)


@pytest.mark.slow
def test_the_command_writes_scores_figures_and_a_picture_the_same_each_time(folder, capsys, monkeypatch):
    monkeypatch.setattr(Embedder, "__call__", tells_genre)
    status, out, err = dmml(capsys, "heard", "--run", folder / "run")
    assert status == 0, err
    assert "genre" in out and "3 tags, AUC 1.000, mAP 1.000" in out
    assert "tempo is left out: no better on valid than to say the same of every song" in out
    assert out.splitlines()[-1].startswith("written: ")
    written = {name: (folder / "run" / name).read_bytes() for name in (HEARD_FILE, FIGURES_FILE, PICTURE_FILE)}
    figures = json.loads(written[FIGURES_FILE])
    assert figures["model"] == Run.load(folder / "run").weights_sha256() and figures["conditions"]["genre"]["kept"]
    assert written[PICTURE_FILE].startswith(b"\x89PNG")
    assert list(HeardAs.load(folder / "run" / HEARD_FILE).parts) == ["genre"]
    pack(folder / "run", folder / "packed", also=[HEARD_FILE])
    contents = Contents.read(folder / "packed")
    (folder / "unpacked").mkdir()
    for name in contents.files:
        (folder / "unpacked" / name).write_bytes(contents.file(name))
    packed = Run.load(folder / "unpacked")
    assert find_heard_as(packed.folder, packed.weights_sha256()) is not None
    assert dmml(capsys, "heard", "--run", folder / "run", "--data", folder / "data")[0] == 0
    assert written == {name: (folder / "run" / name).read_bytes() for name in written}


@pytest.mark.parametrize(
    "data, message",
    [
        ("no_valid", "no track in its valid split; what is heard needs train and valid"),
        ("nowhere", "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, capsys, data, message, tmp_path):
    shutil.copytree(folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns("heard_as*"))
    before = sorted(path.name for path in (tmp_path / "run").iterdir())
    status, out, err = dmml(capsys, "heard", "--run", tmp_path / "run", "--data", folder / data)
    assert status == 2 and message in err and len(err.strip().splitlines()) == 1 and not out
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before


def test_a_model_without_labels_in_the_data_is_one_line(folder, capsys, tmp_path):
    other = Conditions([SharedTag("era", width=6), Within("year", 1.0, width=4), SharedTag("genre", width=0)])
    Run(tmp_path / "run", other, NETWORK, LogMel(), SCHEMA, str(folder / "data")).save(build_embedding(**NETWORK))
    status, _, err = dmml(capsys, "heard", "--run", tmp_path / "run")
    assert status == 2 and len(err.strip().splitlines()) == 1
    assert "no sub-space of the model has labels there: its conditions are era, year, genre, the data's columns" in err


@pytest.fixture
def searched(tmp_path):
    """A run's folder with an index of 20 songs, the first ten without labels, and what is heard in them."""
    heard_as, _ = fit_module.fit_heard_as(songs(200, 0), songs(100, 1), MADE, VOCABULARIES, "abc")
    made = songs(20, 2)
    tracks = [
        {"id": f"s{i:02d}", "title": f"Song {i}", "artist": "A", "split": "", "genre": "" if i < 10 else "jazz"}
        for i in range(20)
    ]
    Index.build(made.vectors, MADE, tracks, "abc").save(tmp_path / INDEX_FOLDER)
    heard_as.save(tmp_path / HEARD_FILE)
    return tmp_path, made, heard_as


def results(capsys, folder, *arguments) -> dict[str, dict]:
    status, out, err = dmml(capsys, "search", "--run", folder, "--track", "s00", "-k", 19, "--format=json", *arguments)
    assert status == 0, err
    return {row["id"]: row for row in json.loads(out)["results"]}


def test_results_without_labels_say_what_is_heard(searched, capsys):
    folder, made, heard_as = searched
    rows = results(capsys, folder)
    assert {name for name, row in rows.items() if "heard_as" in row} == {f"s{i:02d}" for i in range(1, 10)}
    for number in range(1, 10):
        said = heard_as.heard(made.vectors[number : number + 1])[0]
        for name, several in rows[f"s{number:02d}"]["heard_as"].items():
            assert [one["label"] for one in several] == [one.label for one in said[name]]
    assert all("heard_as" in row for row in results(capsys, folder, "--heard").values())
    assert not any("heard_as" in row for row in results(capsys, folder, "--noheard").values())
    status, out, _ = dmml(capsys, "search", "--run", folder, "--track", "s00", "-k", 19)
    lines = out.splitlines()
    assert status == 0 and "(heard as " in lines[0] and "heard as" in lines[1]
    assert any(" tempo " in line for line in lines[2:])


def test_what_other_weights_made_or_nothing_made_is_one_line(searched, capsys):
    folder, _, _ = searched
    index = Index.load(folder / INDEX_FOLDER)
    Index(np.array(index.vectors), index.conditions, index.tracks, "other", index.lengths).save(folder / INDEX_FOLDER)
    status, _, err = dmml(capsys, "search", "--run", folder, "--track", "s00")
    assert status == 2 and "was made by other weights" in err and len(err.strip().splitlines()) == 1
    (folder / HEARD_FILE).unlink()
    assert dmml(capsys, "search", "--run", folder, "--track", "s00")[0] == 0
    status, _, err = dmml(capsys, "search", "--run", folder, "--track", "s00", "--heard")
    assert status == 2 and f"{HEARD_FILE}: not found; make it with: dmml heard --run" in err


def test_the_text_of_conditions_that_were_not_judged():
    assert figures_text({"a": {"kept": False, "why": "w"}}) == "a is left out: w"
