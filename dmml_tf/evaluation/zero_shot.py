"""How well tracks are found by a tag's vector alone: tags that training has seen, and tags that it has not.

Source: Choi, Lee, Park, Nam, ISMIR 2019, section 4 (a tag asks for tracks); here the unseen tags are scored among all
tagged tracks, those of seen tags too, which is the harder of the two ways in use.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from dmml_tf.conditions import Conditions, Labels
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.run import Run
from dmml_tf.spaces import unit
from dmml_tf.zero_shot.tower import TagTower
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

FILE_NAME = "zero_shot_evaluation.json"
K = 10
NO_VECTOR, NO_TRACK, EVERY_TRACK = "no vector", "no track", "every track"


@dataclasses.dataclass(frozen=True)
class TagScore:
    """One tag, asked for among the tracks that its column labels.

    Attributes:
        unseen: whether the tag was held out of training.
        auc: ROC-AUC of the cosines, 0..1; chance is 0.5.
        average_precision: of the tracks in order of cosine; chance is about `tracks / among`.
        precision: share of the first K tracks (all, if there are fewer) that carry it; chance as above.
        tracks: how many carry it.
        among: labelled tracks.
    """

    unseen: bool
    auc: float
    average_precision: float
    precision: float
    tracks: int
    among: int


@dataclasses.dataclass(frozen=True)
class ZeroShot:
    """All tags of one condition.

    Attributes:
        scores: tag -> its score.
        left_out: tag -> why it cannot be scored: it has no vector, no labelled track carries it, or every one does.
    """

    scores: Mapping[str, TagScore]
    left_out: Mapping[str, str]

    def mean(self, unseen: bool) -> dict[str, float] | None:
        """{"auc", "average_precision", "precision", "chance"}: means over the seen or the unseen tags.

        `chance` is the mean of `tracks / among`, what the two precisions are to be held against. None without a tag.
        """
        chosen = [score for score in self.scores.values() if score.unseen == unseen]
        if not chosen:
            return None
        means = {
            name: float(np.mean([getattr(score, name) for score in chosen]))
            for name in ("auc", "average_precision", "precision")
        }
        return {**means, "chance": float(np.mean([score.tracks / score.among for score in chosen]))}

    def to_json(self) -> dict:
        """Plain dictionaries: the means over the seen and the unseen tags, what is left out, each tag's figures."""
        return {
            "seen": self.mean(False),
            "unseen": self.mean(True),
            "left_out": dict(self.left_out),
            "tags": {tag: dataclasses.asdict(score) for tag, score in self.scores.items()},
        }


def zero_shot_scores(
    tower: TagTower, vectors: np.ndarray, labels: Labels, conditions: Conditions, vocabularies: Mapping, k: int = K
) -> dict[str, ZeroShot]:
    """Every tag of every condition, by the cosine of track and tag in the condition's sub-space.

    Untagged is not a negative: tracks without a tag of the column are left out.

    Args:
        tower: of the run that made the vectors.
        vectors: float32 [N, E] whole-song embeddings.
        labels: columns of the N tracks.
        conditions: the run's.
        vocabularies: tag column -> tags, of the dataset the labels are from; must be those of the tower.
        k: tracks that the precision counts.

    Returns:
        Condition -> its tags.

    Raises:
        UserError: if the dataset has other tags than the run was trained with.
    """
    scores = {}
    for condition in conditions:
        tags = tower.tags.get(condition.column)
        if tags is None or tuple(vocabularies.get(condition.column, ())) != tags:
            raise UserError(
                f"column '{condition.column}': the dataset has other tags than the run was trained with; "
                "give the --data that it was trained on, or one with the same vocabulary"
            )
        space = unit(vectors[:, conditions.subspaces.get(condition.name, slice(None))].astype(np.float64))
        asked = tower.in_space(tower.vectors.columns[condition.column], conditions, condition.name)
        scores[condition.name] = score_tags(
            space,
            asked,
            labels[condition.column],
            condition.labelled(labels),
            tags,
            tower.held_out[condition.column],
            k,
        )
    return scores


def write_zero_shot(run: Run, tower: TagTower, dataset: Dataset, split: str, k: int = K) -> dict[str, ZeroShot]:
    """Scores a run's tags on a split and writes `zero_shot_evaluation.json` into its folder.

    Args:
        run: with a tag tower.
        tower: the run's.
        dataset: holds `split`; its vocabularies must be those of the tower.
        split: what is scored.
        k: tracks that the precision counts.

    Returns:
        Condition -> its tags.

    Raises:
        UserError: as `zero_shot_scores`, or if the run or the split cannot be read.
    """
    embedded = embed_split(Embedder.of_run(run), dataset, split)
    vocabularies = dataset.schema.vocabularies
    scores = zero_shot_scores(tower, embedded.vectors, embedded.labels, run.conditions, vocabularies, k)
    write_json(
        run.folder / FILE_NAME,
        {
            "dataset": dataset.place,
            "split": split,
            "tracks": len(embedded.ids),
            "k": k,
            "vectors": dict(tower.vectors.source),
            "conditions": {name: of_tags.to_json() for name, of_tags in scores.items()},
        },
    )
    return scores


def score_tags(
    space: np.ndarray,
    asked: np.ndarray,
    column: np.ndarray,
    labelled: np.ndarray,
    tags: Sequence[str],
    held_out: Sequence[str],
    k: int = K,
) -> ZeroShot:
    """The tags of one column; one tag's cosines are in memory at a time.

    Args:
        space: float [N, D] unit vectors of tracks.
        asked: float [Z, D] unit vectors of tags, NaN where a tag has none.
        column: int [N, M] ids, padded with -1.
        labelled: bool [N], which tracks take part.
        tags: Z names; those of `held_out` are the unseen ones.
        k: tracks that the precision counts. Of equal cosines the track of the lower row comes first.
    """
    space, column = space[labelled], column[labelled]
    scores, left_out = {}, {}
    for number, tag in enumerate(tags):
        carries = (column == number).any(axis=1)
        if not np.isfinite(asked[number]).all():
            left_out[tag] = NO_VECTOR
        elif not carries.any():
            left_out[tag] = NO_TRACK
        elif carries.all():
            left_out[tag] = EVERY_TRACK
        else:
            cosines = space @ asked[number]
            first = np.argsort(-cosines, kind="stable")[:k]
            scores[tag] = TagScore(
                tag in held_out,
                float(roc_auc_score(carries, cosines)),
                float(average_precision_score(carries, cosines)),
                float(carries[first].mean()),
                int(carries.sum()),
                len(carries),
            )
    return ZeroShot(scores, left_out)
