"""The Million Song Dataset's split on made files of its form: labels by dimension, previews, artists, bad input."""

import json
import os
import pickle

import numpy as np
import pytest
import soundfile

from tfrecords_tools.cli import main
from tfrecords_tools.errors import UserError
from tfrecords_tools.sources.manifest_out import Dropped, Track
from tfrecords_tools.sources.msd import DIVISION, read_msd
from tfrecords_tools.tables.manifest import read_manifest

TAGS = ["rock", "sad", "guitar", "80s", "Hip-Hop"]
ROWS = {
    "train": [("TR1", "1/1/11", [1, 0, 0, 0, 1]), ("TR2", "1/2/12", [0, 1, 0, 0, 0])],
    "valid": [("TR3", "1/3/13", [0, 0, 1, 1, 0])],
    "test": [("TR4", "1/4/14", [0, 0, 0, 0, 0])],
}


def _write_part(folder, part, rows, dtype=bool):
    for name, values in (
        ("msd_id", [row[0] for row in rows]),
        ("7d_id", [row[1][4:] for row in rows]),
        ("filename", [f"{row[1]}.npy" for row in rows]),
    ):
        (folder / f"{part}_x_{name}.txt").write_text("".join(f"{value}\n" for value in values))
    np.save(folder / f"{part}_y.npy", np.array([row[2] for row in rows], dtype))


