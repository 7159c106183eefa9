"""Within a batch: windows, each with a tag that it carries and one that it does not. What zero-shot training draws.

Pure NumPy; costs grow with the pairs and with the most tags of a window, not with the vocabulary's size.
"""

from collections.abc import Mapping

import numpy as np

from dmml_tf.conditions import Conditions, Labels


def draw_tag_pairs(
    conditions: Conditions,
    labels: Labels,
    seen: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All conditions' pairs from one batch.

    A window of a track that carries a held-out tag takes no part under that column, neither with that tag nor with
    another. Both tags are drawn evenly: the positive among the window's seen tags, the negative among the other seen
    tags of the column. Every window that can serve does so before one serves twice.

    Args:
        conditions: of kind `shared_tag`.
        labels: columns of the batch's B windows.
        seen: column -> bool [tags], the tags that are trained with.
        held_out: column -> bool [tags], those that are not to be heard. A tag that is neither is as good as not there.
        count: pairs wanted over all conditions, divided by their shares.
        rng: source of every choice.

    Returns:
        window int32 [T], condition int32 [T], tags int32 [T, 2]: ids of the positive and of the negative. T is below
        `count` where a condition has no window that can serve.
    """
    shares = np.cumsum([condition.share for condition in conditions])
    # Rounding the running sum, not each share, makes the counts add up to what was asked.
    counts = np.diff(np.round(count * shares / shares[-1]).astype(int), prepend=0)
    parts = [
        _draw(labels[condition.column], seen[condition.column], held_out[condition.column], int(number), rng)
        for condition, number in zip(conditions, counts)
    ]
    numbers = np.repeat(np.arange(len(parts), dtype=np.int32), [len(window) for window, _ in parts])
    windows, tags = (np.concatenate(drawn).astype(np.int32) for drawn in zip(*parts))
    return windows, numbers, tags


def _draw(
    column: np.ndarray, seen: np.ndarray, held_out: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # Ids become places among the seen tags; the spare last cell answers for the padding, id -1.
    total = int(seen.sum())
    place = np.append(np.where(seen, np.cumsum(seen) - 1, total), total)
    places = np.sort(place[column], axis=1)  # those that are not seen come last, as `total`
    carried = (places < total).sum(axis=1)
    excluded = np.append(held_out, False)[column].any(axis=1)
    able = np.flatnonzero(~excluded & (carried > 0) & (carried < total))
    if not len(able) or not count:
        return np.zeros(0, np.int32), np.zeros((0, 2), np.int32)
    windows = np.resize(rng.permutation(able), count)
    positive = places[windows, rng.integers(carried[windows])]
    # The n-th tag that is not carried: every carried tag up to there moves it one on.
    negative = rng.integers(total - carried[windows])
    for slot in places[windows].T:
        negative += negative >= slot
    return windows, np.flatnonzero(seen)[np.stack([positive, negative], axis=1)]
