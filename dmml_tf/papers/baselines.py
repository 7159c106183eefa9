"""Rows that are no networks, by name."""

import functools
from collections.abc import Callable, Mapping

from dmml_tf.baselines.chance import Chance
from dmml_tf.baselines.interface import Baseline
from dmml_tf.baselines.linear import METHODS, Linear
from dmml_tf.baselines.mfcc_stats import MfccStats
from dmml_tf.baselines.mfcc_vq import MfccVq
from dmml_tf.baselines.stats import Stats
from dmml_tf.conditions import Condition
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.views import Views
from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.papers.rows import Row
from dmml_tf.papers.system import System
from dmml_tf.spaces import SUBSPACE, WHOLE
from dmml_tf.training.config import from_fields
from tfrecords_tools.dataset import Dataset

_SEEDED: Mapping[str, Callable[..., Baseline]] = {"mfcc_vq": MfccVq, "chance": Chance}
_FIXED: Mapping[str, Callable[..., Baseline]] = {"stats": Stats}
MFCC_STATS = "mfcc_stats"
NAMES = (*_SEEDED, *_FIXED, MFCC_STATS, *METHODS)


class Statistics:
    """MFCC statistics of a dataset, made once for all the rows that learn from them or compare them.

    Attributes:
        dataset: what they are of.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        self._embedded: dict[str, Embedded] = {}

    @functools.cached_property
    def model(self) -> MfccStats:
        """Fitted on the train split."""
        return MfccStats().fit(self.dataset)

    def embedded(self, split: str) -> Embedded:
        """A split's tracks and windows."""
        if split not in self._embedded:
            self._embedded[split] = self.model.embed_split(self.dataset, split)
        return self._embedded[split]


def baseline(row: Row, seed: int, side: HeldOutSide, statistics: Statistics) -> list[System]:
    """The systems of a row of kind `baseline`, fitted.

    A linear map is learned for each condition, so such a row is a set of systems, as the specialized
    networks are: it has sub-spaces only.

    Raises:
        UserError: as the baseline's `fit`, or on an argument that it does not know.
    """
    if row.config in METHODS:
        compared = [c for c in side.conditions if c.name in side.compared]
        return [_linear(row, seed, condition, statistics) for condition in compared]
    if row.config == MFCC_STATS:
        return [_system(statistics.model, statistics.embedded, side)]
    where = f"config.rows.{row.name}.overrides"
    if row.config in _SEEDED:
        model = from_fields(_SEEDED[row.config], where, {**row.overrides, "seed": seed})
    else:
        model = from_fields(_FIXED[row.config], where, row.overrides)
    model.fit(side.dataset)
    return [_system(model, lambda split: model.embed_split(side.dataset, split), side)]


def _system(model: Baseline, embed: Callable[[str], Embedded], side: HeldOutSide) -> System:
    views = Views({WHOLE: dict.fromkeys(side.conditions.names)}, normalise=False)
    return System(embed, views, embed_clip=model.embed)


def _linear(row: Row, seed: int, condition: Condition, statistics: Statistics) -> System:
    fields = {**row.overrides, "condition": condition, "method": row.config, "seed": seed}
    model = from_fields(Linear, f"config.rows.{row.name}.overrides", fields)
    model.fit(statistics.dataset, statistics=statistics.model)
    views = Views({SUBSPACE: {condition.name: None}}, normalise=False)
    return System(lambda split: model.see(statistics.embedded(split)), views)
