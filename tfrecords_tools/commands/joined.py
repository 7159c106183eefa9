"""`dmml-records joined`: makes songs whose genre, mood, instrument or tempo changes on the way."""

from pathlib import Path

from absl import flags

from tfrecords_tools.demo.joined import SEGMENTS_FILE, build_joined


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "out", "data/joined/corpus", "Folder that receives audio/, manifest.csv, segments.csv.", flag_values=fv
    )
    for split, songs in (("train", 240), ("valid", 48), ("test", 64)):
        flags.DEFINE_integer(split, songs, f"Number of songs of the {split} split.", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer(
        "seed",
        0,
        "The same seed gives the same bytes, and takes plans of the demo corpus of that seed.",
        lower_bound=0,
        flag_values=fv,
    )
    flags.DEFINE_integer("workers", 0, "Processes; 0 is one a core.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Makes the songs and says where they are."""
    manifest = build_joined(fv.out, fv.train, fv.valid, fv.test, fv.seed, fv.workers)
    segments = Path(fv.out) / SEGMENTS_FILE
    print(f"wrote {manifest}; next: dmml-records build --manifest {manifest} --segments {segments} --out data/joined")
