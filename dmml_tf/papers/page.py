"""`table.md`: the paper's tables with its own figures beside ours, then what the paper does not have."""

from collections.abc import Mapping, Sequence

import ml_collections

from dmml_tf.evaluation.tables import markdown
from dmml_tf.papers.held_out_side import SPLIT, HeldOutSide
from dmml_tf.papers.measure import HUMAN
from dmml_tf.papers.pairs import Compared
from dmml_tf.papers.rows import TRAIN, UNTRAINED
from dmml_tf.papers.summary import TIME_RATIO, Cell, Outcome, columns_of, papers_first

_SHOWN = 5  # missing clips that are named; the JSON lists all
_NONE = "-"
_TIMED = (
    " They hold whatever else the machine was doing; the CPU seconds of a step were measured apart, all systems in "
    "turn, by `dmml bench step`."
)


def page(
    table: ml_collections.ConfigDict,
    side: HeldOutSide,
    outcomes: Sequence[Outcome],
    by_name: Mapping[str, Mapping[str, Cell]],
    pairs: Sequence[Compared],
) -> str:
    """The whole page.

    Args:
        table, side: as of `write_table`.
        outcomes: the rows, in the configuration's order.
        by_name: from `cells`.
        pairs: from `compare_pairs`.
    """
    parts = [f"# {table.title}", _about(table, side, outcomes), "\n".join(f"- {note}" for note in table.notes)]
    for asked in table.tables:
        names = asked.get("rows", table.rows)  # without, all
        rows = [outcome for outcome in papers_first(outcomes) if outcome.row.name in names]
        parts.append(f"## {asked['title']}\n\n{_figures(table, asked, side, rows, by_name)}")
    parts += [
        _people(side, outcomes),
        _pairs(pairs, outcomes),
        _cost(papers_first(outcomes), by_name),
        _unfinished(outcomes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figure(cell: Cell | None, digits: int = 3) -> str:
    """`0.832`, `0.832 ± 0.004` over several seeds, `-` where there is none."""
    if cell is None:
        return _NONE
    return f"{cell.value:.{digits}f}" + ("" if cell.deviation is None else f" ± {cell.deviation:.{digits}f}")


def _about(table: ml_collections.ConfigDict, side: HeldOutSide, outcomes: Sequence[Outcome]) -> str:
    drawn = ", ".join(f"{name} {len(triplets)}" for name, triplets in side.held_out.triplets.items())
    steps = f"{table.steps} steps" if table.steps else "its own number of steps"
    width = "at the small width of `configs/small.py`" if table.small else "at its own width"
    seeds = sorted({seed for outcome in outcomes for seed in outcome.row.seeds})
    named = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    printed = (
        f' Columns marked "{table.paper}" are what the paper prints, on other data: they say which order it found, and '
        "are not to be compared figure by figure."
        if any(outcome.row.paper for outcome in outcomes)
        else ""
    )
    return (
        f"Dataset `{side.dataset.name}`, {side.held_out.tracks} tracks of its {SPLIT} split, "
        f"{side.dataset.tracks('train')} to train on. Every network is trained {width} for {steps}, {named}, and "
        f"every row is scored on the same held-out triplets ({drawn}): the share whose positive lies "
        "nearer to the anchor than the negative; chance is 0.5. Condition triplets compare whole songs, track "
        "triplets 3 s windows; overall is the mean over the conditions without the track triplets. Intervals are "
        f"95 %, from resampled tracks. A ± is the standard deviation over seeds.{printed}"
    )


def _figures(table, asked: Mapping, side: HeldOutSide, outcomes: Sequence[Outcome], by_name: Mapping) -> str:
    columns = columns_of(asked["columns"], side.compared)
    printed = [(key, head) for key, head in columns if any(key in outcome.row.paper for outcome in outcomes)]
    shown = [o for o in outcomes if any(key in by_name[o.row.name] or key in o.row.paper for key, _ in columns)]
    interval = asked["interval"]  # empty where no column has one
    named = [f"95 % interval of {dict(columns)[interval]}"] if interval else []
    head = ["system", *(head for _, head in columns), *named, *(f"{head} ({table.paper})" for _, head in printed)]
    # The paper's rows come first; without any there is nothing to set apart.
    lines, others = [], not any(outcome.row.in_paper for outcome in shown)
    for outcome in shown:
        if not outcome.row.in_paper and not others:
            others = True
            lines.append(["*not in the paper*", *[""] * (len(head) - 1)])
        row_cells, label = by_name[outcome.row.name], outcome.row.label + (" (failed)" if outcome.failed else "")
        lines.append(
            [
                label,
                *(figure(row_cells.get(key)) for key, _ in columns),
                *([_interval(row_cells.get(interval))] if interval else []),
                *(f"{outcome.row.paper[key]:.3f}" if key in outcome.row.paper else "" for key, _ in printed),
            ]
        )
    return markdown(head, lines)


def _interval(cell: Cell | None) -> str:
    return _NONE if cell is None or cell.low is None else f"{cell.low:.3f} to {cell.high:.3f}"


def _people(side: HeldOutSide, outcomes: Sequence[Outcome]) -> str:
    if side.judged is None:
        return (
            "Human triplets: -, since no judgements were given; dim-sim's file and its clips are named with "
            "--dim_sim and --clips."
        )
    judged = side.judged.judgements
    lines = [
        "## Human triplets\n",
        f"{len(judged.triplets)} judgements; {judged.left_out} more without enough agreement.",
        *_on_samples(outcomes),
    ]
    measured = [seed for outcome in outcomes for seed in outcome.measured.values()]
    embedded = [seed.details["judgements"] for seed in measured if "judgements" in seed.details]
    if embedded and embedded[0]["missing"]:
        missing = list(embedded[0]["missing"].items())
        lines.append(
            f"{embedded[0]['without_clips']} are left out for {len(missing)} clips that cannot be used, the "
            "rest is scored:\n"
        )
        lines += [f"- {clip}: {reason}" for clip, reason in missing[:_SHOWN]]
        lines += [f"- and {len(missing) - _SHOWN} more, see table.json"] if len(missing) > _SHOWN else []
    if embedded and not any(HUMAN in seed.figures for seed in measured):
        lines.append("No judgement has all its clips: there is no figure.")
    return "\n".join(lines)


def _on_samples(outcomes: Sequence[Outcome]) -> list[str]:
    """A line on the networks that cannot be asked about a judged clip."""
    labels = [
        o.row.label
        for o in outcomes
        if o.row.source in (TRAIN, UNTRAINED)
        and o.measured
        and not any("judgements" in seed.details for seed in o.measured.values())
    ]
    return (
        [f"Judged clips are read as log-mel; these networks take samples and have no figure: {', '.join(labels)}."]
        if labels
        else []
    )


def _pairs(pairs: Sequence[Compared], outcomes: Sequence[Outcome]) -> str:
    if not pairs:
        return ""
    labels = {outcome.row.name: outcome.row.label for outcome in outcomes}
    lines = [
        [
            f"{labels[pair.first]} - {labels[pair.second]}",
            pair.space,
            pair.condition,
            f"{pair.difference.value:+.3f}",
            f"{pair.difference.low:+.3f} to {pair.difference.high:+.3f}",
            f"{pair.difference.p:.3f}",
        ]
        for pair in pairs
    ]
    return (
        "## Differences\n\nPaired bootstrap over tracks, both rows on the same resampled tracks; p is two-sided "
        "and not corrected for the number of pairs. It speaks of other tracks, not of other seeds.\n\n"
        + markdown(["pair", "space", "triplets", "difference", "95 % interval", "p"], lines)
    )


def _cost(outcomes: Sequence[Outcome], by_name: Mapping[str, Mapping[str, Cell]]) -> str:
    lines = []
    timed = any(outcome.row.step_seconds for outcome in outcomes)
    for outcome in outcomes:
        counts = [outcome.mean(field) for field in ("parameters", "steps", "seconds")]
        counts.insert(1, outcome.multiply_adds)
        step = [f"{outcome.row.step_seconds:.3f}" if outcome.row.step_seconds else _NONE] if timed else []
        lines.append(
            [
                outcome.row.label,
                *(_NONE if count is None else f"{count:,.0f}" for count in counts),
                figure(by_name[outcome.row.name].get(TIME_RATIO), 2),
                *step,
                _NONE if outcome.mean("scoring_seconds") is None else f"{outcome.mean('scoring_seconds'):.0f}",
                " ".join(map(str, sorted(outcome.measured))) or _NONE,
            ]
        )
    ratio = ["of the first trained row's", *(["CPU seconds a step"] if timed else [])]
    head = ["system", "parameters", "multiply-adds a window", "steps", "seconds", *ratio, "seconds to score", "seeds"]
    return (
        "## Cost\n\nSeconds are those of the training steps by the clock, without validation; of several networks "
        f"or several seeds, the sum over networks and the mean over seeds.{_TIMED if timed else ''}\n\n"
        f"{markdown(head, lines)}"
    )


def _unfinished(outcomes: Sequence[Outcome]) -> str:
    lines = [
        f"- {outcome.row.label}, seed {seed}, failed: {reason}"
        for outcome in outcomes
        for seed, reason in outcome.failed.items()
    ]
    waiting = [f"- {outcome.row.label}, seed {seed}: not yet" for outcome in outcomes for seed in outcome.pending]
    return "\n".join(["## Not there", "", *lines, *waiting]) if lines or waiting else ""
