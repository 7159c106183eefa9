"""`dmml bench songs`: runs beside other systems on the same whole songs and triplets."""

from pathlib import Path

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.real_songs import Peers, compare_songs, songs_table
from dmml_tf.pretrained.unpack import run_folder
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.files import write_json


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_list(
        "run",
        None,
        "Folders of trained runs, or pretrained: the model that comes with the package; the first's conditions decide.",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string("data", None, "Dataset folder; default: the first run's.", flag_values=fv)
    flags.DEFINE_enum("split", "valid", ["train", "valid", "test"], "Split to score.", flag_values=fv)
    flags.DEFINE_integer("triplets", 10_000, "Triplets a condition.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "Of triplets, intervals and codebook.", lower_bound=0, flag_values=fv)
    flags.DEFINE_bool("mfcc_vq", True, "Score MFCC-VQ too, its codebook from the train split.", flag_values=fv)
    flags.DEFINE_string(
        "musicnn",
        None,
        "Score musicnn's features too, from this .npz file; one that is not there is computed from the audio files "
        "with the weights of pip install --no-deps musicnn.",
        flag_values=fv,
    )
    flags.DEFINE_bool("musly", False, "Score Musly too (pip install pymusly), from the audio files.", flag_values=fv)
    flags.DEFINE_string("out", "bench_songs.json", "JSON file to write.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the table and writes the figures.

    Raises:
        UserError: as `compare_songs`.
    """
    print(machine_line())
    runs = [Run.load(run_folder(name)) for name in fv.run]
    dataset = Dataset.load(runs[0].records(fv.data), runs[0].features)
    Path(fv.out).parent.mkdir(parents=True, exist_ok=True)  # minutes of work are not to end in a missing folder
    peers = Peers(fv.mfcc_vq, fv.musicnn, fv.musly)
    figures = compare_songs(runs, dataset, fv.split, peers, fv.triplets, fv.seed)
    write_json(Path(fv.out), figures)
    print(f"{songs_table(figures)}\nwritten: {fv.out}")
