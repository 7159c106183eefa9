"""A run on held-out tracks: its triplets and its cross table, and what else is asked for."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from dmml_tf.data.judgements.read import AGREEMENT, Judgements, read_dim_sim, read_odd_one_out
from dmml_tf.data.signal import Signal
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import Embedded, embed_split
from dmml_tf.evaluation.by_condition import (
    accuracy_by_condition,
    agreement_by_space,
    retrieval_by_condition,
    tagging_by_condition,
)
from dmml_tf.evaluation.cross_table import (
    CrossTable,
    cross_table,
    disentanglement,
    label_cross_table,
    label_information,
)
from dmml_tf.evaluation.held_out import HeldOut, hold_out
from dmml_tf.evaluation.human import embed_clips, network_embed
from dmml_tf.evaluation.segments import SegmentScores, score_segments
from dmml_tf.evaluation.views import Views
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A run on one split.

    Attributes:
        embedder: of the run's network.
        embedded: the split under it.
        views: how its vectors are compared.
        held_out: the triplets, which other systems can be scored on.
        triplet_accuracy: see `dmml_tf.evaluation.by_condition.accuracy_by_condition`.
        cross_table: see `dmml_tf.evaluation.cross_table.cross_table`.
        segments: the segments of the split, where the dataset has labels of them.
    """

    embedder: Embedder
    embedded: Embedded
    views: Views
    held_out: HeldOut
    triplet_accuracy: Mapping[str, Mapping]
    cross_table: CrossTable
    segments: SegmentScores | None = None


def evaluate_run(run: Run, dataset: Dataset, split: str = "test", count: int = 10_000, seed: int = 0) -> Evaluation:
    """Scores a run on held-out triplets.

    Args:
        run: whose conditions decide and whose network is scored.
        dataset: holds `split`.
        split: never the one the run was trained on.
        count: triplets a condition.
        seed: of the triplets and the bootstrap.

    Raises:
        UserError: if the data lack a condition's column or the split, or a file is damaged.
    """
    embedder = Embedder.of_run(run)
    embedded = embed_split(embedder, dataset, split)
    windows = (embedded.window_track, embedded.window_start)
    held_out = hold_out(run.conditions, embedded.labels, *windows, count, seed, dataset.features)
    views = Views.of_conditions(held_out.conditions, embedded.vectors.shape[1], run.norm_order, run.masks)
    accuracy = accuracy_by_condition(embedded, held_out, views)
    segments = score_segments(embedded, run.conditions, views, dataset.features, count, seed)
    cross = cross_table(embedded, held_out, views)
    return Evaluation(embedder, embedded, views, held_out, accuracy, cross, segments)


def segment_figures(run: Run, evaluation: Evaluation, retrieval: bool) -> dict[str, dict]:
    """What `evaluation.json` says of segments; nothing where the dataset has no labels of them.

    Args:
        run: as of `evaluate_run`.
        evaluation: from `evaluate_run`.
        retrieval: whether they are searched too.
    """
    scores = evaluation.segments
    if scores is None:
        return {}
    figures: dict = {**scores.counts(), "triplet_accuracy": {run.name: scores.triplet_accuracy}}
    if retrieval:
        figures["retrieval"] = retrieval_by_condition(scores.embedded, run.conditions, evaluation.views)
    return {"segments": figures}


@dataclasses.dataclass(frozen=True)
class Further:
    """What a run is scored by beyond triplets.

    Attributes:
        disentanglement: the cross table against what the labels share.
        retrieval: multi-label R@K, R-precision and mAP@R a condition.
        tagging: ROC-AUC of class prototypes from the train split.
        dim_sim: file of dim-sim judgements, CSV or JSON; None for none.
        odd_one_out: MagnaTagATune's comparisons_final.csv; None for none.
        clips: folder of the judged clips.
        agreement: least share of dim-sim's votes for the majority.
        votes: file of votes, for `dmml_tf.evaluation.votes.score_votes`; None for none.
    """

    disentanglement: bool = False
    retrieval: bool = False
    tagging: bool = False
    dim_sim: str | None = None
    odd_one_out: str | None = None
    clips: str | None = None
    agreement: float = AGREEMENT
    votes: str | None = None

    def require(self, run: Run) -> None:
        """Checks, before any work, that people's judgements can be compared with.

        Raises:
            UserError: if there is no folder of clips, or the network takes samples.
        """
        people = self.dim_sim or self.odd_one_out
        if people and not self.clips:
            raise UserError("--dim_sim and --odd_one_out need --clips=FOLDER, where the judged clips are")
        if self.clips and not Path(self.clips).is_dir():
            raise UserError(f"--clips={self.clips} is no folder; name the one where the judged clips are")
        # Votes whose clips are cut from the records may be compared with any network.
        if (people or (self.votes and self.clips)) and Signal.from_config(run.network, run.features).takes_samples:
            raise UserError(
                f"{run.folder}: judged clips are read as log-mel and this network takes samples; leave out "
                "--dim_sim and --odd_one_out, and --clips beside --votes"
            )


def evaluate_further(run: Run, dataset: Dataset, evaluation: Evaluation, asked: Further) -> dict[str, dict]:
    """What is asked for, by the keys of `evaluation.json`.

    Args:
        run: as of `evaluate_run`.
        dataset: holds `train` where tags are scored.
        evaluation: from `evaluate_run`.
        asked: the measures.

    Raises:
        UserError: if a file of judgements or the train split cannot be read.
    """
    embedded, views = evaluation.embedded, evaluation.views
    further: dict[str, dict] = {}
    if asked.disentanglement:
        further["disentanglement"] = _disentanglement(run, evaluation)
    if asked.retrieval:
        further["retrieval"] = retrieval_by_condition(embedded, run.conditions, views)
    if asked.tagging:
        train = embed_split(evaluation.embedder, dataset, "train")
        vocabularies = dataset.schema.vocabularies
        further["tagging"] = tagging_by_condition(train, embedded, run.conditions, vocabularies, views)
    if asked.dim_sim:
        further["dim_sim"] = _people(evaluation, read_dim_sim(asked.dim_sim, asked.agreement), asked.clips)
    if asked.odd_one_out:
        further["odd_one_out"] = _people(evaluation, read_odd_one_out(asked.odd_one_out), asked.clips)
    return further


def _disentanglement(run: Run, evaluation: Evaluation) -> dict:
    labels_table = label_cross_table(evaluation.held_out, evaluation.embedded.labels)
    figure = disentanglement(evaluation.cross_table, labels_table)
    return {
        "figure": figure and dataclasses.asdict(figure),
        "labels_table": labels_table,
        "mutual_information": label_information(run.conditions, evaluation.embedded.labels),
    }


def _people(evaluation: Evaluation, judgements: Judgements, clips: str | None) -> dict:
    embedder = evaluation.embedder
    judged = embed_clips(judgements, clips or ".", network_embed(embedder), embedder.signal.features)
    return {
        "triplets": len(judgements.triplets),
        "no_majority": judgements.left_out,
        "without_clips": judged.without_clips,
        "missing": dict(judged.missing),
        "agreement": agreement_by_space(judged, evaluation.views, evaluation.held_out.seed),
    }
