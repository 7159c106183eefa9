"""`dmml evaluate`: a run's triplet accuracy and cross table on held-out tracks, and what else is asked for."""

import dataclasses
from pathlib import Path

from absl import flags

from dmml_tf.baselines.compare import Comparison, compare
from dmml_tf.commands.evaluate_tables import agreement_lines, disentanglement_lines, retrieval_table, tagging_table
from dmml_tf.data.judgements.read import AGREEMENT, Judgements, read_dim_sim, read_odd_one_out
from dmml_tf.data.signal import LOG_MEL, signal_of
from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.by_condition import agreement_by_space, retrieval_by_condition, tagging_by_condition
from dmml_tf.evaluation.cross_table import diagonal_gap
from dmml_tf.evaluation.disentanglement import disentanglement, label_cross_table, label_information
from dmml_tf.evaluation.evaluate import hold_out
from dmml_tf.evaluation.human import embed_clips, network_embed
from dmml_tf.evaluation.tables import SPACE_NAMES, accuracy_table, cross_table_rows
from dmml_tf.run import Run, write_json
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

FILE_NAME = "evaluation.json"


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string("run", None, "Folder of a trained run.", required=True, flag_values=fv)
    flags.DEFINE_string("data", None, "Dataset folder; default: the one the run was trained on.", flag_values=fv)
    flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "Split to score.", flag_values=fv)
    flags.DEFINE_integer("triplets", 10_000, "Triplets a condition.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of the triplets, the intervals and the baselines.", lower_bound=0, flag_values=fv)
    flags.DEFINE_bool("baselines", False, "Score MFCC-VQ and the untrained network too.", flag_values=fv)
    flags.DEFINE_bool("retrieval", False, "Multi-label R@K, R-precision and mAP@R a condition.", flag_values=fv)
    flags.DEFINE_bool("tagging", False, "ROC-AUC of class prototypes from the train split.", flag_values=fv)
    flags.DEFINE_bool("disentanglement", False, "The cross table against what the labels share.", flag_values=fv)
    flags.DEFINE_string("dim_sim", None, "File of dim-sim judgements, CSV or JSON; needs --clips.", flag_values=fv)
    flags.DEFINE_string("odd_one_out", None, "MagnaTagATune's comparisons_final.csv; needs --clips.", flag_values=fv)
    flags.DEFINE_string("clips", None, "Folder of the judged clips: audio, or mel arrays ID.npy.", flag_values=fv)
    flags.DEFINE_float(
        "agreement",
        AGREEMENT,
        "Least share of dim-sim's votes for the majority.",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=fv,
    )


def run(fv: flags.FlagValues) -> None:
    """Prints the tables and writes `evaluation.json` into the run's folder.

    Raises:
        UserError: if the run or the dataset cannot be read, or do not fit each other, or if a network that takes
            samples is to be compared with people.
    """
    people = fv.dim_sim or fv.odd_one_out
    if people and not fv.clips:
        raise UserError("--dim_sim and --odd_one_out need --clips=FOLDER, where the judged clips are")
    if fv.clips and not Path(fv.clips).is_dir():
        raise UserError(f"--clips={fv.clips} is no folder; name the one where the judged clips are")
    trained = Run.load(fv.run)
    if people and signal_of(trained.network) != LOG_MEL:
        raise UserError(
            f"{fv.run}: judged clips are read as log-mel and this network takes samples; leave out "
            "--dim_sim and --odd_one_out"
        )
    dataset = Dataset.load(fv.data or trained.dataset, trained.features)
    found = compare(trained, dataset, fv.split, fv.triplets, fv.seed, fv.baselines)
    further = _further(fv, trained, dataset, found)
    path = Path(fv.run) / FILE_NAME
    write_json(
        path,
        {
            "dataset": str(dataset.folder),
            "split": fv.split,
            "tracks": len(found.embedded.ids),
            "seed": fv.seed,
            "triplet_accuracy": found.triplet_accuracy,
            "cross_table": found.cross_table,
            **further,
        },
    )
    for space, title in SPACE_NAMES.items():
        print(f"{title}:\n{accuracy_table(found.triplet_accuracy, space)}\n")
    if found.cross_table:
        print(f"Cross table:\n{cross_table_rows(found.cross_table)}\n")
        gap = diagonal_gap(found.cross_table)
        print("" if gap is None else f"Mean of the diagonal minus mean of the rest: {gap:.3f}\n")
    _print_further(further)
    print(f"written: {path}")


def _further(fv: flags.FlagValues, trained: Run, dataset: Dataset, found: Comparison) -> dict:
    """What the flags ask for beyond triplets, by the keys of `evaluation.json`."""
    further, embedded, order = {}, found.embedded, trained.norm_order
    if fv.disentanglement:
        held_out = hold_out(
            trained.conditions, embedded.labels, embedded.window_track, embedded.window_start, fv.triplets, fv.seed
        )
        labels_table = label_cross_table(held_out, embedded.labels)
        figure = disentanglement(found.cross_table, labels_table)
        further["disentanglement"] = {
            "figure": figure and dataclasses.asdict(figure),
            "labels_table": labels_table,
            "mutual_information": label_information(trained.conditions, embedded.labels),
        }
    if fv.retrieval:
        further["retrieval"] = retrieval_by_condition(embedded, trained.conditions, order, trained.masks)
    if fv.tagging:
        train = embed_split(trained.embedding(), dataset, "train")
        vocabularies = dataset.schema.vocabularies
        further["tagging"] = tagging_by_condition(
            train, embedded, trained.conditions, vocabularies, order, trained.masks
        )
    if fv.dim_sim:
        further["dim_sim"] = _people(fv, trained, read_dim_sim(fv.dim_sim, fv.agreement))
    if fv.odd_one_out:
        further["odd_one_out"] = _people(fv, trained, read_odd_one_out(fv.odd_one_out))
    return further


def _people(fv: flags.FlagValues, trained: Run, judgements: Judgements) -> dict:
    judged = embed_clips(judgements, fv.clips, network_embed(trained.embedding(), trained.features), trained.features)
    return {
        "triplets": len(judgements.triplets),
        "no_majority": judgements.left_out,
        "without_clips": judged.without_clips,
        "missing": dict(judged.missing),
        "agreement": agreement_by_space(judged, trained.conditions, trained.norm_order, fv.seed, trained.masks),
    }


def _print_further(further: dict) -> None:
    if "disentanglement" in further:
        print(f"{disentanglement_lines(further['disentanglement'])}\n")
    for key, title, rows in (("retrieval", "Retrieval", retrieval_table), ("tagging", "Tagging", tagging_table)):
        for space, found in further.get(key, {}).items():
            print(f"{title}, {SPACE_NAMES[space].lower()}:\n{rows(found)}\n")
    for key, title in (("dim_sim", "dim-sim"), ("odd_one_out", "Odd one out")):
        if key in further:
            print(f"{title}: {agreement_lines(further[key])}\n")
