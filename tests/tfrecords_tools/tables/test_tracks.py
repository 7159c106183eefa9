"""tracks.csv: rows as written, columns that stay small, faults named by their line."""

import tracemalloc

import numpy as np
import pytest

from tests.synthetic import SCHEMA
from tests.tfrecords_tools.made_tables import made_dataset, write_tracks
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.tracks import TRACKS_FILE, TagColumn, load_tracks, track_rows


def _row(number: int, **changes) -> list:
    row = {
        "id": f"t{number:07d}",
        "title": f"A long enough title {number}",
        "artist": f"artist {number}",
        "split": ("train", "valid", "test")[number % 3],
        "duration": f"{10 + number % 7:.3f}",
        "path": f"/music/{number}.flac",
        "genre": ("folk|jazz", "", "rock")[number % 3],
        "instrument": "organ",
        "mood": "calm" if number % 2 else "",
        "tempo": "" if number % 5 == 0 else 60 + number % 100,
        **changes,
    }
    return list(row.values())


def test_columns_hold_what_the_rows_say(tmp_path):
    write_tracks(tmp_path / TRACKS_FILE, map(_row, range(6)))
    rows = list(track_rows(tmp_path, SCHEMA))
    assert [row.line for row in rows] == list(range(2, 8)) and rows[3].tags["genre"] == ("folk", "jazz")
    tracks = load_tracks(rows, SCHEMA)
    assert tracks.splits.tolist() == [0, 1, 2, 0, 1, 2]
    assert tracks.durations.tolist() == [10, 11, 12, 13, 14, 15]
    assert tracks.tags["genre"].padded(np.arange(6)).tolist() == [[0, 1], [-1, -1], [2, -1]] * 2
    assert tracks.tags["genre"].padded(np.array([2, 1])).tolist() == [[2], [-1]]
    np.testing.assert_array_equal(tracks.values["tempo"], np.float32([np.nan, 61, 62, 63, 64, np.nan]))


def test_a_header_alone_is_no_track(tmp_path):
    write_tracks(tmp_path / TRACKS_FILE, [])
    tracks = load_tracks(track_rows(tmp_path, SCHEMA), SCHEMA)
    assert len(tracks.splits) == 0 and tracks.tags["mood"].padded(np.arange(0)).shape == (0, 1)


def test_padding_agrees_with_a_loop():
    rng = np.random.default_rng([1])
    counts = rng.integers(0, 5, 50)
    column = TagColumn(rng.integers(0, 9, counts.sum()).astype(np.int32), np.concatenate([[0], np.cumsum(counts)]))
    chosen = rng.permutation(50)[:20]
    padded = column.padded(chosen)
    for place, row in enumerate(chosen):
        wanted = column.ids[column.starts[row] : column.starts[row + 1]].tolist()
        assert padded[place].tolist() == wanted + [-1] * (padded.shape[1] - len(wanted))


def test_memory_stays_under_100_bytes_a_track(tmp_path):
    count = 8_000
    write_tracks(tmp_path / TRACKS_FILE, map(_row, range(count)))
    tracemalloc.start()
    tracks = load_tracks(track_rows(tmp_path, SCHEMA), SCHEMA)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tracks.splits) == count
    assert most < 100 * count, f"{most / count:.0f} bytes a track"


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"split": "dev"}, "line 3: unknown split 'dev'"),
        ({"duration": "long"}, "line 3: duration 'long' is not a finite"),
        ({"tempo": "nan"}, "line 3: tempo 'nan' is not a finite number"),
        ({"genre": "polka"}, "line 3: genre 'polka'"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, changes, reason):
    write_tracks(tmp_path / TRACKS_FILE, [_row(0), _row(1, **changes)])
    with pytest.raises(UserError, match=reason):
        load_tracks(track_rows(tmp_path, SCHEMA), SCHEMA)


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / TRACKS_FILE).write_text("track_id,title,artist,split,duration,genre,instrument\n")
    with pytest.raises(UserError, match="has no column mood, tempo"):
        list(track_rows(tmp_path, SCHEMA))


def test_rows_of_a_made_dataset(tmp_path):
    dataset = made_dataset(tmp_path, {"train": 3, "test": 2})
    assert [row.split for row in track_rows(dataset.folder, dataset.schema)] == ["train"] * 3 + ["test"] * 2
