"""`dmml zero_shot`: tracks by a tag or a word, and how well tags are found that training has not seen."""

from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.evaluation.tables import zero_shot_text
from dmml_tf.evaluation.zero_shot import FILE_NAME, K, write_zero_shot
from dmml_tf.run import Run
from dmml_tf.search import show
from dmml_tf.search.by_tag import search_by_tag
from dmml_tf.zero_shot.tower import TagTower
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    define_run_flag(fv, "Folder of a run trained with --config zero_shot")
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
    trained = Run.load(chosen_run(fv))
    tower = TagTower.load(trained.folder)
    if fv.tag:
        print(show.table(search_by_tag(trained, tower, fv.tag, fv.condition, fv.words, fv.k)))
        return
    dataset = Dataset.load(trained.records(fv.data), trained.features)
    scores = write_zero_shot(trained, tower, dataset, fv.split, fv.k)
    print(f"{zero_shot_text(scores, fv.k)}\nwritten: {trained.folder / FILE_NAME}")
