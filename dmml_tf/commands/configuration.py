"""The `--config` flag that commands share: a configuration by name or file, any field of it changed by flags."""

from pathlib import Path

import ml_collections
from absl import flags
from ml_collections import config_flags

from dmml_tf import configs
from tfrecords_tools.errors import UserError

_ADVICE = "give a name such as disentangled_track, or the path of a Python file"


class _ByName(config_flags.config_flags.ConfigFileFlagParser):
    """Finds the file first, so that a name works from any folder."""

    def parse(self, argument: str) -> ml_collections.ConfigDict:
        return super().parse(configs.find(argument))


def define_config_flag(fv: flags.FlagValues, default: str | None = None) -> None:
    """Defines `--config NAME`, and `--config.field=value` for each field of it.

    Args:
        fv: the command's flags.
        default: a name, as `dmml_tf.configs.find` takes it.
    """
    config_flags.DEFINE_config_file(
        "config",
        None,
        "Configuration: a name such as demo, specialized:mood or tables/icassp2020, or a Python file with "
        "get_config(); its fields are changed as in --config.train.steps=1000.",
        flag_values=fv,
    )
    fv["config"].parser = _ByName("config")
    if default is not None:
        fv.set_default("config", default)


def read_config(fv: flags.FlagValues) -> ml_collections.ConfigDict:
    """The configuration with the command line's changes.

    Raises:
        UserError: if none was given or it cannot be loaded.
    """
    try:
        config = fv.config
        if config is not None:
            config.keys()  # A file that could not be loaded says so at the first use only.
    except OSError as error:
        raise UserError(f"--config cannot be loaded ({str(error).splitlines()[-1].strip()}); {_ADVICE}") from error
    if config is None:
        raise UserError(f"--config is missing; {_ADVICE}")
    return config


def config_name(fv: flags.FlagValues) -> str:
    """The stem of the file that `--config` names: `specialized` of `specialized:mood`, `my` of `folder/my.py`."""
    named, _, _ = config_flags.get_config_filename(fv["config"]).partition(":")
    return Path(named).stem
