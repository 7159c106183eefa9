"""`dmml-records sparse`: the demo's table with labels as sparse as the Million Song Dataset's."""

from absl import flags

from tfrecords_tools.demo.sparse import hide_labels


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string(
        "manifest",
        "data/demo/corpus/manifest.csv",
        "Table (CSV) whose training tracks lose labels of genre, mood and instrument.",
        flag_values=fv,
    )
    flags.DEFINE_string("out", None, "Table to write.", required=True, flag_values=fv)
    flags.DEFINE_integer("seed", 0, "The same seed hides the same labels.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the table and says where it is."""
    out = hide_labels(fv.manifest, fv.out, fv.seed)
    print(f"wrote {out}; next: dmml-records build --manifest {out} --out data/sparse --loudness=-20")
