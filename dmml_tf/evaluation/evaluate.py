"""Held-out triplets, drawn once, and any system's score on them.

Source: Lee et al., ICASSP 2020, section 4: condition triplets on whole songs, track triplets on 3 s
excerpts, each in the whole space and in the condition's own sub-space.
"""

import dataclasses
from collections.abc import Callable, Container, Mapping

import numpy as np

from dmml_tf.conditions import Conditions, Labels, SameTrack
from dmml_tf.data.records import repeat_labels
from dmml_tf.data.triplets import HALF_WINDOW
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.accuracy import Score, bootstrap, interval, is_correct, score
from dmml_tf.evaluation.held_out import sample_triplets
from dmml_tf.spaces import condition_masks, project
from tfrecords_tools.errors import UserError

OVERALL = "overall"


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The triplets that all systems are scored on.

    Attributes:
        conditions: the model's, and a `same_track` condition "track" if it had none of that kind.
        triplets: name -> int32 [n, 3] of tracks, or of windows for `same_track`; n = 0 where no valid
            triplet exists.
        window_track: int32 [M], the track of each window that `same_track` triplets index.
        tracks: number of tracks.
        seed: of the draw and of the bootstrap.
    """

    conditions: Conditions
    triplets: Mapping[str, np.ndarray]
    window_track: np.ndarray
    tracks: int
    seed: int

    def owners(self, name: str) -> np.ndarray:
        """int [n, 3]: the tracks of a condition's triplets."""
        triplets = self.triplets[name]
        return self.window_track[triplets] if self.on_windows(name) else triplets

    def on_windows(self, name: str) -> bool:
        """Whether a condition's triplets index windows rather than tracks."""
        return self.conditions[self.conditions.index(name)].kind == "same_track"


def hold_out(
    conditions: Conditions, labels: Labels, window_track: np.ndarray, window_start: np.ndarray, count: int, seed: int
) -> HeldOut:
    """Draws every condition's triplets.

    Args:
        conditions: the model's.
        labels: label columns of the tracks.
        window_track, window_start: int32 [M] of the windows, as in `Embedded`. Two windows of one
            track overlap by at most half, or are no pair.
        count: triplets a condition.
        seed: same seed and data, same triplets; a condition's do not depend on the others.

    Raises:
        UserError: if the data lack a condition's column, or on a condition called "overall".
    """
    if OVERALL in conditions.names:
        raise UserError(f"a condition cannot be called '{OVERALL}', the name of the mean; rename it")
    conditions = _with_track(conditions)
    windows = repeat_labels(labels, window_track, window_start)
    triplets = {
        c.name: sample_triplets(c, windows if c.kind == "same_track" else labels, count, seed, HALF_WINDOW)
        for c in conditions
    }
    return HeldOut(conditions, triplets, window_track, len(labels["track"]), seed)


def evaluate(
    embedded: Embedded,
    held_out: HeldOut,
    norm_order: str = "mask_then_norm",
    subspaces: bool = True,
    rounds: int = 1000,
    masks: Mapping[str, np.ndarray] | None = None,
) -> dict[str, dict[str, dict | None]]:
    """Scores one system.

    "overall" is the mean over the conditions other than `same_track` (the paper's four) that have a
    triplet; its interval comes from the mean of the same bootstrap rounds, its n is their sum.

    Args:
        embedded: the system's vectors of the tracks and windows that `held_out` was drawn from.
        held_out: from `hold_out`.
        norm_order: see `dmml_tf.spaces.project`.
        subspaces: False for a system with one space only and its own normalisation (MFCC-VQ): its
            vectors are compared as they are and both keys hold the same figures.
        rounds: of the bootstrap.
        masks: condition -> float [E], from `dmml_tf.spaces.condition_masks`; a condition without one is
            scored in the whole space. None takes the slices of `held_out.conditions`.

    Returns:
        {"whole" | "subspace": {condition | "overall": {"value", "low", "high", "n"} or None}}, None
        where there is no triplet.
    """
    whole = scores(
        held_out, answers(held_out, lambda name: view(embedded, held_out, name, None, norm_order, subspaces)), rounds
    )
    if not subspaces:
        return {"whole": whole, "subspace": whole}
    masks = condition_masks(held_out.conditions, None, embedded.vectors.shape[1]) if masks is None else masks
    own = answers(held_out, lambda name: view(embedded, held_out, name, masks.get(name), norm_order))
    return {"whole": whole, "subspace": scores(held_out, own, rounds)}


