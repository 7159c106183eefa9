"""Figures as Markdown tables, for `report.md`, the pages of a paper's systems and the commands."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from dmml_tf.evaluation.cross_table import diagonal_gap
from dmml_tf.evaluation.zero_shot import ZeroShot
from dmml_tf.spaces import SUBSPACE, WHOLE
from tfrecords_tools.check.mutual_information import format_table

TRAINED = "trained model"
MFCC_VQ, UNTRAINED = "mfcc_vq", "untrained"
# Every other system is the run itself, under the name of its configuration.
BASELINE_NAMES = {MFCC_VQ: "MFCC-VQ", UNTRAINED: "untrained network"}
SPACE_NAMES = {WHOLE: "Whole space", SUBSPACE: "The condition's own sub-space"}
_SHOWN = 5  # missing clips that are named; the file lists all


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: first column to the left, the others to the right, in columns as wide as their cells."""
    head, *lines = ([cell.replace("|", "\\|") for cell in line] for line in (head, *rows))
    sides = ("left", *("right",) * (len(head) - 1))
    return tabulate(lines, head, "pipe", disable_numparse=True, colalign=sides)


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
    return markdown(["system", *names], rows)


def cross_table_rows(cross: Mapping[str, Mapping]) -> str:
    """One row a sub-space, one column a condition's triplets."""
    columns = list(dict.fromkeys(name for row in cross.values() for name in row))
    rows = [[name, *(format_figure(row.get(column), 3) for column in columns)] for name, row in cross.items()]
    return markdown(["sub-space", *(f"{name} triplets" for name in columns)], rows)


def format_figure(value: float | None, digits: int) -> str:
    """With so many digits behind the point; `none` for None."""
    return "none" if value is None else f"{value:.{digits}f}"


def evaluation_text(content: Mapping) -> str:
    """`evaluation.json` as text for people."""
    parts = [f"{title}:\n{accuracy_table(content['triplet_accuracy'], space)}" for space, title in SPACE_NAMES.items()]
    if content["cross_table"]:
        gap = diagonal_gap(content["cross_table"])
        parts.append(f"Cross table:\n{cross_table_rows(content['cross_table'])}")
        parts.append("" if gap is None else f"Mean of the diagonal minus mean of the rest: {gap:.3f}")
    if "segments" in content:
        parts.append(segments_text(content["segments"]))
    if "disentanglement" in content:
        parts.append(disentanglement_lines(content["disentanglement"]))
    parts += retrieval_parts(content)
    for space, figures in content.get("tagging", {}).items():
        parts.append(f"Tagging, {SPACE_NAMES[space].lower()}:\n{tagging_table(figures)}")
    for key, title in (("dim_sim", "dim-sim"), ("odd_one_out", "Odd one out")):
        if key in content:
            parts.append(f"{title}: {agreement_lines(content[key])}")
    return "\n\n".join(parts) + "\n"


def segments_text(content: Mapping) -> str:
    """The part "segments" of `evaluation.json`: how many there are, their triplets and, if asked for, retrieval."""
    short = f"; {content['too_short']} more are too short for a window" if content["too_short"] else ""
    parts = [f"Segments, {content['segments']} of {content['songs']} songs{short}."]
    systems = content["triplet_accuracy"]
    parts += [f"{title}, segments:\n{accuracy_table(systems, space)}" for space, title in SPACE_NAMES.items()]
    return "\n\n".join([*parts, *retrieval_parts(content, " of segments")])


def retrieval_parts(content: Mapping, what: str = "") -> list[str]:
    """A table a space of `retrieval_by_condition`, if it was asked for; `what` is retrieved, said in its title."""
    tables = content.get("retrieval", {}).items()
    return [f"Retrieval{what}, {SPACE_NAMES[space].lower()}:\n{retrieval_table(figures)}" for space, figures in tables]


def retrieval_table(by_condition: Mapping[str, Mapping | None]) -> str:
    """One row a condition, of one space of `retrieval_by_condition`."""
    ks = next((list(result["recall"]) for result in by_condition.values() if result), [])
    head = ["condition", *(f"R@{k}" for k in ks), "R-precision", "mAP@R", "queries", "without similar", "unlabelled"]
    rows = []
    for name, result in by_condition.items():
        figures = [*result["recall"].values(), result["r_precision"], result["map_at_r"]] if result else []
        counts = [result[key] for key in ("queries", "without_relevant", "unlabelled")] if result else []
        cells = [*(f"{value:.3f}" for value in figures), *map(str, counts)]
        rows.append([name, *(cells or ["-"] * (len(head) - 1))])
    return markdown(head, rows)


