"""The table of songs that comes with the package, and labels from what a network heard."""

import numpy as np

from tfrecords_tools.sources.debian_table import HEARD, heard_tags, load_songs


def test_tags_that_stand_out():
    means = np.array([[0.4, 0.01, 0.9], [0.1, 0.01, 0.9], [0.1, 0.1, 0.9]])
    # Twice the means .2 and .04: the first song reaches one, the second none, where .01 / .04 is less than .1 / .2.
    assert heard_tags(means, ["a", "b", "x"], ["b", "a"], 2.0) == [["a"], ["a"], ["b"]]
    assert heard_tags(means, ["a", "b", "x"], ["b", "a"], 0.2) == [["b", "a"]] * 3


def test_the_table():
    songs = load_songs()
    assert len(songs) == len({song.track_id for song in songs}) == len({song.sha256 for song in songs}) == 714
    assert all(song.track_id == f"{song.package}/{song.path.split('/')[-1]}" for song in songs)
    assert all(len(song.sha256) == 64 and 0 < song.bytes < 2**27 and song.licence and song.title for song in songs)
    assert not any(song.path.startswith("/") or ".." in song.path.split("/") for song in songs)
    assert len({song.package for song in songs}) == len({(song.package, song.version) for song in songs}) == 63


def test_no_package_and_no_artist_is_on_both_sides():
    songs = load_songs()
    for sides in ({song.package: set() for song in songs}, {song.artist: set() for song in songs}):
        for song in songs:
            for key in {song.package, song.artist} & sides.keys():
                sides[key].add(song.split)
        assert {len(splits) for splits in sides.values()} == {1}
    assert {song.split for song in songs} == {"train", "valid"}


def test_every_song_has_labels():
    songs = load_songs()
    for name in HEARD:
        assert all(1 <= len(song.tags[name]) <= 9 for song in songs), name
        assert sum(len(song.tags[name]) for song in songs) < 4 * len(songs)
    heard = {tag for song in songs for tag in song.tags["genre"]}
    assert {"ambient", "metal", "jazz"} <= heard <= {*HEARD["genre"][1]}
