"""`dmml-records debian_music`: free songs out of Debian packages -> audio files, a manifest, a teacher's opinion."""

from pathlib import Path

from absl import flags

from tfrecords_tools.sources.debian_music import DIMENSIONS, copy_teacher, read_debian_music
from tfrecords_tools.sources.manifest_out import write_manifest


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "out",
        "data/debian_music",
        "folder that receives audio/, manifest.csv and teacher.npz; what these say of genre, mood and instrument is "
        "one network's opinion (musicnn), not people's",
        flag_values=fv,
    )
    flags.DEFINE_list("packages", [], "only these packages of the table, separated by commas", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Fetches the songs, writes the manifest and says what is in it."""
    items = read_debian_music(fv.out, fv.packages)
    print(write_manifest(items, Path(fv.out) / "manifest.csv", DIMENSIONS, values=("tempo",)))
    copy_teacher(Path(fv.out) / "teacher.npz")
