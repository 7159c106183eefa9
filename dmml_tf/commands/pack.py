"""`dmml pack`: a trained run becomes the model that comes with the package."""

from pathlib import Path

from absl import flags

from dmml_tf.pretrained.contents import PACKAGE
from dmml_tf.pretrained.pack import pack


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("run", None, "Folder of a trained run.", required=True, flag_values=fv)
    flags.DEFINE_string("out", str(PACKAGE), "Folder to write; default: this package's own.", flag_values=fv)
    flags.DEFINE_list("also", [], "Names of further files of the run's folder that come along.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the files, and says how large they are and how near the packed weights come."""
    packed = pack(fv.run, Path(fv.out), fv.also)
    print(
        f"{packed.contents.folder}: {', '.join(packed.contents.files)}; {packed.bytes / 1e6:.2f} MB in all; noise is "
        f"embedded by the packed weights with a cosine of {packed.cosine:.6f} to what the run's give"
    )
