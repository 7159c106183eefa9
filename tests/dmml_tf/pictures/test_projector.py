"""The projector's files, and a real TensorBoard that reads them."""

import json
import shutil
import urllib.parse
import urllib.request
from collections import Counter

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.pictures.browser import chromium
from dmml_tf.pictures.projector import metadata_tsv, sample_rows, tensors_of, write_index, write_projector
from dmml_tf.pictures.sprite import MAX_SIDE, THUMBNAIL, thumbnail, thumbnails_of, write_sprite
from dmml_tf.pictures.tensorboard import picture_of_projector, tensorboard_process
from dmml_tf.search.index import Index
from tests.dmml_tf.search.made import made_index
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.spawns

NASTY = "one\ttab\nand\r\nlines\u2028more\x85\x00"


@pytest.fixture(scope="module")
def index():
    made = made_index(12)
    made.tracks[3]["title"] = NASTY
    return made


@pytest.fixture(scope="module")
def log_dir(index, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    thumbnails = np.random.default_rng(0).integers(0, 256, (12, THUMBNAIL, THUMBNAIL)).astype(np.uint8)
    write_projector(folder, tensors_of(index, np.arange(12)), index.tracks, thumbnails)
    return folder


def test_one_tensor_a_subspace_and_one_of_the_whole_with_relative_paths(index, log_dir):
    config = text_format.Parse((log_dir / "projector_config.pbtxt").read_text(), ProjectorConfig())
    assert [tensor.tensor_name for tensor in config.embeddings] == ["whole", "genre", "mood", "tempo"]
    for tensor in config.embeddings:
        vectors = np.loadtxt(log_dir / tensor.tensor_path, delimiter="\t", ndmin=2)
        expected = index.vectors[:, index.slices.get(tensor.tensor_name, slice(None))]
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
        assert list(tensor.tensor_shape) == list(expected.shape)
        for path in (tensor.tensor_path, tensor.metadata_path, tensor.sprite.image_path):
            assert not path.startswith("/") and (log_dir / path).is_file()
    assert [path.name for path in log_dir.iterdir() if path.name.startswith(".")] == []


def test_a_condition_called_whole_is_bad_input():
    conditions = Conditions([SharedTag("whole", width=3)])
    other = Index.build(np.ones((2, 3)), conditions, [{"id": "a"}, {"id": "b"}])
    with pytest.raises(UserError, match="whole"):
        tensors_of(other, np.arange(2))


def test_metadata_is_a_line_a_track_whatever_a_title_holds(index):
    text = metadata_tsv(index.tracks)
    lines = text.splitlines()
    assert len(lines) == 13 and {line.count("\t") for line in lines} == {6}
    assert lines[0].split("\t") == ["title", "artist", "id", "split", "genre", "mood", "tempo"]
    assert lines[4].split("\t")[0] == "one tab and lines more ?"
    assert lines[1].split("\t")[2:] == [index.tracks[0][name] for name in ("id", "split", "genre", "mood", "tempo")]


def test_a_sample_keeps_every_groups_share_and_follows_its_seed():
    tracks = [{"id": f"t{i}", "genre": "abc"[min(i // 70, 2)], "mood": "xy"[i % 2]} for i in range(100)]
    rows = sample_rows(tracks, ("genre", "mood"), 20)
    assert Counter(tracks[row]["genre"] for row in rows) == {"a": 14, "b": 6}
    assert len(set(rows)) == 20 and (np.diff(rows) > 0).all()
    assert rows.tolist() == sample_rows(tracks, ("genre", "mood"), 20).tolist()
    assert rows.tolist() != sample_rows(tracks, ("genre", "mood"), 20, seed=1).tolist()
    assert sample_rows(tracks, ("genre",), 100).tolist() == list(range(100))


def test_a_thumbnail_has_time_to_the_right_and_high_bands_above():
    log_mel = np.zeros((300, 128), np.float16)
    log_mel[200:, :16] = 5.0  # low, and late: the thumbnail shows frames 86 to 213
    picture = thumbnail(log_mel, LogMel())
    assert picture[-8:, 57:].min() == 255 and picture[:-8].max() == 0 and picture[:, :57].max() == 0
    assert thumbnail(np.ones((5, 128)), LogMel()).shape == (64, 64)


def test_a_sprite_is_square_and_holds_the_thumbnails_row_by_row(tmp_path):
    thumbnails = np.stack([np.full((4, 4), 40 * k, np.uint8) for k in range(5)])
    write_sprite(thumbnails, tmp_path / "sprite.png")
    pixels = np.asarray(Image.open(tmp_path / "sprite.png"))
    assert pixels.shape == (12, 12) and pixels[0, ::4].tolist() == [0, 40, 80]
    assert pixels[4, ::4].tolist() == [120, 160, 0]
    with pytest.raises(ValueError, match="8192"):
        write_sprite(np.zeros((20_000, 64, 64), np.uint8), tmp_path / "none.png")
    assert 100 * THUMBNAIL <= MAX_SIDE  # what 10,000 points need


def test_thumbnails_come_in_the_order_asked_for_and_none_is_missing():
    levels = {"a": 0.3, "b": 0.9, "c": 0.5}
    rows = [{"track_id": name, "log_mel": np.full((130, 128), level)} for name, level in levels.items()]
    pictures = thumbnails_of(rows, ["c", "a"], LogMel())
    assert pictures.shape == (2, 64, 64) and pictures[0].mean() > pictures[1].mean() > 0
    with pytest.raises(UserError, match="'d'.*dmml index"):
        thumbnails_of(rows, ["a", "d"], LogMel())


def test_an_index_of_other_records_is_bad_input(index, synthetic, tmp_path):
    with pytest.raises(UserError, match="not in the dataset"):
        other = Index(index.vectors[:1], index.conditions, [{**index.tracks[0], "id": "else"}])
        write_index(tmp_path, other, synthetic)


def get(address: str, path: str, **query: str) -> bytes:
    page = f"{address}/data/plugin/projector/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(page, timeout=20) as answer:
        return answer.read()


@pytest.mark.spawns
def test_a_real_tensorboard_serves_it_after_the_folder_was_moved(index, log_dir, tmp_path):
    shutil.copytree(log_dir, tmp_path / "moved")
    with tensorboard_process(tmp_path / "moved") as address:
        assert json.loads(get(address, "runs")) == ["."]
        info = json.loads(get(address, "info", run="."))
        assert [tensor["tensorName"] for tensor in info["embeddings"]] == ["whole", "genre", "mood", "tempo"]
        for name, size in (("whole", 13), ("genre", 6), ("tempo", 4)):
            served = np.frombuffer(get(address, "tensor", run=".", name=name), np.float32).reshape(12, size)
            np.testing.assert_allclose(served, index.vectors[:, index.slices.get(name, slice(None))], atol=1e-5)
        lines = get(address, "metadata", run=".", name="genre").decode().rstrip("\n").split("\n")
        assert len(lines) == 13 and lines[4].startswith("one tab and lines more ?\t")
        image = get(address, "sprite_image", run=".", name="mood")
        assert image == (log_dir / "projector" / "sprite.png").read_bytes()


def test_a_tensorboard_that_does_not_start_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(UserError, match="did not start"), tensorboard_process(tmp_path):
        pass


def test_no_browser_is_one_line(monkeypatch, log_dir, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="install one of chromium"):
        picture_of_projector(log_dir, tmp_path / "page.png")


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine: apt-get install chromium")
def test_the_page_in_a_real_browser_shows_the_points(log_dir, tmp_path):
    picture_of_projector(log_dir, tmp_path / "page.png")
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("RGB")).astype(int)
    assert pixels.shape == (900, 1400, 3)
    # TensorBoard's bar is orange; in the middle are thumbnails, in magma's violets, on white.
    assert (np.abs(pixels[30, 300] - [247, 124, 0]) < 12).all()
    red, green, blue = np.moveaxis(pixels[130:880, 320:1090], 2, 0)
    violet = (red > green + 30) & (blue > green + 30)
    assert violet.sum() > 300
