"""`dmml train`: a configuration and a dataset -> a run folder."""

from absl import flags

from dmml_tf.commands.configuration import config_name, define_config_flag, read_config
from dmml_tf.pictures.callbacks import training_pictures
from dmml_tf.training.train import train


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_config_flag(fv)
    flags.DEFINE_string("data", None, "Folder of a built dataset.", required=True, flag_values=fv)
    flags.DEFINE_string("run", None, "Folder of the run; an interrupted one is resumed.", required=True, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Trains, and says where the run is."""
    finished = train(read_config(fv), fv.data, fv.run, training_pictures, config_name(fv))
    print(f"{finished.folder}: trained on {', '.join(finished.conditions.names)}")
