"""Pictures: whole files, the right points and colours, and no crash on odd data."""

import matplotlib.image
import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.pictures.layout import map_2d, shown_tag
from dmml_tf.pictures.plots import plot_cross_table, plot_learning_curves, plot_map, plot_map_grid
from tfrecords_tools.errors import UserError

GENRE = SharedTag("genre")
TEMPO = Within("tempo", 5.0)


def pixels(path) -> np.ndarray:
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []
    return matplotlib.image.imread(path)[:, :, :3]


def holds(image: np.ndarray, colour: str) -> bool:
    wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return bool((np.abs(image - wanted).max(axis=2) < 0.01).any())


def test_learning_curves_show_training_and_validation(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss,genre\n1,0.2,0.3,0.5\n2,0.1,,0.7\n")
    plot_learning_curves(tmp_path / "history.csv", tmp_path / "curves.png")
    image = pixels(tmp_path / "curves.png")
    assert holds(image, "#1f77b4") and holds(image, "#d62728")


@pytest.mark.parametrize("content", ["", "epoch,loss\n", "epoch,loss\n1,x\n", "loss,val_loss\n1,2\n"])
def test_a_history_that_is_none_is_bad_input(tmp_path, content):
    (tmp_path / "history.csv").write_text(content)
    with pytest.raises(UserError, match="history.csv"):
        plot_learning_curves(tmp_path / "history.csv", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_a_missing_history_is_bad_input(tmp_path):
    with pytest.raises(UserError, match="history.csv"):
        plot_learning_curves(tmp_path / "history.csv", tmp_path / "curves.png")


def test_cross_table_tells_high_from_chance_and_takes_gaps(tmp_path):
    plot_cross_table({"a": {"a": 1.0, "b": 0.5}, "b": {"a": 0.5, "b": None}}, tmp_path / "t.png")
    image = pixels(tmp_path / "t.png")
    assert holds(image, "#053061") and holds(image, "#c8c8c8")  # full blue, and grey for the gap
    with pytest.raises(UserError, match="empty"):
        plot_cross_table({}, tmp_path / "u.png")


def test_a_map_of_tags_and_of_values(tmp_path):
    rng = np.random.default_rng(0)
    genre = rng.integers(-1, 3, (40, 1)).astype(np.int32)
    vectors = np.eye(4)[genre[:, 0]] + 0.05 * rng.normal(size=(40, 4))
    plot_map(vectors, GENRE, {"genre": genre}, ("a", "b", "c"), tmp_path / "genre.png")
    image = pixels(tmp_path / "genre.png")
    assert all(holds(image, colour) for colour in ("#1f77b4", "#ff7f0e", "#2ca02c", "#c8c8c8"))
    assert not holds(image, "#d62728")
    tempo = np.where(np.arange(40) % 4, rng.uniform(60, 180, 40), np.nan).astype(np.float32)
    plot_map(vectors, TEMPO, {"tempo": tempo}, (), tmp_path / "tempo.png")
    assert holds(pixels(tmp_path / "tempo.png"), "#440154")  # the low end of the scale


def test_a_grid_has_a_row_of_one_layout_for_each_subspace(tmp_path, monkeypatch):
    rng, seen = np.random.default_rng(0), []
    monkeypatch.setattr("dmml_tf.pictures.plots.map_2d", lambda v, seed: seen.append(v) or v[:, :2])
    genre = rng.integers(-1, 3, (40, 1)).astype(np.int32)
    tempo = np.where(np.arange(40) % 4, rng.uniform(60, 180, 40), np.nan).astype(np.float32)
    conditions = Conditions(
        [
            SharedTag("style", column="genre", width=3),
            Within("tempo", width=2),
            SameTrack("track", width=2),
            SharedTag("genre", width=0),
        ]
    )
    vectors = rng.normal(size=(40, 7))
    plot_map_grid(vectors, conditions, {"genre": genre, "tempo": tempo}, {"genre": ("a", "b", "c")}, tmp_path / "g.png")
    np.testing.assert_array_equal(seen[0], vectors[:, :3])
    np.testing.assert_array_equal(seen[1], vectors[:, 3:5])
    assert len(seen) == 2
    image = pixels(tmp_path / "g.png")
    halves = np.split(image[: len(image) // 4 * 4], [len(image) // 2])
    # Each half of the picture, and so each sub-space, shows both labels' colours: a tag's and the scale's.
    assert all(holds(half, colour) for half in halves for colour in ("#1f77b4", "#2ca02c", "#c8c8c8", "#440154"))
    with pytest.raises(UserError, match="no condition with a label"):
        plot_map_grid(vectors, Conditions([SameTrack("track")]), {}, {}, tmp_path / "h.png")


def test_a_grid_of_unlabelled_tracks_has_no_key_and_is_drawn(tmp_path):
    conditions = Conditions([SharedTag("genre", width=2), Within("tempo", width=2)])
    labels = {"genre": np.full((12, 1), -1, np.int32), "tempo": np.full(12, np.nan, np.float32)}
    plot_map_grid(np.random.default_rng(0).normal(size=(12, 4)), conditions, labels, {}, tmp_path / "g.png")
    image = pixels(tmp_path / "g.png")
    assert holds(image, "#c8c8c8") and not holds(image, "#1f77b4")


def test_the_same_data_give_the_same_bytes(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(30, 4))
    labels = {"genre": np.arange(30, dtype=np.int32)[:, None] % 12}
    for name in ("one.png", "two.png"):
        plot_map(vectors, GENRE, labels, ("a",), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("count", [1, 2, 3, 9, 12])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_few_or_coinciding_points_have_a_place(count, spread):
    vectors = spread * np.random.default_rng(0).normal(size=(count, 3))
    flat = map_2d(vectors)
    assert flat.shape == (count, 2) and np.isfinite(flat).all()
    assert (np.ptp(flat) > 0) == (spread > 0 and count > 1)


def test_neighbours_stay_neighbours_and_one_dimension_is_enough():
    group = np.arange(60) % 3
    flat = map_2d(np.eye(3)[group] + 0.01 * np.random.default_rng(0).normal(size=(60, 3)))
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).all()
    assert map_2d(np.arange(20.0)[:, None]).shape == (20, 2)


def test_a_sample_of_many_tracks_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("dmml_tf.pictures.plots.MAX_POINTS", 20)
    seen = []
    monkeypatch.setattr("dmml_tf.pictures.plots.map_2d", lambda v, seed: seen.append(len(v)) or v[:, :2])
    plot_map(
        np.random.default_rng(0).normal(size=(50, 3)),
        GENRE,
        {"genre": np.zeros((50, 1), np.int32)},
        ("a",),
        tmp_path / "m.png",
    )
    assert seen == [20] and holds(pixels(tmp_path / "m.png"), "#1f77b4")


def test_the_rarest_tag_is_shown():
    ids = np.array([[0, 1], [0, -1], [0, 2], [2, 0], [-1, -1]])
    assert shown_tag(ids).tolist() == [1, 0, 2, 2, -1]
    assert shown_tag(np.full((2, 1), -1)).tolist() == [-1, -1]
