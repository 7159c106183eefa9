"""The split by artist of tables that fit into memory, as the oracle of what SQLite orders."""

from collections.abc import Mapping

from tfrecords_tools.tables.splits import assign_artists, is_large, seeded_order


def split_by_artist(tracks: Mapping[str, int], seed: int = 0) -> dict[str, str]:
    """`artist_key` -> split of artists that fit into memory; `assign_artists` says how, in what order they come here.

    Args:
        tracks: `artist_key` -> number of tracks.
        seed: another seed, another split; the order of `tracks` has no influence.
    """
    total = sum(tracks.values())
    artists = sorted(tracks, key=lambda name: (not is_large(tracks[name], total), seeded_order(seed, name), name))
    return dict(assign_artists(((name, tracks[name]) for name in artists), total))
