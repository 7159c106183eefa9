"""How a model is scored, for people to read and for programs to take apart."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from dmml_tf.evaluation.cross_table import (
    CrossTable,
    Disentanglement,
    diagonal_gap,
    disentanglement,
    label_cross_table,
)
from dmml_tf.evaluation.evaluate import Evaluation
from dmml_tf.evaluation.tables import evaluation_text


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """A model, and its floors if they were asked for, on held-out triplets; printed, it is tables.

    >>> scores = dmml.load("runs/mine").evaluate("data/mine", split="test", triplets=100)
    >>> sorted(scores.accuracy["demo"]["subspace"]["tempo"])
    ['high', 'low', 'n', 'value']
    >>> share = scores.cross_table["tempo"]["genre"]    # of the genre's triplets, in the tempo's sub-space

    Attributes:
        evaluation: of the model, with its vectors and the triplets.
        accuracy: system -> `whole` or `subspace` -> condition or `overall` -> share of triplets in the right order with
            its 95 % interval, or None without a triplet. The model goes by its configuration's name.
        segments: the same of segments, and how many there are, where the data have labels of them; None otherwise.
    """

    evaluation: Evaluation
    accuracy: Mapping[str, Mapping[str, Any]]
    segments: Mapping[str, Any] | None = None

    @property
    def cross_table(self) -> CrossTable:
        """Sub-space -> triplets of a condition -> share in the right order; None without a triplet."""
        return self.evaluation.cross_table

    @property
    def diagonal_gap(self) -> float | None:
        """Mean of the cross table's diagonal minus mean of the rest; None if either has no figure."""
        return diagonal_gap(self.cross_table)

    @property
    def disentanglement(self) -> Disentanglement | None:
        """The cross table beside what sub-spaces that know their own label perfectly would score."""
        labels = self.evaluation.embedded.labels
        return disentanglement(self.cross_table, label_cross_table(self.evaluation.held_out, labels))

    def __str__(self) -> str:
        segments = {} if self.segments is None else {"segments": self.segments}
        return evaluation_text({"triplet_accuracy": self.accuracy, "cross_table": self.cross_table, **segments})

    def __repr__(self) -> str:
        return str(self)
