"""The made library is one, and what is measured of it has its names."""

import numpy as np
import pytest

from dmml_tf.benchmarks.library import bench_library, made_library, measure_library
from dmml_tf.embed.metadata import LIBRARY_COLUMNS
from dmml_tf.search.query import by_tracks
from dmml_tf.search.rules import Rules


def test_a_made_library_has_a_librarys_columns(tmp_path):
    index = made_library(2000)
    assert tuple(index.tracks[0]) == LIBRARY_COLUMNS and index.table.ascending
    artists = [track["artist"] for track in index.tracks]
    assert len({*artists}) == 80 and len({track["album"] for track in index.tracks}) == 200
    hits = index.search(by_tracks(index, [index.tracks[7]["id"]]), None, 100, Rules(most_per_artist=1))
    assert len(hits) == 80
    index.save(tmp_path / "index")
    figures = measure_library(str(tmp_path / "index"), 2, 0)
    assert [figure[0] for figure in figures][:2] == ["load", "search, 20 results"] and len(figures) == 14
    assert all(np.isfinite(figure[1:]).all() and min(figure[1:]) > 0 for figure in figures)


@pytest.mark.spawns
def test_it_is_measured_in_a_process_of_its_own():
    lines = bench_library(2000, 1).splitlines()
    assert lines[0].startswith("2,000 made songs, every vector compared") and len(lines) == 18
