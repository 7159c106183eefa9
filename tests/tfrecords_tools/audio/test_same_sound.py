"""Groups of equal digests against a dictionary; what is refused, and whom a copy is a copy of."""

import numpy as np
import pytest

from tfrecords_tools.audio.same_sound import (
    DIGEST_BYTES,
    NO_SOUND,
    Copy,
    pairs,
    refuse_across_splits,
    same_sounds,
    sound_digest,
)
from tfrecords_tools.errors import UserError


def _by_dictionary(digests: list[bytes]) -> list[list[int]]:
    places: dict[bytes, list[int]] = {}
    for place, digest in enumerate(digests):
        places.setdefault(digest, []).append(place)
    return sorted(group for digest, group in places.items() if len(group) > 1 and digest != NO_SOUND)


@pytest.mark.parametrize("count, kinds", [(0, 1), (1, 1), (2, 1), (2, 9), (50, 3), (400, 300)])
def test_groups_are_those_of_a_dictionary(count, kinds):
    rng = np.random.default_rng([count, kinds])
    known = [NO_SOUND, *(bytes(rng.integers(0, 2, DIGEST_BYTES, np.uint8)) for _ in range(kinds))]
    digests = [known[place] for place in rng.integers(0, len(known), count)]
    assert list(same_sounds(b"".join(digests))) == _by_dictionary(digests)


def test_a_digest_is_of_the_numbers_alone():
    log_mel = np.random.default_rng(0).random((140, 128)).astype(np.float16)
    other = log_mel.copy()
    other[70, 3] += np.float16(0.01)
    assert sound_digest(log_mel) == sound_digest(np.asfortranarray(log_mel)) != sound_digest(other)
    assert len(sound_digest(log_mel)) == DIGEST_BYTES


def test_a_copy_is_one_of_a_track_in_another_split_if_there_is_one():
    a, b, c, d = (Copy(name, split, "line 2") for name, split in zip("abcd", ("train", "train", "test", "test")))
    assert list(pairs([a, b, c, d])) == [(c, b), (a, c), (a, d)]
    assert list(pairs([a, b])) == [(a, b)]


def test_what_is_in_one_split_is_taken_and_the_rest_is_named():
    groups = [[Copy(f"{n}{side}", side, f"line {n}") for side in ("test", "train")] for n in range(5)]
    refuse_across_splits("x", [groups[0][:1] * 2], "mend it")
    with pytest.raises(UserError) as caught:
        refuse_across_splits("x", groups, "mend it")
    assert str(caught.value) == (
        "x: 5 track(s) are the same sound as one of another split: '0train' (train, line 0) is '0test' (test, line 0), "
        "'1train' (train, line 1) is '1test' (test, line 1), '2train' (train, line 2) is '2test' (test, line 2) and 2 "
        "more; mend it"
    )
