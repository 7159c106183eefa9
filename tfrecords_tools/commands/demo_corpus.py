"""`dmml-records demo`: makes the demo corpus."""

from absl import flags

from tfrecords_tools.demo.corpus import build_corpus


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "out", "data/demo/corpus", "Folder that receives audio/, manifest.csv, corpus.json.", flag_values=fv
    )
    flags.DEFINE_integer("tracks", 400, "Number of tracks.", lower_bound=1, flag_values=fv)
    flags.DEFINE_float("seconds", 30.0, "Length of each track.", flag_values=fv)
    flags.DEFINE_integer("seed", 0, "The same seed gives the same bytes.", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer("workers", 0, "Processes; 0 is one a core.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Builds the corpus and says where it is."""
    manifest = build_corpus(fv.out, tracks=fv.tracks, seed=fv.seed, workers=fv.workers, seconds=fv.seconds)
    print(f"wrote {manifest}; next: dmml-records build --manifest {manifest} --out data/demo")
