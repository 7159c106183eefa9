"""Which judgements train and which validate, so that no track does both."""

from collections.abc import Mapping, Sequence

import numpy as np
from absl import logging

from dmml_tf.data.judgements.votes import Clip

TRAIN, VALID = "train", "valid"
HELD_BACK = 0.1  # of train's judgements, where the valid split has none

Triplet = tuple[Clip, Clip, Clip]


def divide(triplets: Sequence[Triplet], split_of: Mapping[str, str], seed: int = 0) -> dict[str, list[Triplet]]:
    """A split's judgements are those whose three tracks are all in it: nothing is trained on that is held out.

    Where `valid` has none, a seeded tenth of `train`'s is held back for it, or less: judgements that hang together by
    a track stay together, so that train and valid share no track. Only where all of them hang together is a tenth held
    back regardless, with a warning.

    Args:
        triplets: from `dmml_tf.data.judgements.read`.
        split_of: the dataset's tracks among theirs -> split.
        seed: of what is held back.

    Returns:
        Split -> its judgements, in the order given, for `train`, `valid` and `test`.
    """
    parts = {
        split: [t for t in triplets if all(split_of.get(clip.song) == split for clip in t)]
        for split in (TRAIN, VALID, "test")
    }
    if parts[VALID] or len(parts[TRAIN]) < 2:
        return parts
    held = _hold_back(parts[TRAIN], np.random.default_rng([seed, len(parts[TRAIN])]))
    pairs = [(triplet, number in held) for number, triplet in enumerate(parts[TRAIN])]
    return {**parts, TRAIN: [t for t, out in pairs if not out], VALID: [t for t, out in pairs if out]}


def _hold_back(triplets: Sequence[Triplet], rng: np.random.Generator) -> set[int]:
    """Numbers of the judgements held back: whole groups that share tracks, until a tenth is reached."""
    wanted = max(1, round(HELD_BACK * len(triplets)))
    groups = _groups(triplets)
    held: set[int] = set()
    for place in rng.permutation(len(groups)):
        group = groups[place]
        # A group that would take more than half is no group to hold back.
        if len(held) < wanted and 2 * (len(held) + len(group)) <= len(triplets):
            held.update(group)
    if not held:
        logging.warning(
            "the judgements hang together by their tracks: those held back to validate share tracks with "
            "those that train"
        )
        held.update(rng.permutation(len(triplets))[:wanted].tolist())
    return held


def _groups(triplets: Sequence[Triplet]) -> list[list[int]]:
    """Numbers of the judgements, grouped so that two which share a track are in one group; in order."""
    parent: dict[str, str] = {}

    def root(song: str) -> str:
        parent.setdefault(song, song)
        while parent[song] != song:
            parent[song] = song = parent[parent[song]]
        return song

    for triplet in triplets:
        for clip in triplet[1:]:
            parent[root(clip.song)] = root(triplet[0].song)
    groups: dict[str, list[int]] = {}
    for number, triplet in enumerate(triplets):
        groups.setdefault(root(triplet[0].song), []).append(number)
    return list(groups.values())
