"""The `--config` flag that `train` and `demo` share: a Python file, any field of it changed by flags."""

import ml_collections
from absl import flags
from ml_collections import config_flags

from tfrecords_tools.errors import UserError


def define_config_flag(fv: flags.FlagValues, default: str | None = None) -> None:
    """Defines `--config FILE`, and `--config.field=value` for each field of it."""
    config_flags.DEFINE_config_file(
        "config",
        default,
        "Configuration, a Python file with get_config(); its fields are changed as in --config.train.steps=1000.",
        flag_values=fv,
    )


def read_config(fv: flags.FlagValues) -> ml_collections.ConfigDict:
    """The configuration with the command line's changes.

    Raises:
        UserError: if no file was given or it cannot be loaded.
    """
    try:
        config = fv.config
        if config is not None:
            config.keys()  # A file that could not be loaded says so at the first use only.
    except OSError as error:
        raise UserError(
            f"--config cannot be loaded ({str(error).splitlines()[-1].strip()}); give the path of a file "
            "such as configs/disentangled_track.py"
        ) from error
    if config is None:
        raise UserError("give --config, the path of a file such as configs/disentangled_track.py")
    return config
