"""A run beside its two floors, MFCC-VQ and the untrained network, on the same held-out triplets."""

from collections.abc import Mapping

from tensorflow import keras

from dmml_tf.baselines.mfcc_vq import MfccVq
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.by_condition import accuracy_by_condition
from dmml_tf.evaluation.evaluate import Evaluation, Further, evaluate_further, evaluate_run
from dmml_tf.evaluation.held_out import HeldOut
from dmml_tf.evaluation.tables import BASELINE_NAMES, MFCC_VQ, UNTRAINED
from dmml_tf.evaluation.views import Views
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.spaces import SUBSPACE, WHOLE
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

FILE_NAME = "evaluation.json"


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
    if floors and run.name in BASELINE_NAMES:
        raise UserError(
            f"{run.folder}: its configuration is called '{run.name}', as one of the baselines is; train it from a file "
            "of another name"
        )
    evaluation = evaluate_run(run, dataset, split, count, seed)
    accuracy = {run.name: evaluation.triplet_accuracy}
    if floors:
        accuracy[MFCC_VQ] = _score_mfcc_vq(dataset, split, evaluation.held_out)
        accuracy[UNTRAINED] = _score_untrained(run, dataset, split, evaluation.held_out)
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
        UserError: as `compare` and `evaluate_further`.
    """
    evaluation, accuracy = compare(run, dataset, split, count, seed, floors)
    content = {
        "dataset": str(dataset.folder),
        "split": split,
        "tracks": len(evaluation.embedded.ids),
        "seed": seed,
        "triplet_accuracy": accuracy,
        "cross_table": evaluation.cross_table,
        **evaluate_further(run, dataset, evaluation, further),
    }
    write_json(run.folder / FILE_NAME, content)
    return content


def _score_mfcc_vq(dataset: Dataset, split: str, held_out: HeldOut) -> dict[str, dict]:
    histograms = MfccVq(seed=held_out.seed).fit(dataset).embed_split(dataset, split)
    # Histograms come with their own normalisation.
    views = Views({WHOLE: dict.fromkeys(held_out.conditions.names)}, normalise=False)
    whole = accuracy_by_condition(histograms, held_out, views)[WHOLE]
    return {WHOLE: whole, SUBSPACE: whole}


def _score_untrained(run: Run, dataset: Dataset, split: str, held_out: HeldOut) -> dict[str, dict]:
    keras.utils.set_random_seed(held_out.seed)
    embedded = embed_split(
        Embedder(build_embedding(**run.network, features=run.features), run.features), dataset, split
    )
    views = Views.of_conditions(held_out.conditions, embedded.vectors.shape[1], run.norm_order)
    return accuracy_by_condition(embedded, held_out, views)
