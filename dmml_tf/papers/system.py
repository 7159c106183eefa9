"""A system that can be scored: how it embeds, and how its vectors are compared."""

import dataclasses
from collections.abc import Callable

import numpy as np

from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.views import Views


@dataclasses.dataclass(frozen=True)
class System:
    """One network or baseline, trained or fitted. A row has one, or one a condition.

    Attributes:
        embed: split -> its tracks and windows.
        views: how its vectors are compared.
        embed_clip: log-mel of a judged clip -> vector; None where the system cannot be asked about one.
        parameters: weights of the network; None for a baseline.
        multiply_adds: of a window's way through the network; None for a baseline.
        steps: training steps taken.
        seconds: what these took, without validation.
    """

    embed: Callable[[str], Embedded]
    views: Views
    embed_clip: Callable[[np.ndarray], np.ndarray] | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    steps: int | None = None
    seconds: float | None = None
