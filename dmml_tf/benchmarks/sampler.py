"""The sampler's figures: validity by brute force, shares, coverage, rare tags, and time by the vocabulary's size."""

import collections
import time
from collections.abc import Mapping

import numpy as np

from dmml_tf.benchmarks.brute_force import BruteForce, count_alone
from dmml_tf.benchmarks.made_labels import TagMakeUp, even, falling, label_batches, made_tracks
from dmml_tf.conditions import Condition, Conditions, SameTrack, SharedTag, Within
from dmml_tf.conditions.labels import part_of
from dmml_tf.data.pipeline import BatchPlan, window_batches
from dmml_tf.data.segment_labels import JOIN
from dmml_tf.data.track_table import track_table
from dmml_tf.data.triplets import draw_batch
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.program import progress
from tfrecords_tools.tables.track_segments import segment_rows

VOCABULARIES = (10, 100, 1_000, 10_000)
PAPER = Conditions(
    [
        SharedTag("genre"),
        SharedTag("mood"),
        SharedTag("instrument"),
        Within("tempo", 5.0),
        SameTrack("track", width=0, share=4.0),
    ]
)
# The Million Song Dataset's tags a dimension, and the share of its tracks that carry one (ICASSP 2020, section 3.1).
MSD = {
    "genre": TagMakeUp(falling(28), 0.877),
    "mood": TagMakeUp(falling(12), 0.135),
    "instrument": TagMakeUp(falling(5), 0.134),
}


