"""Splits by artist: no artist on two sides, near 80/10/10, the same in every process."""

import subprocess
import sys

import numpy as np
import pytest

from tests.tfrecords_tools.split_in_memory import split_by_artist
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.splits import artist_keys, joined_artists, refuse_shared_artists, seeded_order


def _shares(tracks: dict[str, int], assigned: dict[str, str]) -> dict[str, float]:
    total = sum(tracks.values())
    return {split: sum(n for a, n in tracks.items() if assigned[a] == split) / total for split in SPLITS}


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_near_the_aim(seed):
    rng = np.random.default_rng([seed])
    tracks = {f"artist {k}": int(n) for k, n in enumerate(rng.integers(1, 12, 150))}
    assigned = split_by_artist(tracks, seed)
    assert set(assigned) == set(tracks)
    assert _shares(tracks, assigned) == pytest.approx({"train": 0.8, "valid": 0.1, "test": 0.1}, abs=0.03)


@pytest.mark.parametrize(
    "sizes, filled",
    [
        ([5], {"train"}),
        ([1, 1], {"train", "test"}),
        ([1, 1, 1], set(SPLITS)),
        ([100, 1, 1], set(SPLITS)),
        ([1, 100, 100], set(SPLITS)),
        ([1] * 10, set(SPLITS)),
        ([], set()),
    ],
)
def test_small_sets(sizes, filled):
    assigned = split_by_artist({f"a{k}": size for k, size in enumerate(sizes)})
    assert set(assigned.values()) == filled


def test_a_large_artist_trains():
    tracks = {"large": 60, **{f"a{k}": 1 for k in range(40)}}
    assert all(split_by_artist(tracks, seed)["large"] == "train" for seed in range(20))


def test_order_has_no_influence_and_the_seed_has():
    tracks = {f"a{k}": 1 + k % 3 for k in range(50)}
    again = dict(reversed(tracks.items()))
    assert split_by_artist(tracks, 1) == split_by_artist(again, 1)
    assert split_by_artist(tracks, 1) != split_by_artist(tracks, 2)


@pytest.mark.spawns
def test_another_process_with_another_hash_seed_agrees():
    code = "from tfrecords_tools.tables.splits import *; print([seeded_order(3, f'é{k}').hex() for k in range(3)])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str([seeded_order(3, f"é{k}").hex() for k in range(3)])


def test_artist_keys():
    assert artist_keys("t1", "The  Band ") == artist_keys("t2", "the band")
    assert artist_keys("t1", "") != artist_keys("t2", "")
    assert artist_keys("the band", "") != artist_keys("t2", "the band")


def test_each_artist_of_a_cell_has_a_key():
    assert artist_keys("t1", "The Band| ann |") == [*artist_keys("t", "the band"), *artist_keys("t", "Ann")]
    assert artist_keys("t1", " | ") == artist_keys("t1", "")


@pytest.mark.parametrize("seed", range(5))
def test_joined_artists_are_those_that_links_reach(seed):
    rng = np.random.default_rng([seed])
    links = [(f"a{a}", f"a{b}") for a, b in rng.integers(0, 60, (40, 2))]
    reached = {key: {key} for link in links for key in link}
    for _ in range(60):
        for first, second in links:
            reached[first] = reached[second] = reached[first] | reached[second]
    assert joined_artists(links) == {key: min(group) for key, group in reached.items()}
    assert joined_artists([]) == {}


def test_shared_artists_are_named_with_the_mend():
    tracks = [(f"artist:{k}", f"N{k}", split) for k in range(5) for split in ("train", "test", "test")]
    with pytest.raises(UserError, match=r"songs.csv: 5 artist.*'N0' \(train and test\).*and 2 more.*--resplit"):
        refuse_shared_artists(tracks, "songs.csv")
    clean = [("artist:a", "A", "train"), ("artist:a", "A", "train"), ("artist:b", "B", "test")]
    assert refuse_shared_artists(clean, "songs.csv") is None
