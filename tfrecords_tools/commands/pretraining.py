"""`dmml-records pretraining`: free music, and rendered songs with true labels -> one manifest."""

from pathlib import Path

from absl import flags

from tfrecords_tools.demo.pretraining import build_pretraining


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "music",
        "data/debian_music",
        "folder of `dmml-records debian_music`; songs that it lacks are fetched",
        flag_values=fv,
    )
    flags.DEFINE_string("out", "data/pretraining", "folder that receives rendered/ and manifest.csv", flag_values=fv)
    flags.DEFINE_integer("rendered", 330, "number of rendered songs", lower_bound=6, flag_values=fv)
    flags.DEFINE_float("seconds", 30.0, "length of each rendered song", flag_values=fv)
    flags.DEFINE_integer("seed", 1, "the same seed renders the same bytes", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer("workers", 0, "processes; 0 is one a core", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Renders the songs, writes the manifest and says what is in it."""
    print(build_pretraining(fv.music, fv.out, fv.rendered, fv.seed, fv.workers, fv.seconds))
    manifest = Path(fv.out) / "manifest.csv"
    print(f"next: dmml-records build --manifest={manifest} --out={fv.out}/records --tempo=column --loudness=-23")