def epoch_steps(tracks: int, plan: BatchPlan) -> int:
    """Batches in which every track of a split is new once: half of a batch is new tracks."""
    return -(-tracks // (plan.tracks // 2))


def passed_over(tracks: int, plan: BatchPlan) -> int:
    """Batches until the stream begins its second pass: the first one's beginning fills the pool and is never new."""
    return epoch_steps(max(0, tracks - plan.pool), plan)


def measure_dataset(
    dataset: Dataset,
    split: str,
    conditions: Conditions,
    plan: BatchPlan,
    seed: int = 0,
    least: int = 20_000,
    steps: int | None = None,
) -> dict:
    """Draws triplets from a split as training does and checks each by brute force.

    Args:
        conditions: of kinds that `BruteForce` knows.
        least: triplets a condition, at least, unless four times the batches that should take have not brought them.
        steps: of the epoch whose anchors are counted; None is one pass of the split, each track new once.

    Returns:
        "steps_an_epoch", and for each condition "triplets", "invalid", "share", "asked" (shares of all triplets),
        "tagged" tracks, "alone", those of them that share a tag with no other, "anchors", how many were an anchor
        within one epoch, and "between_labels", the share of windows that are unlabelled since no label of their song
        covers three quarters of them.
    """
    tracks = {row.track_id: row for row in track_table(dataset, (split,))}
    truth = BruteForce(tracks, segment_rows(dataset.folder, dataset.schema))
    rng, windows_drawn = np.random.default_rng([seed, 0]), 0
    skipped, steps = passed_over(len(tracks), plan), steps or epoch_steps(len(tracks), plan)
    shares = np.array([condition.share for condition in conditions]) / sum(condition.share for condition in conditions)
    most = skipped + max(steps, 4 * int(np.ceil(least / (plan.triplets * shares[shares > 0].min()))))
    drawn: collections.Counter[int] = collections.Counter()
    invalid: collections.Counter[int] = collections.Counter()
    between: collections.Counter[int] = collections.Counter()
    anchors: list[set[str]] = [set() for _ in conditions]
    for step, windows in enumerate(window_batches(dataset, split, conditions, plan, rng)):
        triplets, numbers = draw_batch(conditions, windows.labels, plan.triplets, rng)
        windows_drawn += len(windows.track_ids)
        for number, condition in enumerate(conditions):
            part = windows.labels.get(part_of(condition.column))
            between[number] += 0 if part is None or not condition.by_label else int((part == JOIN).sum())
        places = list(zip(windows.track_ids, windows.labels["start"].tolist()))
        for triplet, number in zip(triplets.tolist(), numbers.tolist()):
            drawn[number] += 1
            invalid[number] += not truth.valid(conditions[number], *(places[window] for window in triplet))
            if skipped <= step < skipped + steps:
                anchors[number].add(places[triplet[0]][0])
        enough = all(drawn[number] >= least for number in np.flatnonzero(shares))
        if step + 1 >= (skipped + steps if enough else most):
            break
    found = {
        condition.name: {
            "triplets": drawn[number],
            "invalid": invalid[number],
            "share": drawn[number] / max(1, drawn.total()),
            "asked": float(shares[number]),
            "tagged": sum(truth.labelled(condition, track) for track in tracks),
            "alone": truth.alone(condition),
            "anchors": len(anchors[number]),
            "between_labels": between[number] / max(1, windows_drawn),
        }
        for number, condition in enumerate(conditions)
    }
    return {"steps_an_epoch": steps, "conditions": found}


def measure_made(
    make_up: Mapping[str, TagMakeUp], tracks: int, plan: BatchPlan, conditions: Conditions = PAPER, seed: int = 0
) -> dict[str, dict]:
    """One epoch on made tracks.

    Returns:
        For each condition "triplets", "share", "asked", "tagged", "alone" and "anchors" as in `measure_dataset`, and
        for `shared_tag` the rarest tag's own: its "rare_tracks" and "rare_anchors", and "rare_triplets" that share it
        beside "rare_expected", what anchors drawn evenly from the tagged tracks would bring.
    """
    rng = np.random.default_rng([seed, tracks])
    schema, rows = made_tracks(tracks, make_up, rng)
    stream = label_batches(schema, rows, conditions, plan, rng)
    for _ in range(passed_over(tracks, plan)):
        next(stream)
    pairs: list[collections.Counter[tuple[str, str]]] = [collections.Counter() for _ in conditions]
    for _ in range(epoch_steps(tracks, plan)):
        labels, ids = next(stream)
        triplets, numbers = draw_batch(conditions, labels, plan.triplets, rng)
        for (anchor, positive, _), number in zip(triplets.tolist(), numbers.tolist()):
            pairs[number][ids[anchor], ids[positive]] += 1
    total, shares = sum(drawn.total() for drawn in pairs), sum(condition.share for condition in conditions)
    by_id = {row["track_id"]: row for row in rows}
    return {
        one.name: {"share": drawn.total() / total, "asked": one.share / shares, **_covered(one, by_id, drawn)}
        for one, drawn in zip(conditions, pairs)
    }


def _covered(condition: Condition, rows: Mapping[str, dict], drawn: collections.Counter) -> dict:
    anchors = {anchor for anchor, _ in drawn}
    if not condition.reads_tags:
        return {"triplets": drawn.total(), "tagged": len(rows), "alone": 0, "anchors": len(anchors)}
    tags = {track: set(row[f"tags/{condition.column}"].tolist()) for track, row in rows.items()}
    tagged = [track for track, mine in tags.items() if mine]
    counts = collections.Counter(tag for mine in tags.values() for tag in mine)
    rare, holders = min(counts.items(), key=lambda one: one[::-1])
    shared = sum(count for (a, p), count in drawn.items() if rare in tags[a] and rare in tags[p])
    return {
        "triplets": drawn.total(),
        "tagged": len(tagged),
        "alone": count_alone(tags.values()),
        "anchors": len(anchors),
        "rare_tracks": holders,
        "rare_anchors": sum(rare in tags[anchor] for anchor in anchors),
        "rare_triplets": shared,
        "rare_expected": drawn.total() * holders / len(tagged),
    }


def time_vocabularies(plan: BatchPlan, tracks: int = 2_000, batches: int = 40, seed: int = 0) -> dict[int, float]:
    """Milliseconds of this process a batch (labels, partners, triplets; no sound) by the vocabulary's size.

    Every track carries two of the tags, drawn evenly, in each of the paper's three dimensions. The sizes take turns, so
    that what else the machine does falls on all of them.
    """
    streams, rng = {}, np.random.default_rng([seed, tracks])
    for size in VOCABULARIES:
        make_up = {name: TagMakeUp(even(size), each=2) for name in ("genre", "mood", "instrument")}
        streams[size] = label_batches(*made_tracks(tracks, make_up, rng), PAPER, plan, rng)
        next(streams[size])
    spent: dict[int, list[float]] = {size: [] for size in VOCABULARIES}
    for _ in progress(range(batches), batches, "batches of every vocabulary"):
        for size, stream in streams.items():
            begun = time.process_time()
            labels, _ = next(stream)
            draw_batch(PAPER, labels, plan.triplets, rng)
            spent[size].append(time.process_time() - begun)
    return {size: float(np.median(seconds)) * 1e3 for size, seconds in spent.items()}


def rare_tag(share: float = 0.01, tags: int = 10) -> dict[str, TagMakeUp]:
    """Labels like `MSD`'s, but one genre of `tags` is held by that share of the tracks, the others evenly, by all."""
    return {**MSD, "genre": TagMakeUp([share, *np.full(tags - 1, (1 - share) / (tags - 1))])}
