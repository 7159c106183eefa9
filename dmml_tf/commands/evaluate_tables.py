"""The further figures of `evaluation.json` as text for people."""

from collections.abc import Mapping

from dmml_tf.evaluation.tables import cross_table_rows, format_score, table
from tfrecords_tools.check.mutual_information import format_table

_SHOWN = 5  # missing clips that are named; the file lists all


def retrieval_table(found: Mapping[str, Mapping | None]) -> str:
    """One row a condition, of one space of `retrieval_by_condition`."""
    ks = next((list(one["recall"]) for one in found.values() if one), [])
    head = ["condition", *(f"R@{k}" for k in ks), "R-precision", "mAP@R", "queries", "without similar", "unlabelled"]
    rows = []
    for name, one in found.items():
        figures = [*one["recall"].values(), one["r_precision"], one["map_at_r"]] if one else []
        counts = [one[key] for key in ("queries", "without_relevant", "unlabelled")] if one else []
        cells = [*(f"{value:.3f}" for value in figures), *map(str, counts)]
        rows.append([name, *(cells or ["-"] * (len(head) - 1))])
    return table(head, rows)


def tagging_table(found: Mapping[str, Mapping]) -> str:
    """One row a condition, of one space of `tagging_by_condition`."""
    return table(
        ["condition", "mean ROC-AUC", "tags", "left out", "tracks"],
        [
            [
                name,
                "-" if one["macro"] is None else f"{one['macro']:.3f}",
                str(len(one["auc"])),
                str(len(one["left_out"])),
                str(one["tracks"]),
            ]
            for name, one in found.items()
        ],
    )


def disentanglement_lines(found: Mapping) -> str:
    """The labels' own cross table, their mutual information, and the figure; what is empty is left out."""
    parts, figure = [], found["figure"]
    if found["labels_table"]:
        parts.append(f"What labels alone give (row: the oracle):\n{cross_table_rows(found['labels_table'])}")
    if found["mutual_information"]:
        parts.append(f"Mutual information of the labels:\n{format_table(found['mutual_information'])}")
    if figure is None:
        parts.append("Disentanglement: nothing can be told apart; it takes two sub-spaces with held-out triplets")
    else:
        parts.append(
            f"Disentanglement: {figure['value']:.3f} (diagonal {figure['own']:+.3f}, rest "
            f"{figure['leak']:+.3f} against the labels' own; 0 is as far apart as the labels allow)"
        )
    return "\n\n".join(parts)


def agreement_lines(found: Mapping) -> str:
    """A line a space, then what was left out and why."""
    lines = [f"{found['triplets']} judgements, {found['no_majority']} more without enough agreement"]
    lines += [f"  {space}: {format_score(score)}" for space, score in found["agreement"].items()]
    missing = list(found["missing"].items())
    if missing:
        lines.append(f"  {found['without_clips']} judgements left out for {len(missing)} clips that cannot be used:")
        lines += [f"    {clip}: {reason}" for clip, reason in missing[:_SHOWN]]
        lines += [f"    and {len(missing) - _SHOWN} more, see the file"] if len(missing) > _SHOWN else []
    return "\n".join(lines)
