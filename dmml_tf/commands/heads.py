"""`dmml heads`: trains the last layer alone, on what musicnn hears in songs, or on what a trained body does."""

import dataclasses
from pathlib import Path

from absl import flags

from dmml_tf.heads.songs import read_heard, write_heard
from dmml_tf.heads.train import BODY_PLAN, PLAN, train_heads, train_heads_on_body
from dmml_tf.pretrained.unpack import require_trainable, run_folder
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.tables.audio_paths import audio_paths
from tfrecords_tools.tables.tracks import TRACKS_FILE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string(
        "data",
        None,
        "Dataset folder, for the labels; with --body for the sound as well.",
        required=True,
        flag_values=fv,
    )
    flags.DEFINE_string(
        "musicnn",
        None,
        "File of what musicnn heard in its songs (.npz); one that is not there is made from the audio files, which "
        "takes a minute of a core for an hour of music.",
        flag_values=fv,
    )
    flags.DEFINE_string("body", None, "Run whose network is taken up to its last layer.", flag_values=fv)
    flags.DEFINE_string(
        "tower",
        None,
        "With --body: run whose network, a tower alone, is put beside it as it is; its sub-spaces are added.",
        flag_values=fv,
    )
    flags.mark_flags_as_mutual_exclusive(["musicnn", "body"], required=True, flag_values=fv)
    flags.DEFINE_string("run", None, "Folder of the run.", required=True, flag_values=fv)
    flags.DEFINE_integer("steps", PLAN.steps, "Training steps.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer("seed", PLAN.seed, "Of every choice.", lower_bound=0, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Hears the songs where that was not done yet, trains, and says where the run lies."""
    require_trainable(fv.run)  # before hours of music are heard
    plan = {"steps": fv.steps, "seed": fv.seed}
    if fv.tower and not fv.body:
        raise UserError("--tower stands beside a body; name that with --body")
    if fv.body:
        body, tower = Run.load(run_folder(fv.body)), Run.load(run_folder(fv.tower)) if fv.tower else None
        dataset = Dataset.load(fv.data, body.features)
        trained = train_heads_on_body(body, dataset, fv.run, dataclasses.replace(BODY_PLAN, **plan), tower)
        print(f"{trained.folder}: trained on the body of {body.folder}" + (f" and {tower.folder}" if tower else ""))
        return
    dataset = Dataset.load(fv.data)
    if not Path(fv.musicnn).exists():
        write_heard(fv.musicnn, audio_paths(dataset.folder / TRACKS_FILE))
    trained = train_heads(dataset, read_heard(fv.musicnn), fv.run, dataclasses.replace(PLAN, **plan))
    print(f"{trained.folder}: trained; score it with dmml evaluate, on records built with --features=log_mel,audio")
