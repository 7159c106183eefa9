"""The flags that name people's judgements, which `dmml evaluate` and `dmml table` share."""

from absl import flags

from dmml_tf.data.judgements.read import AGREEMENT


def define_judged_flags(fv: flags.FlagValues) -> None:
    """Defines `--dim_sim FILE`, `--clips FOLDER` and `--agreement SHARE`."""
    flags.DEFINE_string("dim_sim", None, "File of dim-sim judgements, CSV or JSON; needs --clips.", flag_values=fv)
    flags.DEFINE_string("clips", None, "Folder of the judged clips: audio, or mel arrays ID.npy.", flag_values=fv)
    flags.DEFINE_float(
        "agreement",
        AGREEMENT,
        "Least share of dim-sim's votes for the majority.",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=fv,
    )
