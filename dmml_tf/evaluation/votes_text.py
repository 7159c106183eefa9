"""People's votes as text for people."""

from collections.abc import Mapping

from dmml_tf.data.judgements.votes import DISAGREEING, RANDOM
from dmml_tf.evaluation.tables import BASELINE_NAMES, TRAINED, format_score, markdown, missing_lines
from dmml_tf.evaluation.votes import ALL

_STRATA = {
    RANDOM: "triplets drawn at random",
    DISAGREEING: "triplets that were asked because systems disagree",
    ALL: "all, weighted to be as random ones",
}


def votes_text(content: Mapping) -> str:
    """What `dmml_tf.evaluation.votes.score_votes` gives, as lines and tables."""
    names = _STRATA if RANDOM in content["alpha"] else {ALL: "all"}
    answers = ", ".join(f"{answer} {count:g}" for answer, count in content["answers"].items())
    lines = [
        f"People: {content['votes']} votes of {len(content['listeners']) or 'unnamed'} listeners on "
        f"{content['triplets']} triplets ({answers}), and {content['repeats']} repeats"
    ]
    lines += [
        f"  Krippendorff's alpha, {name}: {format_score(content['alpha'][stratum])}" for stratum, name in names.items()
    ]
    everybody = content["all_listeners"]
    if content["listeners"]:
        lines.append(f"  repeats answered as the first time: {format_score(everybody['repeats'])}")
        lines.append(f"  leaning towards A (-1 to 1): {format_score(everybody['towards_a'])}")
    parts = ["\n".join([*lines, *missing_lines(content)])]
    parts += [
        f"Agreement with the majority, {name}:\n{_agreement_table(content, stratum)}" for stratum, name in names.items()
    ]
    if content["weights"]:
        parts.append(_weights_lines(content["weights"]))
    return "\n\n".join(parts) + "\n"


def _agreement_table(content: Mapping, stratum: str) -> str:
    """One row a system and space, one column a threshold, headed by how many triplets have such a majority."""
    by_space = {(system, space): s for system, a in content["agreement"].items() for space, s in a[stratum].items()}
    counts = {t: max((s[t]["n"] for s in by_space.values() if s[t]), default=0) for t in content["majorities"]}
    rows = [
        [BASELINE_NAMES.get(system, TRAINED), space, *(format_score(scores[t]) for t in counts)]
        for (system, space), scores in by_space.items()
    ]
    return markdown(["system", "space", *(f"at least {t} (n {count})" for t, count in counts.items())], rows)


def _weights_lines(content: Mapping) -> str:
    weights = ",".join(f"{name}={weight:g}" for name, weight in content["weights"].items())
    gain = content["gain"]
    return "\n".join(
        [
            f"Weights that agree best, fitted on {content['fitted_on']} triplets: --weights {weights}",
            f"  agreement on the other {content['scored_on']}: {format_score(content['fitted'])}; equal weights "
            f"{format_score(content['equal'])}; whole space {format_score(content['whole'])}",
            f"  gain over equal weights: {gain['value']:+.3f} ({gain['low']:+.2f} to {gain['high']:+.2f})",
        ]
    )
