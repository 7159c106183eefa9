"""Figures as Markdown tables, for `report.md`, the pages of a paper's systems and the commands."""

from collections.abc import Mapping, Sequence

from dmml_tf.spaces import SUBSPACE, WHOLE

TRAINED = "trained model"
# Every other system is the run itself, under the name of its configuration.
BASELINE_NAMES = {"mfcc_vq": "MFCC-VQ", "untrained": "untrained network"}
SPACE_NAMES = {WHOLE: "Whole space", SUBSPACE: "The condition's own sub-space"}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: first column to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def format_score(score: Mapping | None) -> str:
    """`0.912 (0.88 to 0.94)`, or `none` where there is no triplet."""
    return "none" if score is None else f"{score['value']:.3f} ({score['low']:.2f} to {score['high']:.2f})"


def accuracy_table(systems: Mapping[str, Mapping], space: str) -> str:
    """One row a system, one column a condition, of one of `SPACE_NAMES`."""
    names = list(dict.fromkeys(name for spaces in systems.values() for name in spaces[space]))
    rows = [
        [BASELINE_NAMES.get(system, TRAINED), *(format_score(spaces[space].get(name)) for name in names)]
        for system, spaces in systems.items()
    ]
    return table(["system", *names], rows)


def cross_table_rows(cross: Mapping[str, Mapping]) -> str:
    """One row a sub-space, one column a condition's triplets."""
    columns = list(dict.fromkeys(name for row in cross.values() for name in row))
    rows = [[name, *(format_figure(row.get(column), 3) for column in columns)] for name, row in cross.items()]
    return table(["sub-space", *(f"{name} triplets" for name in columns)], rows)


def format_figure(value: float | None, digits: int) -> str:
    """With so many digits behind the point; `none` for None."""
    return "none" if value is None else f"{value:.{digits}f}"