def tagging_table(by_condition: Mapping[str, Mapping]) -> str:
    """One row a condition, of one space of `tagging_by_condition`."""
    return markdown(
        ["condition", "mean ROC-AUC", "tags", "left out", "tracks"],
        [
            [
                name,
                "-" if result["macro"] is None else f"{result['macro']:.3f}",
                str(len(result["auc"])),
                str(len(result["left_out"])),
                str(result["tracks"]),
            ]
            for name, result in by_condition.items()
        ],
    )


def disentanglement_lines(content: Mapping) -> str:
    """The labels' own cross table, their mutual information, and the figure; what is empty is left out."""
    parts, figure = [], content["figure"]
    if content["labels_table"]:
        parts.append(f"What labels alone give (row: the oracle):\n{cross_table_rows(content['labels_table'])}")
    if content["mutual_information"]:
        parts.append(f"Mutual information of the labels:\n{format_table(content['mutual_information'])}")
    if figure is None:
        parts.append("Disentanglement: nothing can be told apart; it takes two sub-spaces with held-out triplets")
    else:
        parts.append(
            f"Disentanglement: {figure['value']:.3f} (diagonal {figure['own']:+.3f}, rest "
            f"{figure['leak']:+.3f} against the labels' own; 0 is as far apart as the labels allow)"
        )
    return "\n\n".join(parts)


def agreement_lines(content: Mapping) -> str:
    """A line a space, then what was left out and why."""
    lines = [f"{content['triplets']} judgements, {content['no_majority']} more without enough agreement"]
    lines += [f"  {space}: {format_score(score)}" for space, score in content["agreement"].items()]
    return "\n".join([*lines, *missing_lines(content)])


def missing_lines(content: Mapping) -> list[str]:
    """Which clips cannot be used, and why; none where all can."""
    missing = list(content["missing"].items())
    if not missing:
        return []
    lines = [f"  {content['without_clips']} judgements left out for {len(missing)} clips that cannot be used:"]
    lines += [f"    {clip}: {reason}" for clip, reason in missing[:_SHOWN]]
    return lines + ([f"    and {len(missing) - _SHOWN} more, see the file"] if len(missing) > _SHOWN else [])


def zero_shot_text(scores: Mapping[str, ZeroShot], k: int) -> str:
    """Scores of tags as text for people: means, the unseen tags, and what could not be scored."""
    parts = [
        f"Mean over tags:\n{means_table(scores, k)}",
        f"Tags that training has not seen:\n{unseen_table(scores, k)}",
    ]
    left_out = [
        f"{name} {tag} ({reason})" for name, of_tags in scores.items() for tag, reason in of_tags.left_out.items()
    ]
    if left_out:
        parts.append(f"Not scored: {', '.join(left_out)}")
    return "\n\n".join(parts) + "\n"


def means_table(scores: Mapping[str, ZeroShot], k: int) -> str:
    """Two rows a condition, seen and unseen; `-` where no tag could be scored."""
    rows = []
    for name, of_tags in scores.items():
        for unseen in (False, True):
            mean, count = of_tags.mean(unseen), sum(score.unseen == unseen for score in of_tags.scores.values())
            figures = ["-"] * 4 if mean is None else [f"{value:.3f}" for value in mean.values()]
            rows.append([name, "unseen" if unseen else "seen", str(count), *figures])
    return markdown(["condition", "", "tags", "ROC-AUC", "average precision", f"precision@{k}", "chance"], rows)


def unseen_table(scores: Mapping[str, ZeroShot], k: int) -> str:
    """One row for each tag that was held out and could be scored."""
    return markdown(
        ["condition", "tag", "ROC-AUC", "average precision", f"precision@{k}", "tracks", "among"],
        [
            [
                name,
                tag,
                f"{score.auc:.3f}",
                f"{score.average_precision:.3f}",
                f"{score.precision:.3f}",
                str(score.tracks),
                str(score.among),
            ]
            for name, of_tags in scores.items()
            for tag, score in of_tags.scores.items()
            if score.unseen
        ],
    )