@pytest.fixture
def labels(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    for part, rows in ROWS.items():
        _write_part(folder, part, rows)
    (folder / "tags.json").write_text(json.dumps({"order50": TAGS}))
    return folder


def _read(labels, **options) -> list[Track | Dropped]:
    return list(read_msd(labels, labels.parent / "audio", **{"skip_audio_check": True, **options}))


def _preview(audio, name: str, seconds: float):
    (audio / name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(audio / name, np.zeros(int(seconds * 1000)), 1000)


def test_the_division_is_the_papers():
    assert {name: len(tags) for name, tags in DIVISION.items()} == {"genre": 28, "mood": 12, "instrument": 5, "era": 5}
    assert len({tag for tags in DIVISION.values() for tag in tags}) == 50


def test_labels_by_dimension(labels):
    tracks = _read(labels)
    assert [(track.track_id, track.split, track.tags) for track in tracks] == [
        ("TR1", "train", {"genre": ["rock", "Hip-Hop"]}),
        ("TR2", "train", {"mood": ["sad"]}),
        ("TR3", "valid", {"instrument": ["guitar"], "era": ["80s"]}),
        ("TR4", "test", {}),
    ]
    assert tracks[0].path == str(labels.parent / "audio/1/1/11.clip.mp3")


def test_many_rows_agree_with_the_matrix(labels):
    matrix = np.random.default_rng(0).random((3000, len(TAGS))) < 0.3
    _write_part(labels, "train", [(f"TRX{k}", f"1/1/{k}", row) for k, row in enumerate(matrix)], np.uint8)
    for row, track in zip(matrix, _read(labels), strict=False):
        assert {tag for tags in track.tags.values() for tag in tags} == {TAGS[k] for k in np.flatnonzero(row)}


def test_short_and_missing_previews_are_dropped_and_listed(labels):
    audio = labels.parent / "audio"
    _preview(audio, "1/1/11.wav", 29.2)
    _preview(audio, "1/2/12.ogg", 29.0)
    (audio / "1/3").mkdir()
    (audio / "1/3/13.clip.mp3").write_text("no audio")
    first, second, third, fourth = _read(labels, skip_audio_check=False)
    assert first.path == str(audio / "1/1/11.wav")
    assert [(item.track_id, item.kind) for item in (second, third, fourth)] == [
        ("TR2", "too short"),
        ("TR3", "unreadable"),
        ("TR4", "missing"),
    ]
    assert "29.00 s, at least 29.1 s" in second.reason and "test_x_msd_id.txt line 1" in fourth.place
    assert isinstance(_read(labels, skip_audio_check=False, least_seconds=29.0)[1], Track)


@pytest.mark.parametrize("name", ["../../etc/passwd.npy", "/etc/passwd.npy", "..npy/../../x.npy", ""])
def test_a_path_that_leaves_the_audio_folder_is_dropped(labels, name):
    (labels / "valid_x_filename.txt").write_text(f"{name}\n")
    assert _read(labels)[2].kind == "bad file name"


def test_artists_and_their_bad_lines(labels, tmp_path, capsys):
    path = tmp_path / "unique_tracks.txt"
    path.write_text("TR1<SEP>SO1<SEP>Ann, B<SEP>Söng\nTR2<SEP>SO2<SEP>Bob\nTR3<SEP>SO3<SEP>Cy<SEP>\n")
    dropped, first, second, third, _ = _read(labels, artists=path)
    assert (first.artist, first.title, second.artist, third.artist) == ("Ann, B", "Söng", "", "Cy")
    assert dropped.kind == "bad line of --artists" and dropped.place == f"{path} line 2"
    assert "artists: 3, " in capsys.readouterr().err


def test_kept_tracks(labels, tmp_path):
    (tmp_path / "keep.txt").write_text("TR3\nTR1\n")
    items = _read(labels, keep=tmp_path / "keep.txt")
    assert [item.track_id for item in items if isinstance(item, Track)] == ["TR1", "TR3"]
    assert [item.kind for item in items if isinstance(item, Dropped)] == ["not in --keep"] * 2


def test_one_part_alone(labels):
    for path in [*labels.glob("train*"), *labels.glob("test*")]:
        path.unlink()
    assert [track.track_id for track in _read(labels)] == ["TR3"]


def _object_array(folder):
    np.save(folder / "valid_y.npy", np.array([[{}] * 5], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda f: np.save(f / "valid_y.npy", np.zeros((2, 5), bool)), "valid_x_msd_id.txt: has 1 lines, .*2 rows"),
        (lambda f: np.save(f / "valid_y.npy", np.zeros((1, 6), bool)), r"with 5 columns.*has \(1, 6\)"),
        (lambda f: np.save(f / "valid_y.npy", np.zeros(5, bool)), "with 5 columns"),
        (lambda f: np.save(f / "valid_y.npy", np.full((1, 5), 0.5)), "other numbers than 0 and 1"),
        (lambda f: np.save(f / "valid_y.npy", np.full((1, 5), np.nan)), "other numbers than 0 and 1"),
        (_object_array, "cannot be read as a label matrix"),
        (lambda f: (f / "valid_y.npy").write_bytes(b"no matrix"), "cannot be read as a label matrix"),
        (lambda f: (f / "valid_y.npy").unlink(), "cannot be read as a label matrix"),
        (lambda f: (f / "valid_x_filename.txt").write_text("a\nb\n"), "valid_x_filename.txt: has 2 lines"),
        (lambda f: (f / "valid_x_7d_id.txt").write_text(""), "valid_x_7d_id.txt: has 0 lines"),
        (lambda f: (f / "valid_x_msd_id.txt").write_bytes(b"\xff\n"), "valid_x_msd_id.txt: cannot be read"),
        (
            lambda f: (f / "valid_x_msd_id.txt").write_text("TR1\n"),
            "valid_x_msd_id.txt line 1: track TR1 is also in .*train_x_msd_id.txt line 1",
        ),
        (lambda f: (f / "valid_x_msd_id.txt").write_text("\n"), "is no track id"),
        (lambda f: (f / "tags.json").write_text('["rock", "sad", "guitar", "80s", "polka"]'), "unknown tag 'polka'"),
        (lambda f: (f / "tags.json").write_text('["rock", "rock"]'), "different tags"),
        (lambda f: (f / "tags.json").write_text('["rock|pop"]'), r"the tag 'rock\|pop'"),
        (lambda f: (f / "tags.json").write_text("[rock"), "tags.json: cannot be read"),
        (lambda f: [path.unlink() for path in f.glob("*_x_msd_id.txt")], "holds no train/valid/test_x_msd_id.txt"),
    ],
)
def test_bad_input_is_one_error_that_names_the_file(labels, spoil, message):
    spoil(labels)
    with pytest.raises(UserError, match=message) as caught:
        _read(labels)
    assert str(labels) in str(caught.value)


def test_the_command(labels, tmp_path, capsys):
    out = tmp_path / "songs.csv"
    assert main(["msd", f"--labels={labels}", f"--audio={tmp_path}", f"--out={out}", "--skip_audio_check"]) == 0
    shown = capsys.readouterr()
    assert "4 tracks (2 train, 1 valid, 1 test)" in shown.out and "tracks: 4/4, " in shown.err and "/s, " in shown.err
    manifest = read_manifest(out, check_audio=False)
    assert (manifest.tags, manifest.values) == (("genre", "mood", "instrument", "era"), ("tempo",))
    assert len(list(manifest)) == 4


def test_kept_tracks_are_a_text_list(labels, tmp_path):
    # A byte order mark, line ends of Windows, blank lines and spaces are what lists come with.
    (tmp_path / "keep").write_bytes(b"\xef\xbb\xbfTR4\r\n\nTR1\n TR3")
    items = _read(labels, keep=tmp_path / "keep")
    assert [(item.track_id, isinstance(item, Track)) for item in items] == [
        ("TR1", True),
        ("TR2", False),
        ("TR3", True),
        ("TR4", True),
    ]
    assert items[1].kind == "not in --keep"


class _Malicious:
    """Makes a directory when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_runs_nothing(labels, tmp_path, protocol):
    for content in (["TR1", "TR2"], {"train": ["TR1"]}, ["TR", _Malicious(tmp_path / "made")]):
        (tmp_path / "keep").write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(UserError, match="--keep .*(no track id|cannot be read).*; give a text file, one id a line"):
            _read(labels, keep=tmp_path / "keep")
    assert not (tmp_path / "made").exists()
    pickle.loads((tmp_path / "keep").read_bytes())
    assert (tmp_path / "made").exists()  # it would have


def test_a_list_of_kept_tracks_that_cannot_be_read(labels, tmp_path):
    with pytest.raises(UserError, match="--keep .*gone: cannot be read"):
        _read(labels, keep=tmp_path / "gone")
    (tmp_path / "keep").write_bytes(b"TR\xff\xfe")
    with pytest.raises(UserError, match="--keep .*keep: cannot be read .*give a text file"):
        _read(labels, keep=tmp_path / "keep")
