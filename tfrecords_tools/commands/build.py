"""`dmml-records build`: a table of audio files -> TFRecords."""

import json

from absl import flags

from tfrecords_tools.build import BUILD_FILE, REJECTED_FILE, build_dataset
from tfrecords_tools.dataset import SPLITS
from tfrecords_tools.plan import TEMPO_MODES
from tfrecords_tools.tempo import LICENCE_NOTE


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    flags.DEFINE_string("manifest", None, "CSV table: track_id, path, artist, optionally title and split, one column "
                        "a dimension (name, name:tag or name:value)", required=True, flag_values=fv)
    flags.DEFINE_string("out", None, "folder of the dataset", required=True, flag_values=fv)
    flags.DEFINE_string("name", None, "first part of the shards' names; default: the folder's name", flag_values=fv)
    flags.DEFINE_integer("seed", 0, "of the split by artist and of the order in the shards", flag_values=fv)
    flags.DEFINE_integer("workers", 0, "processes; 0 takes one a core", lower_bound=0, flag_values=fv)
    flags.DEFINE_integer("shards", None, "shards of the training split; default: about 128 MiB each", lower_bound=1,
                         flag_values=fv)
    flags.DEFINE_enum("tempo", "madmom", TEMPO_MODES, "madmom: estimate the empty cells of a tempo column; "
                      f"{LICENCE_NOTE}. column: leave them unlabelled", flag_values=fv)
    flags.DEFINE_boolean("resplit", False, "split by artist although the table has a split column", flag_values=fv)
    flags.DEFINE_boolean("overwrite", False, "replace another dataset in the folder", flag_values=fv)
    flags.DEFINE_string("licence", "", "what to say in dataset.json of the audio and its labels", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Builds, and says what came of it."""
    dataset = build_dataset(fv.manifest, fv.out, name=fv.name, seed=fv.seed, workers=fv.workers, shards=fv.shards,
                            tempo_mode=fv.tempo, resplit=fv.resplit, overwrite=fv.overwrite, licence=fv.licence)
    counts = ", ".join(f"{dataset.tracks(split)} {split}" for split in SPLITS)
    rejected = json.loads((dataset.folder / BUILD_FILE).read_text(encoding="utf-8"))["rejected"]
    print(f"{dataset.folder}: tracks: {counts}; rejected: {rejected} (see {REJECTED_FILE}); details: {BUILD_FILE}")
