"""The `--run` flag that commands share: a run folder, or the name of the model that comes with the package."""

from pathlib import Path

from absl import flags

from dmml_tf.pretrained.unpack import run_folder


def define_run_flag(fv: flags.FlagValues, what: str = "Folder of a trained run") -> None:
    """Defines `--run FOLDER`, without which a command does not begin.

    Args:
        fv: the command's flags.
        what: the first words of its help.
    """
    flags.DEFINE_string(
        "run", None, f"{what}; pretrained: the model that comes with the package.", required=True, flag_values=fv
    )


def chosen_run(fv: flags.FlagValues) -> Path:
    """The folder that `--run` names; the package's model is unpacked where it is meant.

    Raises:
        UserError: as `dmml_tf.pretrained.unpack.unpack`.
    """
    return run_folder(fv.run)
