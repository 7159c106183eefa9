"""`dmml demo`: corpus, records, training, evaluation, index, export, report, searches: the main job."""

from absl import flags

from dmml_tf.commands.configuration import config_name, define_config_flag, read_config
from dmml_tf.demo.job import DemoPlan, run_demo
from tfrecords_tools.audio.tempo import LICENCE_NOTE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_config_flag(fv, "demo")
    flags.DEFINE_string("data", "data/demo", "Folder of the corpus and the records.", flag_values=fv)
    flags.DEFINE_string("run", "runs/demo", "Folder of the run and its report.", flag_values=fv)
    flags.DEFINE_string(
        "manifest",
        None,
        "Your own music in place of the demo corpus: a CSV table of audio files. An "
        f"empty tempo is estimated by madmom; {LICENCE_NOTE}.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "segments", None, "A table of parts of these songs that have labels of their own.", flag_values=fv
    )
    flags.DEFINE_integer("tracks", DemoPlan.tracks, "Tracks of the demo corpus.", lower_bound=40, flag_values=fv)
    flags.DEFINE_float("seconds", DemoPlan.seconds, "Seconds of each.", lower_bound=6.0, flag_values=fv)
    flags.DEFINE_integer("triplets", DemoPlan.triplets, "Held-out triplets a condition.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer(
        "workers", 0, "Processes for rendering and records; 0 takes one a core.", lower_bound=0, flag_values=fv
    )
    flags.DEFINE_bool("allow_duplicates", False, "Let the same sound be in two splits under two ids.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Runs the job; what an earlier call has done is not done again."""
    plan = DemoPlan(
        fv.data,
        fv.run,
        fv.manifest,
        fv.tracks,
        fv.seconds,
        fv.triplets,
        fv.workers,
        fv.allow_duplicates,
        fv.segments,
    )
    run_demo(read_config(fv), plan, config_name(fv))
