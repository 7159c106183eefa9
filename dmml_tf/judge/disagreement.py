"""How far systems and sub-spaces disagree about which of two clips is closer to a third."""

from collections.abc import Sequence

import numpy as np

from dmml_tf.data.judgements.votes import Clip
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.human import embed_judged, network_embed, sound_of_records
from dmml_tf.evaluation.views import Views
from dmml_tf.evaluation.votes import margins
from dmml_tf.run import Run
from dmml_tf.spaces import WHOLE
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

_Triplets = Sequence[tuple[Clip, Clip, Clip]]


def disagreement(by_space: np.ndarray) -> np.ndarray:
    """float [n]: the strength of the weaker side, 0 where all spaces find the same song closer.

    Args:
        by_space: float [n, S], how much closer the first song is in each space. Spaces are brought to the same spread
            over the triplets first; NaN is handed on.
    """
    scaled = by_space / np.maximum(np.sqrt(np.nanmean(np.square(by_space), axis=0)), 1e-12)
    return np.minimum(np.maximum(scaled, 0).sum(axis=1), np.maximum(-scaled, 0).sum(axis=1))


def margins_by_space(runs: Sequence[Run], dataset: Dataset, triplets: _Triplets) -> np.ndarray:
    """float [n, S]: the margins of triplets in the whole space and each sub-space of every run.

    NaN where a song ends before its clip.

    Raises:
        UserError: if there is one space alone, or the records cannot be read.
    """
    columns = [column for run in runs for column in _of_run(run, dataset, triplets)]
    if len(columns) < 2:
        raise UserError(
            f"{runs[0].folder}: has one space alone, which disagrees with nothing; name another run with --beside"
        )
    return np.stack(columns, axis=1)


def _of_run(run: Run, dataset: Dataset, triplets: _Triplets) -> list[np.ndarray]:
    embedder = Embedder.of_run(run)
    views = Views.of_conditions(run.conditions, embedder.size, run.norm_order, run.masks)
    sound_of = sound_of_records(dataset, {clip for three in triplets for clip in three}, embedder.signal)
    judged = embed_judged(triplets, sound_of, network_embed(embedder))
    columns = []
    for mask in {WHOLE: None, **views.subspaces}.values():
        column = np.full(len(triplets), np.nan)
        if len(judged.kept):
            column[judged.kept] = margins(views.space(judged.vectors, mask), judged.triplets)
        columns.append(column)
    return columns
