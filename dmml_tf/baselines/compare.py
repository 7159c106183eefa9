"""A run beside its two floors, MFCC-VQ and the untrained network, on the same held-out triplets."""

import dataclasses
from collections.abc import Mapping

from tensorflow import keras

from dmml_tf.baselines.mfcc_vq import MfccVq
from dmml_tf.data.judgements.votes import read_votes
from dmml_tf.data.signal import LogMelSignal
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.by_condition import accuracy_by_condition
from dmml_tf.evaluation.evaluate import Evaluation, Further, evaluate_further, evaluate_run, segment_figures
from dmml_tf.evaluation.held_out import HeldOut
from dmml_tf.evaluation.human import network_embed
from dmml_tf.evaluation.tables import BASELINE_NAMES, MFCC_VQ, UNTRAINED
from dmml_tf.evaluation.views import Views
from dmml_tf.evaluation.votes import VotingSystem, clip_sounds, score_votes
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.spaces import SUBSPACE, WHOLE
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

FILE_NAME = "evaluation.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Floors:
    """The two baselines of a run, ready to embed.

    Attributes:
        mfcc_vq: with a codebook of the train split.
        untrained: the run's network with weights that were only drawn.
    """

    mfcc_vq: MfccVq
    untrained: Embedder

    @classmethod
    def fit(cls, run: Run, dataset: Dataset, seed: int) -> "Floors":
        """Learns the codebook and draws the weights, both by the seed."""
        codebook = MfccVq(seed=seed).fit(dataset)
        keras.utils.set_random_seed(seed)
        return cls(codebook, Embedder(build_embedding(**run.network, features=run.features), run.features))


def compare(
    run: Run, dataset: Dataset, split: str, count: int, seed: int = 0, floors: bool = True
) -> tuple[Evaluation, dict[str, Mapping]]:
    """Scores a run, and with `floors` MFCC-VQ and the untrained network, on a split.

    Args:
        run: whose conditions decide and whose network is scored.
        dataset: holds `split`, and `train` for the codebook of MFCC-VQ.
        split: never the one the run was trained on.
        count: triplets a condition.
        seed: of triplets, bootstrap, codebook and untrained weights.
        floors: whether to score them too.

    Returns:
        The run's own evaluation, and system -> triplet accuracy as
        `dmml_tf.evaluation.by_condition.accuracy_by_condition` gives it. The run comes first, under the name of its
        configuration. MFCC-VQ has one space, so its "whole" and "subspace" are the same figures.

    Raises:
        UserError: as `evaluate_run`, or if the run has a floor's name.
    """
    evaluation, accuracy, _ = _compare(run, dataset, split, count, seed, floors)
    return evaluation, accuracy


def write_evaluation(
    run: Run, dataset: Dataset, split: str, count: int, seed: int, floors: bool, further: Further
) -> dict:
    """Scores a run and writes `evaluation.json` into its folder.

    Args:
        run, dataset, split, count, seed, floors: as of `compare`.
        further: what else is asked for.

    Returns:
        The file's content.

    Raises:
        UserError: as `compare` and `evaluate_further`, and if the file of votes cannot be read or does not fit.
    """
    votes = read_votes(further.votes) if further.votes else None
    evaluation, accuracy, fitted = _compare(run, dataset, split, count, seed, floors)
    content = {
        "dataset": dataset.place,
        "split": split,
        "tracks": len(evaluation.embedded.ids),
        "seed": seed,
        "triplet_accuracy": accuracy,
        "cross_table": evaluation.cross_table,
        **segment_figures(run, evaluation, further.retrieval),
        **evaluate_further(run, dataset, evaluation, further),
    }
    if votes is not None:
        sounds = clip_sounds(votes, dataset, further.clips)
        content["votes"] = score_votes(votes, _voting_systems(run, evaluation, fitted), sounds, seed)
    write_json(run.folder / FILE_NAME, content)
    return content


def _compare(
    run: Run, dataset: Dataset, split: str, count: int, seed: int, floors: bool
) -> tuple[Evaluation, dict[str, Mapping], Floors | None]:
    if floors and run.name in BASELINE_NAMES:
        raise UserError(
            f"{run.folder}: its configuration is called '{run.name}', as one of the baselines is; train it from a file "
            "of another name"
        )
    evaluation = evaluate_run(run, dataset, split, count, seed)
    accuracy = {run.name: evaluation.triplet_accuracy}
    if not floors:
        return evaluation, accuracy, None
    fitted, held_out = Floors.fit(run, dataset, seed), evaluation.held_out
    whole = accuracy_by_condition(fitted.mfcc_vq.embed_split(dataset, split), held_out, _of_histograms(held_out))[WHOLE]
    accuracy[MFCC_VQ] = {WHOLE: whole, SUBSPACE: whole}
    embedded = embed_split(fitted.untrained, dataset, split)
    views = Views.of_conditions(held_out.conditions, embedded.vectors.shape[1], run.norm_order)
    accuracy[UNTRAINED] = accuracy_by_condition(embedded, held_out, views)
    return evaluation, accuracy, fitted


def _of_histograms(held_out: HeldOut) -> Views:
    # Histograms come with their own normalisation.
    return Views({WHOLE: dict.fromkeys(held_out.conditions.names)}, normalise=False)


def _voting_systems(run: Run, evaluation: Evaluation, floors: Floors | None) -> dict[str, VotingSystem]:
    embedder, held_out = evaluation.embedder, evaluation.held_out
    systems = {run.name: VotingSystem(network_embed(embedder), embedder.signal, evaluation.views)}
    if floors is not None:
        log_mel = LogMelSignal(run.features)
        systems[MFCC_VQ] = VotingSystem(floors.mfcc_vq.embed, log_mel, _of_histograms(held_out))
        views = Views.of_conditions(held_out.conditions, floors.untrained.size, run.norm_order)
        systems[UNTRAINED] = VotingSystem(network_embed(floors.untrained), floors.untrained.signal, views)
    return systems
