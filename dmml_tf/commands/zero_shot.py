"""`dmml zero_shot`: tracks by a tag or a word, and how well tags are found that training has not seen."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.tables import markdown
from dmml_tf.run import Run
from dmml_tf.search import show
from dmml_tf.search.build import weights_sha256
from dmml_tf.search.by_tag import by_tag, vectors_of_tag
from dmml_tf.search.index import INDEX_FOLDER, Index
from dmml_tf.zero_shot.scores import K, ZeroShot, zero_shot_scores
from dmml_tf.zero_shot.tower import TagTower
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

FILE_NAME = "zero_shot_evaluation.json"


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string("run", None, "Folder of a run trained with --config zero_shot.", required=True, flag_values=fv)
    flags.DEFINE_string(
        "tag", None, "Tag to ask by; with word vectors, any word. Needs the run's index.", flag_values=fv
    )
    flags.DEFINE_string(
        "condition",
        "",
        "Compare in this condition's sub-space alone; default: in those whose tags "
        "the tag is among, or in all for another word.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "words", "", "Text file of the word vectors, if it is not where it was at training.", flag_values=fv
    )
    flags.DEFINE_integer(
        "k", K, "Number of results; with --evaluate, tracks that the precision counts.", lower_bound=1, flag_values=fv
    )
    flags.DEFINE_bool("evaluate", False, "Score every tag, seen and unseen, on a split.", flag_values=fv)
    flags.DEFINE_string(
        "data", None, "Dataset folder to score on; default: the one the run was trained on.", flag_values=fv
    )
    flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "Split to score.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the tracks, or the table of scores, which it also writes into the run's folder.

    Raises:
        UserError: if the run, its tag tower, its index or the dataset cannot be read, or the tag is unknown.
    """
    if bool(fv.tag) == fv.evaluate:
        raise UserError("give either --tag TAG or --evaluate")
    trained, tower = Run.load(fv.run), TagTower.load(fv.run)
    if fv.evaluate:
        _evaluate(fv, trained, tower)
    else:
        _ask(fv, trained, tower)


def _ask(fv: flags.FlagValues, trained: Run, tower: TagTower) -> None:
    index = Index.load(Path(fv.run) / INDEX_FOLDER)
    if index.model != weights_sha256(trained):
        raise UserError(
            f"{fv.run}: the index was made by other weights than the run now has; make it again with: "
            f"dmml index --run {fv.run}"
        )
    query = by_tag(tower, trained.conditions, vectors_of_tag(tower, trained.conditions, fv.tag, fv.condition, fv.words))
    hits = index.search(query, k=fv.k)
    # The other sub-spaces were not asked: their cosines would all read 0.
    print(
        show.table(
            [
                dataclasses.replace(hit, cosines={name: hit.cosines[name] for name in query.weights or ()})
                for hit in hits
            ]
        )
    )


def _evaluate(fv: flags.FlagValues, trained: Run, tower: TagTower) -> None:
    dataset = Dataset.load(fv.data or trained.dataset, trained.features)
    embedded = embed_split(trained.embedding(), dataset, fv.split)
    found = zero_shot_scores(
        tower, embedded.vectors, embedded.labels, trained.conditions, dataset.schema.vocabularies, fv.k
    )
    path = Path(fv.run) / FILE_NAME
    write_json(
        path,
        {
            "dataset": str(dataset.folder),
            "split": fv.split,
            "tracks": len(embedded.ids),
            "k": fv.k,
            "vectors": dict(tower.vectors.source),
            "conditions": {name: _as_json(one) for name, one in found.items()},
        },
    )
    print(
        f"Mean over tags:\n{means_table(found, fv.k)}\n\nTags that training has not seen:\n"
        f"{unseen_table(found, fv.k)}\n"
    )
    left_out = [f"{name} {tag} ({reason})" for name, one in found.items() for tag, reason in one.left_out.items()]
    if left_out:
        print(f"Not scored: {', '.join(left_out)}\n")
    print(f"written: {path}")


def means_table(found: Mapping[str, ZeroShot], k: int) -> str:
    """Two rows a condition, seen and unseen; `-` where no tag could be scored."""
    rows = []
    for name, one in found.items():
        for unseen in (False, True):
            mean, count = one.mean(unseen), sum(score.unseen == unseen for score in one.scores.values())
            figures = ["-"] * 4 if mean is None else [f"{value:.3f}" for value in mean.values()]
            rows.append([name, "unseen" if unseen else "seen", str(count), *figures])
    return markdown(["condition", "", "tags", "ROC-AUC", "average precision", f"precision@{k}", "chance"], rows)


def unseen_table(found: Mapping[str, ZeroShot], k: int) -> str:
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
            for name, one in found.items()
            for tag, score in one.scores.items()
            if score.unseen
        ],
    )


def _as_json(one: ZeroShot) -> dict:
    return {
        "seen": one.mean(False),
        "unseen": one.mean(True),
        "left_out": dict(one.left_out),
        "tags": {tag: dataclasses.asdict(score) for tag, score in one.scores.items()},
    }
