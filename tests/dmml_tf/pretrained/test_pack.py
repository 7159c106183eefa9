"""Packing: the same run gives the same files, no path of a machine in them, and a card that code keeps true."""

import json
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.cli import main
from dmml_tf.pretrained import pack as packing
from dmml_tf.pretrained.card import CARD_FILE, NO_FIGURES, songs_text, with_figures, with_songs
from dmml_tf.pretrained.contents import CONTENTS_FILE, MODELS, Contents, sha256, stored_name
from dmml_tf.pretrained.pack import MOST_BYTES, pack
from tests.dmml_tf.pretrained.made_package import make_run
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.debian_table import load_songs

EMPTY = "# A card\n\n<!-- songs -->\n<!-- end -->\n\nOf my own.\n\n<!-- figures -->\n<!-- end -->\n\nThe end.\n"
SCORE = {"value": 0.8125, "low": 0.7, "high": 0.9, "n": 100}
EVALUATION = {
    "split": "valid",
    "tracks": 95,
    "triplet_accuracy": {
        "mine": {
            "whole": {"genre": SCORE, "tempo": None},
            "subspace": {"genre": {**SCORE, "value": 0.9}, "tempo": None},
        },
        "mfcc_vq": {"whole": {"genre": SCORE, "tempo": SCORE}, "subspace": {"genre": SCORE, "tempo": SCORE}},
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("trained") / "mine").folder


@pytest.mark.slow
def test_the_same_run_gives_the_same_files(trained, tmp_path):
    packed = pack(trained, tmp_path / "a", ["heard_as.npz"])
    pack(trained, tmp_path / "b", ["heard_as.npz"])
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab")
    named = {stored_name(name, digest): name for name, digest in packed.contents.files.items()}
    assert first == second and {*first} == {*named, CONTENTS_FILE} and "model-" in min(named, key=len)
    assert packed.cosine > 0.9999 and packed.bytes == sum(map(len, first.values())) - len(first[CONTENTS_FILE])
    contents = Contents.read(tmp_path / "a")
    assert contents == packed.contents and contents.files["heard_as.npz"] == sha256(b"tags 0")
    assert contents.weights == f"weights-{sha256(first[contents.weights])[:12]}.npz"
    assert not [name for name, content in first.items() if b"/somebody" in content or b"/a/b" in content]
    assert json.loads(contents.file("config.json")) == {"data": "mine", "seed": 0, "list": ["b", 1]}


@pytest.mark.slow
def test_an_earlier_models_files_go(trained, tmp_path):
    earlier = pack(make_run(tmp_path / "other", seed=1).folder, tmp_path / "out", ["heard_as.npz"])
    (tmp_path / "out" / "__init__.py").write_text("kept")
    later = pack(trained, tmp_path / "out")
    stored = {stored_name(name, digest) for name, digest in later.contents.files.items()}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*stored, CONTENTS_FILE, "__init__.py"}
    assert earlier.contents.weights not in later.contents.files


@pytest.mark.slow
@pytest.mark.parametrize("written", range(6))
def test_a_full_disk_leaves_the_earlier_model_or_the_new_one(trained, tmp_path, monkeypatch, written):
    earlier = pack(make_run(tmp_path / "other", seed=1).folder, tmp_path / "out", ["heard_as.npz"]).contents
    left = [written]

    def until_full(write):
        def wrapped(path, content):
            if not left[0]:
                raise OSError(28, "No space left on device")
            left[0] -= 1
            write(path, content)

        return wrapped

    for name in ("write_bytes", "write_json"):
        monkeypatch.setattr(packing, name, until_full(getattr(packing, name)))
    if written < 6:
        with pytest.raises(UserError, match=r"out: cannot be written .No space left on device.; make room") as caught:
            pack(trained, tmp_path / "out", ["heard_as.npz"])
        assert "\n" not in str(caught.value)
    contents = Contents.read(tmp_path / "out")
    assert contents == earlier and all(contents.file(name) for name in contents.files)


@pytest.mark.parametrize(
    "name", ["model.json", "config.json", "contents.json", "card.md", "pretrained.json", "weights-1.npz"]
)
def test_what_is_written_anyway_is_not_taken_along(trained, tmp_path, capsys, name):
    assert main(["pack", f"--run={trained}", f"--out={tmp_path}", f"--also={name}"]) == 2
    assert f"--also: '{name}' is written by dmml pack itself; leave it out" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_cannot_be_shipped_is_one_line(trained, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"--also: '\.\./x' is no name of a file"):
        pack(trained, tmp_path, ["../x"])
    with pytest.raises(UserError, match=r"none\.npz: cannot be read"):
        pack(trained, tmp_path, ["none.npz"])
    learned = make_run(tmp_path / "learned", masks=np.ones((2, 6), np.float32))
    with pytest.raises(UserError, match="its masks were learned and overlap"):
        pack(learned.folder, tmp_path)
    monkeypatch.setattr("dmml_tf.pretrained.pack.MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"the packed files have 0\.\d MB, at most .* train a narrower network"):
        pack(trained, tmp_path)
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.slow
def test_the_card_is_filled_and_what_people_wrote_stays(trained, tmp_path, capsys):
    (tmp_path / CARD_FILE).write_text(EMPTY)
    assert main(["pack", f"--run={trained}", f"--out={tmp_path}", "--also=heard_as.npz"]) == 0
    assert "weights-" in (said := capsys.readouterr().out) and "MB in all" in said and "heard_as.npz" in said
    text = (tmp_path / CARD_FILE).read_text()
    assert NO_FIGURES in text and "Of my own." in text and text.endswith("The end.\n") and "0ad-data" in text
    (trained / "evaluation.json").write_text(json.dumps(EVALUATION))
    pack(trained, tmp_path)
    (trained / "evaluation.json").unlink()
    text = (tmp_path / CARD_FILE).read_text()
    assert NO_FIGURES not in text and "on the 95 tracks of the split `valid`" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert ["this model", "the condition's own sub-space", "0.900 (0.70 to 0.90)", "-"] in rows
    assert [row for row in rows if row[0] == "MFCC-VQ"] == [["MFCC-VQ", "whole space", *["0.812 (0.70 to 0.90)"] * 2]]
    with pytest.raises(UserError, match=r"card\.md: has no section between <!-- figures --> and <!-- end -->"):
        with_figures("# A card", None)


def test_every_song_of_the_corpus_is_counted_and_listed(capsys):
    songs, rows = load_songs(), [line for line in with_songs(EMPTY).splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    packages = {song.package for song in songs}
    assert [row[0] for row in cells[:-1]] == sorted(packages) and cells[-1][0] == f"{len(packages)} packages"
    assert sum(int(row[1]) for row in cells[:-1]) == int(cells[-1][1]) == len(songs)
    assert abs(sum(int(row[2]) for row in cells[:-1]) - int(cells[-1][2])) < len(packages)
    assert main(["card", "--songs"]) == 0
    assert capsys.readouterr().out.strip() == songs_text() and len(songs_text().splitlines()) == len(songs) + 2


def test_a_card_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS, "pretrained", tmp_path)
    assert main(["card"]) == 2
    assert "card.md: cannot be read (No such file or directory); install the package again" in capsys.readouterr().err


def test_packed_files_are_small_enough_by_default():
    assert MOST_BYTES == 5_000_000