def evaluate_specialised(
    embedded: Mapping[str, Embedded],
    held_out: HeldOut,
    norm_order: str = "mask_then_norm",
    normalise: bool = True,
    rounds: int = 1000,
) -> dict[str, dict[str, dict | None]]:
    """Scores a set of systems that each know one condition (specialised networks, linear maps) as one row.

    Args:
        embedded: condition -> the same tracks and windows under its own system. A condition without one
            has no score and no part in "overall".
        held_out, norm_order, rounds: as in `evaluate`.
        normalise: False compares the vectors as they are.

    Returns:
        As `evaluate`; both keys hold the same figures, each condition's in its own system's whole space.
    """
    found = scores(
        held_out,
        answers(held_out, lambda name: view(embedded[name], held_out, name, None, norm_order, normalise), embedded),
        rounds,
    )
    return {"whole": found, "subspace": found}


def view(
    embedded: Embedded,
    held_out: HeldOut,
    triplets: str,
    mask: np.ndarray | None,
    norm_order: str,
    normalise: bool = True,
) -> np.ndarray:
    """The space, float [N or M, D], in which condition `triplets` is scored, as seen through `mask` [E].

    `mask` None is the whole space; `normalise` False leaves the vectors as they are.
    """
    vectors = embedded.windows if held_out.on_windows(triplets) else embedded.vectors
    if not normalise:
        return vectors
    return project(vectors, np.ones(vectors.shape[1], np.float32) if mask is None else mask, norm_order)


def answers(
    held_out: HeldOut, space_of: Callable[[str], np.ndarray], names: Container[str] | None = None
) -> dict[str, np.ndarray]:
    """Condition -> bool [n], which of its triplets are right in the space that `space_of(condition)` gives.

    Conditions without a triplet do not appear, nor those outside `names`, where given.
    """
    asked = [c.name for c in held_out.conditions if names is None or c.name in names]
    drawn = {name: held_out.triplets[name] for name in asked if len(held_out.triplets[name])}
    return {name: is_correct(space_of(name), triplets) for name, triplets in drawn.items()}


def scores(held_out: HeldOut, found: Mapping[str, np.ndarray], rounds: int = 1000) -> dict[str, dict | None]:
    """Shares with their intervals, of every condition and "overall", from `answers`; None for those not in it."""
    table, means, counted = {}, [], []
    for condition in held_out.conditions:
        if condition.name not in found:
            table[condition.name] = None
            continue
        correct = found[condition.name]
        resampled = bootstrap(correct, held_out.owners(condition.name), held_out.tracks, held_out.seed, rounds)
        one = score(correct, resampled)
        table[condition.name] = dataclasses.asdict(one)
        if condition.kind != "same_track":
            means.append(resampled)
            counted.append(one)
    table[OVERALL] = _overall(counted, means)
    return table


def _overall(found: list[Score], rounds: list[np.ndarray]) -> dict | None:
    if not found:
        return None
    value = float(np.mean([one.value for one in found]))
    # A round that lacks one condition is NaN as a whole: a mean of fewer is another quantity.
    return dataclasses.asdict(Score(value, *interval(np.mean(rounds, axis=0)), sum(one.n for one in found)))


def _with_track(conditions: Conditions) -> Conditions:
    if any(c.kind == "same_track" for c in conditions) or "track" in conditions.names:
        return conditions
    return Conditions([*conditions, SameTrack("track", width=0)])
