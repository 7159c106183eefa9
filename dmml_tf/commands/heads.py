"""`dmml heads`: trains a linear layer of our own on what musicnn hears in songs."""

from pathlib import Path

from absl import flags

from dmml_tf.heads.songs import read_heard, write_heard
from dmml_tf.heads.train import PLAN, HeadsPlan, train_heads
from dmml_tf.pretrained.unpack import require_trainable
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.tables.audio_paths import audio_paths
from tfrecords_tools.tables.tracks import TRACKS_FILE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("data", None, "Dataset folder, for the labels.", required=True, flag_values=fv)
    flags.DEFINE_string(
        "musicnn",
        None,
        "File of what musicnn heard in its songs (.npz); one that is not there is made from the audio files, which "
        "takes a minute of a core for an hour of music.",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string("run", None, "Folder of the run.", required=True, flag_values=fv)
    flags.DEFINE_integer("steps", PLAN.steps, "Training steps.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", PLAN.seed, "Of every choice.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Hears the songs where that was not done yet, trains, and says where the run lies."""
    require_trainable(fv.run)  # before hours of music are heard
    dataset = Dataset.load(fv.data)
    if not Path(fv.musicnn).exists():
        write_heard(fv.musicnn, audio_paths(dataset.folder / TRACKS_FILE))
    trained = train_heads(dataset, read_heard(fv.musicnn), fv.run, HeadsPlan(steps=fv.steps, seed=fv.seed))
    print(f"{trained.folder}: trained; score it with dmml evaluate, on records built with --features=log_mel,audio")
