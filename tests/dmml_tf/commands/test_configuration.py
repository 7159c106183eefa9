"""The name of a configuration, however the command line spells it."""

import pytest
from absl import flags

from dmml_tf.commands.configuration import config_name, define_config_flag


@pytest.mark.parametrize(
    "given, name",
    [
        ("category", "category"),
        ("configs/category.py", "category"),
        ("specialized:mood", "specialized"),
        ("configs/specialized.py:mood", "specialized"),
        ("tables/icassp2020", "icassp2020"),
        ("", "demo"),
    ],
)
def test_the_name_is_the_files(given, name):
    values = flags.FlagValues()
    define_config_flag(values, "demo")
    values(["train", *([f"--config={given}"] if given else [])])
    assert config_name(values) == name
