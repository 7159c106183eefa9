"""Train, valid and test without an artist on two sides.

Why: a network recognises an artist's recordings (the album effect), so that a test on artists seen in
training measures memory. Lee et al., ICASSP 2020, take the Million Song Dataset's given split; a table
without one gets this.
"""

import hashlib
from collections.abc import Iterable, Iterator

from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.formats import artists_of

SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
_NAMED = 3  # artists named in an error


def artist_keys(track_id: str, artist: str) -> list[str]:
    """What must not be on two sides: each artist of a cell, in any case and spacing, or the track itself."""
    # The prefixes keep a track id from being taken for an artist's name.
    return [f"artist:{' '.join(name.casefold().split())}" for name in artists_of(artist)] or [f"track:{track_id}"]


def joined_artists(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Artists who share a track, and so must share a split, as one.

    Args:
        links: pairs of `artist_keys` of one track.

    Returns:
        Each key of the pairs -> the least of all keys that pairs connect it with.
    """
    above: dict[str, str] = {}

    def least(key: str) -> str:
        while (higher := above.setdefault(key, key)) != key:
            above[key] = above[higher]  # halves the way for the next one
            key = higher
        return key

    for first, second in links:
        low, high = sorted((least(first), least(second)))
        above[high] = low
    return {key: least(key) for key in list(above)}


def seeded_order(seed: int, name: str) -> bytes:
    """A sort key that shuffles names, the same in every process and on every machine."""
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).digest()


def is_large(tracks: int, total: int) -> bool:
    """Whether an artist of so many tracks is too large for a split of a tenth."""
    return tracks > SHARES["test"] * total


def assign_artists(artists: Iterable[tuple[str, int]], total: int) -> Iterator[tuple[str, str]]:
    """Assigns each artist to one split, 80/10/10 by tracks; holds no more than two of them.

    Args:
        artists: (`artist_keys` or `joined_artists`, number of tracks): the large ones first (`is_large`), each part by
            `seeded_order` and name.
        total: sum of the numbers.

    Yields:
        (key, split). Large artists train, each other goes to the split that lacks most. Three
        artists or more fill all splits, two fill train and test: for that, one or two of the
        smallest come a second time at the end, and the second time counts.
    """
    lacking = {split: share * total for split, share in SHARES.items()}
    placed = dict.fromkeys(SPLITS, 0)
    smallest: list[tuple[int, int, str]] = []
    for artist, tracks in artists:
        split = "train" if is_large(tracks, total) else max(SPLITS, key=lacking.__getitem__)
        lacking[split] -= tracks
        placed[split] += 1
        if split == "train":
            smallest = sorted([*smallest, (tracks, placed[split], artist)])[:2]
        yield artist, split
    for split in ("test", "valid"):
        if not placed[split] and placed["train"] > 1:
            placed["train"] -= 1
            yield smallest.pop(0)[2], split


def refuse_shared_artists(tracks: Iterable[tuple[str, str, str]], source: str) -> None:
    """Checks a split that the table gives.

    Args:
        tracks: (key, artist's name as written, split) of each track.
        source: the table's name, for the message.

    Raises:
        UserError: if an artist is in two splits; names some, and the two ways to mend it.
    """
    seen: dict[str, str] = {}
    shared: dict[str, str] = {}
    for key, artist, split in tracks:
        if seen.setdefault(key, split) != split and key not in shared:
            shared[key] = f"'{artist}' ({seen[key]} and {split})"
    if shared:
        names = ", ".join(list(shared.values())[:_NAMED])
        more = f" and {len(shared) - _NAMED} more" if len(shared) > _NAMED else ""
        raise UserError(
            f"{source}: {len(shared)} artist(s) in more than one split: {names}{more}; leave the split "
            "column out or give --resplit, and the tracks are split by artist"
        )
