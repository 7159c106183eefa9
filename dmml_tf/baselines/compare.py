"""The model and its two floors, MFCC-VQ and the untrained network, on the same held-out triplets."""

import dataclasses
from collections.abc import Mapping

from tensorflow import keras

from dmml_tf.baselines.mfcc_vq import MfccVq
from dmml_tf.embed.split import Embedded, embed_split
from dmml_tf.evaluation.cross_table import CrossTable, cross_table
from dmml_tf.evaluation.evaluate import evaluate, hold_out
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.spaces import condition_masks
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

MFCC_VQ, UNTRAINED = "mfcc_vq", "untrained"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        embedded: the split under the trained model.
        triplet_accuracy: system -> as `dmml_tf.evaluation.evaluate.evaluate` gives it. The trained model comes first,
            under the name of its configuration. MFCC-VQ has one space, so its "whole" and "subspace" are the same
            figures.
        cross_table: of the trained model.
    """

    embedded: Embedded
    triplet_accuracy: Mapping[str, Mapping]
    cross_table: CrossTable


def compare(run: Run, dataset: Dataset, split: str, count: int, seed: int = 0, baselines: bool = True) -> Comparison:
    """Scores a run, and with `baselines` its floors, on a split.

    Args:
        run: whose conditions decide and whose network is scored.
        dataset: holds `split`, and `train` for the codebook of MFCC-VQ.
        split: never the one the run was trained on.
        count: triplets a condition.
        seed: of triplets, bootstrap, codebook and untrained weights.
        baselines: whether to score the floors.

    Raises:
        UserError: if the data lack a condition's column or a split, a file is damaged, or the run has a floor's name.
    """
    if baselines and run.name in (MFCC_VQ, UNTRAINED):
        raise UserError(
            f"{run.folder}: its configuration is called '{run.name}', as one of the baselines is; train it from a file "
            "of another name"
        )
    embedded = embed_split(run.embedding(), dataset, split)
    held_out = hold_out(run.conditions, embedded.labels, embedded.window_track, embedded.window_start, count, seed)
    masks = condition_masks(run.conditions, run.masks, embedded.vectors.shape[1])
    scores = {run.name: evaluate(embedded, held_out, run.norm_order, masks=masks)}
    table = cross_table(embedded, held_out, run.norm_order, masks)
    if baselines:
        histograms = MfccVq(seed=seed).fit(dataset).embed_split(dataset, split)
        scores[MFCC_VQ] = evaluate(histograms, held_out, subspaces=False)
        keras.utils.set_random_seed(seed)
        untrained = embed_split(build_embedding(**run.network), dataset, split)
        scores[UNTRAINED] = evaluate(untrained, held_out, run.norm_order)
    return Comparison(embedded, scores, table)
