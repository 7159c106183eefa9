"""`dmml evaluate`: a run's triplet accuracy and cross table on held-out tracks."""

from pathlib import Path

from absl import flags

from dmml_tf.baselines.compare import compare
from dmml_tf.evaluation.cross_table import diagonal_gap
from dmml_tf.report import SPACE_NAMES, accuracy_table, cross_table_rows
from dmml_tf.run import Run, write_json
from tfrecords_tools.dataset import Dataset

FILE_NAME = "evaluation.json"


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string("run", None, "Folder of a trained run.", required=True, flag_values=fv)
    flags.DEFINE_string("data", None, "Dataset folder; default: the one the run was trained on.", flag_values=fv)
    flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "Split to score.", flag_values=fv)
    flags.DEFINE_integer("triplets", 10_000, "Triplets a condition.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the triplets, the intervals and the baselines.", lower_bound=0, flag_values=fv)
    flags.DEFINE_bool("baselines", False, "Score MFCC-VQ and the untrained network too.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the tables and writes `evaluation.json` into the run's folder.

    Raises:
        UserError: if the run or the dataset cannot be read, or do not fit each other.
    """
    trained = Run.load(fv.run)
    dataset = Dataset.load(fv.data or trained.dataset, trained.features)
    found = compare(trained, dataset, fv.split, fv.triplets, fv.seed, fv.baselines)
    path = Path(fv.run) / FILE_NAME
    write_json(path, {
        "dataset": str(dataset.folder), "split": fv.split, "tracks": len(found.embedded.ids), "seed": fv.seed,
        "triplet_accuracy": found.triplet_accuracy, "cross_table": found.cross_table,
    })
    for space, title in SPACE_NAMES.items():
        print(f"{title}:\n{accuracy_table(found.triplet_accuracy, space)}\n")
    if found.cross_table:
        print(f"Cross table:\n{cross_table_rows(found.cross_table)}\n")
        gap = diagonal_gap(found.cross_table)
        print("" if gap is None else f"Mean of the diagonal minus mean of the rest: {gap:.3f}\n")
    print(f"written: {path}")
