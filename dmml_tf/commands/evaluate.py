"""`dmml evaluate`: a run's triplet accuracy and cross table on held-out tracks, and what else is asked for."""

from absl import flags

from dmml_tf.baselines.compare import FILE_NAME, write_evaluation
from dmml_tf.commands.judged_flags import define_judged_flags
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.evaluation.evaluate import Further
from dmml_tf.evaluation.tables import evaluation_text
from dmml_tf.evaluation.votes_text import votes_text
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    define_run_flag(fv)
    flags.DEFINE_string("data", None, "Dataset folder; default: the one the run was trained on.", flag_values=fv)
    flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "Split to score.", flag_values=fv)
    flags.DEFINE_integer("triplets", 10_000, "Triplets a condition.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer(
        "seed", 0, "Seed of the triplets, the intervals and the baselines.", lower_bound=0, flag_values=fv
    )
    flags.DEFINE_bool("baselines", False, "Score MFCC-VQ and the untrained network too.", flag_values=fv)
    flags.DEFINE_bool("retrieval", False, "Multi-label R@K, R-precision and mAP@R a condition.", flag_values=fv)
    flags.DEFINE_bool("tagging", False, "ROC-AUC of class prototypes from the train split.", flag_values=fv)
    flags.DEFINE_bool("disentanglement", False, "The cross table against what the labels share.", flag_values=fv)
    flags.DEFINE_string("odd_one_out", None, "MagnaTagATune's comparisons_final.csv; needs --clips.", flag_values=fv)
    flags.DEFINE_string(
        "votes",
        None,
        "File of votes, as dmml judge writes or dim-sim publishes them; their clips are cut from the records, or are "
        "in --clips.",
        flag_values=fv,
    )
    define_judged_flags(fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the tables and writes `evaluation.json` into the run's folder.

    Raises:
        UserError: if the run or the dataset cannot be read, or do not fit each other, or if a network that takes
            samples is to be compared with people.
    """
    trained = Run.load(chosen_run(fv))
    further = Further(
        fv.disentanglement, fv.retrieval, fv.tagging, fv.dim_sim, fv.odd_one_out, fv.clips, fv.agreement, fv.votes
    )
    further.require(trained)
    dataset = Dataset.load(trained.records(fv.data), trained.features)
    content = write_evaluation(trained, dataset, fv.split, fv.triplets, fv.seed, fv.baselines, further)
    print(evaluation_text(content))
    if "votes" in content:
        print(votes_text(content["votes"]))
    print(f"written: {trained.folder / FILE_NAME}")
