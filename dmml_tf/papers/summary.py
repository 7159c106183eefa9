"""A row over its seeds: means, deviations, and what a table's columns show."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from dmml_tf.papers.measure import Measured
from dmml_tf.papers.rows import TRAIN, Row

TIME_RATIO = "time_ratio"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One figure over the seeds that have it.

    Attributes:
        value: their mean.
        deviation: their standard deviation (of a sample: n - 1 below); None for one seed.
        low, high: mean ends of their 95 % intervals over tracks; None for a figure without one.
        seeds: how many.
    """

    value: float
    deviation: float | None
    low: float | None
    high: float | None
    seeds: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What has become of a row so far.

    Attributes:
        row: what was asked for.
        measured: seed -> figures, of the seeds that are done.
        failed: seed -> the reason, one line.
    """

    row: Row
    measured: dict[int, Measured] = dataclasses.field(default_factory=dict)
    failed: dict[int, str] = dataclasses.field(default_factory=dict)

    @property
    def pending(self) -> list[int]:
        """Seeds that have not had their turn."""
        return [seed for seed in self.row.seeds if seed not in self.measured and seed not in self.failed]

    @property
    def multiply_adds(self) -> int | None:
        """Multiply-adds of a window's way through the row's networks, which no seed changes; None without a count."""
        return next(
            (seed.details["multiply_adds"] for seed in self.measured.values() if "multiply_adds" in seed.details), None
        )

    def mean(self, field: str) -> float | None:
        """Mean of `parameters`, `steps`, `seconds` or `scoring_seconds` over the seeds; None without any."""
        known = [
            getattr(measured, field) for measured in self.measured.values() if getattr(measured, field) is not None
        ]
        return float(np.mean(known)) if known else None


def over_seeds(figures: Sequence[Mapping | None]) -> Cell | None:
    """One figure of several seeds; those that lack it are left out.

    Args:
        figures: {"value", and "low" and "high" where there is an interval} of each seed.
    """
    known = [figure for figure in figures if figure is not None]
    if not known:
        return None
    values = [figure["value"] for figure in known]
    ends = [[figure[end] for figure in known if end in figure] for end in ("low", "high")]
    low, high = (float(np.mean(end)) if end else None for end in ends)
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Cell(float(np.mean(values)), deviation, low, high, len(known))


def cells(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Cell]]:
    """Name of each row -> its figures over its seeds, with `time_ratio` among them.

    `time_ratio` is the row's seconds in training steps over those of the first trained row: the rows must come in
    the configuration's order, whatever order they are shown in.
    """
    reference = next((o.mean("seconds") for o in outcomes if o.row.source == TRAIN and o.mean("seconds")), None)
    return {outcome.row.name: _cells_of(outcome, reference) for outcome in outcomes}


def _cells_of(outcome: Outcome, reference: float | None) -> dict[str, Cell]:
    measured = list(outcome.measured.values())
    keys = dict.fromkeys(key for seed in measured for key in seed.figures)
    by_key = {key: over_seeds([seed.figures.get(key) for seed in measured]) for key in keys}
    if reference and outcome.mean("seconds") is not None:
        ratios = [{"value": seed.seconds / reference} for seed in measured if seed.seconds is not None]
        by_key[TIME_RATIO] = over_seeds(ratios)
    return {key: cell for key, cell in by_key.items() if cell is not None}


def columns_of(asked: Sequence[Sequence[str]], compared: Sequence[str]) -> list[tuple[str, str]]:
    """(figure, head) of a table's columns.

    Args:
        asked: pairs from the configuration; "whole.*" stands for all conditions between tracks and "overall".
        compared: those conditions.
    """
    columns = []
    for key, head in asked:
        space, star = key[:-1], key.endswith(".*")
        columns += [(f"{space}{name}", name) for name in (*compared, "overall")] if star else [(key, head)]
    return columns


def papers_first(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The rows that the paper has, in their order, then the others."""
    return sorted(outcomes, key=lambda outcome: not outcome.row.in_paper)
