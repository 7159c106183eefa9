"""A tree of audio: ids from paths, names from tags, no loop, no run that ends because of one file."""

import csv
import os

import mutagen.flac
import numpy as np
import pytest
import soundfile

from tfrecords_tools.audio.suffixes import AUDIO_SUFFIXES
from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.folder import read_folder
from tfrecords_tools.sources.manifest_out import Track
from tfrecords_tools.tables.manifest import read_manifest


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "music"
    for name in ("b/two.flac", "a/one, first.wav", "a/c/three.OGG"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, np.zeros(8000), 8000)
    tags = mutagen.flac.FLAC(root / "b/two.flac")
    tags["title"], tags["artist"] = "Zwei\nTeile", "Ann|Bob"
    tags.save()
    return root


def _ids(root) -> list[str]:
    return [item.track_id for item in read_folder(root) if isinstance(item, Track)]


def test_ids_titles_and_artists(tree):
    assert [(track.track_id, track.title, track.artist) for track in read_folder(tree)] == [
        ("a/one, first.wav", "one, first", ""),
        ("a/c/three.OGG", "three", ""),
        ("b/two.flac", "Zwei Teile", "Ann|Bob"),
    ]


def test_the_command_writes_what_the_manifest_reads(tree, tmp_path, capsys):
    assert main(["folder", f"--audio={tree}", f"--out={tmp_path / 'songs.csv'}"]) == 0
    shown = capsys.readouterr()
    assert "3 tracks (3 without split)" in shown.out and "files: 3/3, " in shown.err and "/s, " in shown.err
    rows = list(read_manifest(tmp_path / "songs.csv"))
    assert [row.track_id for row in rows] == _ids(tree)
    assert [row.path for row in rows] == [str(tree / row.track_id) for row in rows]


def test_links_that_lead_back_do_not_hang(tree):
    os.symlink(tree, tree / "a/up")
    os.symlink(tree / "a", tree / "a/c/up")
    assert _ids(tree) == ["a/one, first.wav", "a/c/three.OGG", "b/two.flac"]


def test_a_linked_folder_is_followed(tree, tmp_path):
    os.symlink(tree / "b", tree.parent / "elsewhere")
    (tmp_path / "root").mkdir()
    os.symlink(tree / "b", tmp_path / "root/link")
    assert _ids(tmp_path / "root") == ["link/two.flac"]


def test_other_files_are_counted_by_reason(tree):
    (tree / "cover.jpg").write_text("x")
    (tree / "empty.mp3").touch()
    (tree / "new\nline.mp3").write_text("x")
    os.symlink(tree / "gone", tree / "broken.mp3")
    open(os.fsencode(tree) + b"/\xff.mp3", "wb").close()
    dropped = {item.track_id: item.kind for item in read_folder(tree) if not isinstance(item, Track)}
    assert dropped == {
        "cover.jpg": "no audio by its suffix",
        "empty.mp3": "unreadable",
        "broken.mp3": "unreadable",
        "new\nline.mp3": "bad file name",
        "\udcff.mp3": "bad file name",
    }


def test_unreadable_tags_end_nothing(tree, monkeypatch):
    random = np.random.default_rng(0)
    heads = {
        ".mp3": b"ID3\x04\x00\x00\x00\x00\x0f\x00",
        ".flac": b"fLaC",
        ".m4a": b"\0\0\0\x18ftypM4A ",
        ".ogg": b"OggS",
        ".aiff": b"FORM\0\0\0\xffAIFF",
        ".wma": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    }
    for suffix, head in heads.items():
        for k in range(20):
            (tree / f"x{k}{suffix}").write_bytes(head + random.bytes(300))
    assert len(_ids(tree)) == 3 + 20 * len(heads)
    # The last: a tag that says it has more bytes than there is memory.
    for hostile in (lambda *_, **__: {}["x"], lambda *_, **__: bytes(1 << 62)):
        monkeypatch.setattr("mutagen.File", hostile)
        assert len(_ids(tree)) == 3 + 20 * len(heads)


TWINS = ("Cafe\u0301.wav", "Caf\u00e9.wav", " Caf\u00e9.wav", "CAF\u00c9.wav")


def test_files_whose_names_look_alike_get_ids_of_their_own(tmp_path, capsys):
    root = tmp_path / "music"
    root.mkdir()
    for number, name in enumerate(TWINS):
        soundfile.write(root / name, np.full(8000, number / 10), 8000)
    ids = {os.path.basename(track.path): track.track_id for track in read_folder(root)}
    assert ids == {
        " Caf\u00e9.wav": "Caf\u00e9.wav (2)",
        "CAF\u00c9.wav": "CAF\u00c9.wav",
        "Cafe\u0301.wav": "Caf\u00e9.wav (3)",
        "Caf\u00e9.wav": "Caf\u00e9.wav",
    }
    assert main(["folder", f"--audio={root}", f"--out={tmp_path / 'songs.csv'}"]) == 0
    assert f"noted: 2 names (see {tmp_path / 'songs.notes.csv'})" in capsys.readouterr().out
    rows = list(read_manifest(tmp_path / "songs.csv"))
    assert {os.path.basename(row.path): row.track_id for row in rows} == ids
    with open(tmp_path / "songs.notes.csv", encoding="utf-8", newline="") as file:
        noted = [(int(row["line"]), row["track_id"], row["kind"]) for row in csv.DictReader(file)]
    assert noted == [(row.line, row.track_id, "names") for row in rows if row.track_id.endswith(")")]
    (root / TWINS[0]).unlink()
    (root / TWINS[2]).unlink()
    assert main(["folder", f"--audio={root}", f"--out={tmp_path / 'songs.csv'}"]) == 0
    assert "noted" not in capsys.readouterr().out and not (tmp_path / "songs.notes.csv").exists()


def test_all_artists_of_a_file_are_kept(tree):
    tags = mutagen.flac.FLAC(tree / "b/two.flac")
    tags["artist"] = ["Ann", "Bob", " Ann"]
    tags.save()
    assert [track.artist for track in read_folder(tree)][2] == "Ann|Bob"


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="is no folder"):
        list(read_folder(tmp_path / "gone"))


def test_files_of_every_suffix_that_decoders_read_are_taken(tmp_path):
    for suffix in AUDIO_SUFFIXES:
        (tmp_path / f"x{suffix.upper()}").write_bytes(b"sound")
    (tmp_path / "x.txt").write_text("x")
    assert sorted(_ids(tmp_path)) == sorted(f"x{suffix.upper()}" for suffix in AUDIO_SUFFIXES)
    assert {".wv", ".ape", ".tta", ".mka", ".mp4", ".m4b", ".webm", ".caf", ".au", ".aifc", ".w64", ".dsf"} <= {
        *AUDIO_SUFFIXES
    }
