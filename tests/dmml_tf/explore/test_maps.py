"""Maps: computed once, coloured as the plots are, and a place on them for any query."""

import json

import numpy as np
import pytest

from dmml_tf.explore import maps as module
from dmml_tf.explore.maps import Maps, _tag_groups
from dmml_tf.pictures.layout import map_2d
from dmml_tf.search.query import by_embedding, by_tracks, mix


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_map_is_the_plots_map_fitted_into_a_square_and_kept_for_the_next_start(songs, tmp_path, monkeypatch):
    index = songs.index
    made = Maps(index, tmp_path / "explore")
    points = made.points("genre")
    expected = map_2d(index.vectors[:, :6], 0)
    np.testing.assert_allclose(points, (expected - expected.min(axis=0)) / np.ptp(expected, axis=0), atol=1e-9)
    monkeypatch.setattr(module, "map_2d", lambda *_: 1 / 0)
    np.testing.assert_array_equal(Maps(index, tmp_path / "explore").points("genre"), points)
    assert made.points("genre") is points
    assert [path.name[:4] for path in (tmp_path / "explore").iterdir()] == ["map-"]
    with pytest.raises(ZeroDivisionError):  # another sub-space, another seed: not what is kept
        made.points("tempo")
    with pytest.raises(ZeroDivisionError):
        Maps(index, tmp_path / "explore", seed=1).points("genre")


@pytest.mark.parametrize("content", [b"", b"not numpy", b"\x93NUMPY\x01\x00"])
def test_a_damaged_kept_map_is_made_again_and_a_run_that_cannot_be_written_has_maps(
    songs, tmp_path, content, monkeypatch
):
    monkeypatch.setattr(module, "map_2d", lambda vectors, seed: vectors[:, :2].astype(float))
    first = Maps(songs.index, tmp_path).points("tempo")
    kept = next(tmp_path.iterdir())
    kept.write_bytes(content)
    np.testing.assert_array_equal(Maps(songs.index, tmp_path).points("tempo"), first)
    assert kept.stat().st_size > 100
    (tmp_path / "file").touch()
    np.testing.assert_array_equal(Maps(songs.index, tmp_path / "file" / "x").points("tempo"), first)


def test_points_carry_rows_titles_and_the_colour_of_their_label(songs, tmp_path):
    described = json.loads(json.dumps(Maps(songs.index, tmp_path).describe("tempo"), allow_nan=False))
    assert described["legend"] == {"kind": "values", "low": 60.0, "high": 83.0}
    assert [point[0] for point in described["points"]] == list(range(24))
    assert [point[3] for point in described["points"]][4:7] == [64.0, None, 66.0]
    assert described["titles"] == [track["title"] for track in songs.index.tracks]
    genre = Maps(songs.index, tmp_path).describe("genre")
    names = genre["legend"]["names"]
    # "folk" and "jazz" are equally frequent: of a tie the first by name shows.
    assert names == ["<i>folk", "folk", "rock"] and genre["points"][1][3] == 1 and genre["points"][3][3] == 2
    assert Maps(songs.index, tmp_path).describe("whole")["legend"] == {"kind": "none"}


def test_tags_beyond_ten_are_others_and_no_tag_is_none():
    cells = [f"tag{i:02d}" for i in range(12)] + [f"tag{i:02d}" for i in range(10)] + ["", "tag00|tag11"]
    legend, groups = _tag_groups(cells)
    assert legend["names"] == [f"tag{i:02d}" for i in range(10)]
    assert groups[10] == groups[11] == 10 and groups[22] is None and groups[23] == 10 and groups[3] == 3
    assert _tag_groups(["", ""]) == ({"kind": "tags", "names": []}, [None, None])


def test_near_is_the_most_similar_track_of_each_map(songs, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_POINTS", 10)
    index, made = songs.index, Maps(songs.index, tmp_path)
    assert len(made.rows) == 10 and made.points("whole").shape == (10, 2)
    raw = np.random.default_rng(5).normal(size=10).astype(np.float32)
    whole = unit(index.vectors[made.rows] * index.lengths[made.rows][:, index.owner])
    parts = [index.vectors[made.rows, :6], index.vectors[made.rows, 6:], whole]
    expected = [int(np.argmax(part @ wanted)) for part, wanted in zip(parts, (raw[:6], raw[6:], raw))]
    near = made.near(by_embedding(raw, index.conditions))
    assert [places[0][0] for places in near] == expected
    for places in near:  # a place between the three nearest, of which the nearest counts most
        shares = [share for _, share in places]
        assert len(places) == 3 and shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=0.01)
    row = int(made.rows[4])
    assert made.near(by_tracks(index, [index.tracks[row]["id"]]))[2][0][0] == 4 and made.place(row) == 4
    left_out = next(row for row in range(24) if row not in made.rows)
    assert made.place(left_out) is None and made.place(10**6) is None
    only_genre = mix(index, {"genre": by_tracks(index, ["t01"])})
    assert made.near(only_genre)[1:] == [None, None]
