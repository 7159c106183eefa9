"""`dmml projector`: writes TensorBoard's projector files of a run; optionally a picture of the page."""

from pathlib import Path

import numpy as np
from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.pictures.projector import MAX_POINTS, tensors_of, write_index
from dmml_tf.run import BOARD, Run
from dmml_tf.search.of_run import load_index
from tfrecords_tools.dataset import Dataset


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv, "Folder of a trained run with an index")
    flags.DEFINE_string("data", None, "Folder of the records; default: those the run was trained on.", flag_values=fv)
    flags.DEFINE_integer(
        "points",
        MAX_POINTS,
        "Tracks shown; of more, a sample stratified by the labels.",
        lower_bound=1,
        upper_bound=MAX_POINTS,
        flag_values=fv,
    )
    flags.DEFINE_integer("seed", 0, "Of the sample.", flag_values=fv)
    flags.DEFINE_string("picture", None, "PNG to write of the page, as a headless Chromium shows it.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the files and says how to look at them."""
    trained = Run.load(chosen_run(fv))
    index = load_index(trained)
    dataset = Dataset.load(trained.records(fv.data), trained.features)
    log_dir = trained.folder / BOARD
    log_dir.mkdir(exist_ok=True)
    write_index(log_dir, index, dataset, fv.points, fv.seed)
    if fv.picture:
        from dmml_tf.pictures.tensorboard import picture_of_projector

        picture_of_projector(log_dir, Path(fv.picture))
        print(f"{fv.picture}: written")
    print(
        f"{log_dir}: {min(fv.points, len(index.tracks))} tracks in {len(tensors_of(index, np.arange(1)))} tensors; "
        f"look at them with: tensorboard --logdir {log_dir}, then open /#projector"
    )
