"""`dmml pack`: a trained run becomes a model that comes with the package."""

from pathlib import Path

from absl import flags

from dmml_tf.pretrained.contents import MODELS, PRETRAINED
from dmml_tf.pretrained.pack import pack


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("run", None, "Folder of a trained run.", required=True, flag_values=fv)
    flags.DEFINE_string(
        "out", PRETRAINED, f"Which model it becomes, {' or '.join(MODELS)}; or a folder.", flag_values=fv
    )
    flags.DEFINE_list("also", [], "Names of further files of the run's folder that come along.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the files, and says how large they are and how near the packed weights come."""
    packed = pack(fv.run, MODELS.get(fv.out, Path(fv.out)), fv.also)
    print(
        f"{packed.contents.folder}: {', '.join(packed.contents.files)}; {packed.bytes / 1e6:.2f} MB in all; noise is "
        f"embedded by the packed weights with a cosine of {packed.cosine:.6f} to what the run's give"
    )
