"""Is one row better than another on the same triplets? The pairs that a configuration names."""

import dataclasses
from collections.abc import Collection, Mapping, MutableMapping, Sequence

import numpy as np

from dmml_tf.evaluation.held_out import OVERALL
from dmml_tf.evaluation.paired import Difference, paired_overall
from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.papers.summary import Outcome
from tfrecords_tools.errors import UserError


@dataclasses.dataclass(frozen=True)
class Compared:
    """A pair of rows.

    Attributes:
        first, second: names of the rows.
        space: `whole` or `subspace`.
        condition: whose triplets, or "overall".
        difference: first minus second, a row of several seeds counting its mean over them.
    """

    first: str
    second: str
    space: str
    condition: str
    difference: Difference


# (first, its seeds, second, its seeds, space, condition) -> the pair: what was tested on the rows as they were then.
Tested = MutableMapping[tuple, Compared]


def check_pairs(pairs: Sequence[Sequence[str]], scored: Collection[str]) -> None:
    """Whether each pair asks for triplets that there are.

    Args:
        pairs: (first, second, space, condition) each.
        scored: names of the conditions that rows are scored under.

    Raises:
        UserError: on a condition that is not among them.
    """
    for *_, condition in pairs:
        if condition != OVERALL and condition not in scored:
            raise UserError(f"config.pairs: '{condition}' is not scored; scored are: {', '.join([OVERALL, *scored])}")


def compare_pairs(
    pairs: Sequence[Sequence[str]], outcomes: Sequence[Outcome], side: HeldOutSide, tested: Tested
) -> list[Compared]:
    """Tests the pairs whose rows both have the figure.

    Args:
        pairs: (first, second, space, condition) each, as `check_pairs` lets them pass.
        outcomes: the rows so far.
        side: whose triplets they were scored on.
        tested: pairs of an earlier call on the same held-out side, which are not tested again; new ones are added.
    """
    by_name = {outcome.row.name: outcome for outcome in outcomes if outcome.measured}
    compared = []
    for first, second, space, condition in pairs:
        if first not in by_name or second not in by_name:
            continue
        key = (first, tuple(by_name[first].measured), second, tuple(by_name[second].measured), space, condition)
        if key not in tested:
            difference = _difference(by_name[first], by_name[second], space, condition, side)
            if difference is None:
                continue
            tested[key] = Compared(first, second, space, condition, difference)
        compared.append(tested[key])
    return compared


def _difference(first: Outcome, second: Outcome, space: str, condition: str, side: HeldOutSide) -> Difference | None:
    names = side.compared if condition == OVERALL else [condition]
    shares = [_share_right(outcome, space) for outcome in (first, second)]
    if not all(name in share for share in shares for name in names):
        return None
    triples = [(shares[0][name], shares[1][name], side.held_out.owners(name)) for name in names]
    return paired_overall(triples, side.held_out.tracks, side.held_out.seed, side.rounds)


def _share_right(outcome: Outcome, space: str) -> Mapping[str, np.ndarray]:
    """Condition -> float [n]: in how many of the row's seeds a triplet is right, 0..1."""
    by_seed = [measured.right[space] for measured in outcome.measured.values()]
    names = set.intersection(*(set(right) for right in by_seed))
    return {name: np.mean([right[name] for right in by_seed], axis=0) for name in names}
