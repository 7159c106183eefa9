"""Where a dataset's table says that audio is."""

import pytest

from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.audio_paths import audio_paths


def test_a_table_without_paths_gives_no_audio_and_a_broken_one_is_named(tmp_path):
    table = tmp_path / "tracks.csv"
    table.write_text("track_id,title\na,b\n")
    assert audio_paths(table) == {}
    table.write_bytes("track_id,path\na,/m\udcff.mp3\nb,\n".encode("utf-8", "surrogateescape"))
    assert audio_paths(table) == {"a": "/m\udcff.mp3"}
    table.write_text('track_id,path\n"a,b\n')
    with pytest.raises(UserError, match="tracks.csv"):
        audio_paths(table)
