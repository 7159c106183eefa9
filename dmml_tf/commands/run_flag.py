"""The flags that say whose songs: `--run`, a run folder or a model that comes with the package, or `--library`."""

from collections.abc import Callable
from pathlib import Path

from absl import flags

from dmml_tf.pretrained.unpack import run_folder
from dmml_tf.search.index import INDEX_FOLDER, Index
from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.address import absolute, is_address, require_local
from tfrecords_tools.stores.local_copy import cached_folder
from tfrecords_tools.tables.audio_paths import TRACKS_FILE


def define_run_flag(fv: flags.FlagValues, what: str = "Folder of a trained run") -> None:
    """Defines `--run FOLDER`, without which a command does not begin.

    Args:
        fv: the command's flags.
        what: the first words of its help.
    """
    _define(fv, what, required=True)


def define_run_or_library_flags(fv: flags.FlagValues, what: str = "Folder of a trained run with an index") -> None:
    """Defines `--run FOLDER` and `--library FOLDER`, of which a command needs one; `what` as in `define_run_flag`."""
    _define(fv, what, required=False)
    flags.DEFINE_string(
        "library", None, "Folder of a library, as dmml scan makes it, in place of a run.", flag_values=fv
    )


def chosen_run(fv: flags.FlagValues) -> Path:
    """The folder of the run that is meant; the package's model is unpacked where it is, a library has its own run.

    Raises:
        UserError: if not one of both is named, there is no such library, or as `dmml_tf.pretrained.unpack.unpack`.
    """
    library = fv.library if "library" in fv else None
    if (fv.run is None) == (library is None):
        raise UserError("give one of --run FOLDER and --library FOLDER")
    if library is None:
        require_local(fv.run, "--run")
        return run_folder(fv.run)
    from dmml_tf.library.library import Library

    return Library.open(library).model_folder


def chosen_index(fv: flags.FlagValues) -> Index:
    """The index of the run or the library that is meant.

    Raises:
        UserError: as `chosen_run`, and if there is none or it is damaged.
    """
    if fv.library is None or fv.run is not None:
        return Index.load(chosen_run(fv) / INDEX_FOLDER)
    from dmml_tf.library.library import Library

    return Library.open(fv.library).index


def chosen_sounds(fv: flags.FlagValues) -> Callable[[str], Path]:
    """Track id -> audio file, of the library or, by the table of its dataset or of `--data`, of the run that is meant.

    Raises:
        UserError: as `chosen_run`, and if the table cannot be read; what is returned does, where there is no file.
    """
    if fv.library is not None:
        from dmml_tf.library.library import Library

        return Library.open(fv.library).sound
    from tfrecords_tools.tables.audio_paths import audio_paths

    given = fv.data if "data" in fv else None
    folder = given or _dataset(chosen_run(fv))
    paths = audio_paths(_table(folder)) if folder else {}

    def sound(track_id: str) -> Path:
        if track_id not in paths:
            raise UserError(
                f"{track_id}: its audio file is not known; name its records with --data, or give the file itself"
            )
        if is_address(paths[track_id]):
            raise UserError(f"{track_id}: its audio is at {paths[track_id]}; copy it to this machine and give the file")
        return Path(paths[track_id])

    return sound


def _dataset(run: Path) -> str:
    """The folder of the records that a run was trained on, if its table is there; empty otherwise."""
    from dmml_tf.run import MODEL_FILE, Run

    # An index can be searched by id without the run that made it.
    folder = Run.load(run).dataset if (run / MODEL_FILE).exists() else ""
    return folder if folder and (is_address(folder) or Path(folder, TRACKS_FILE).exists()) else ""


def _table(folder: str) -> Path:
    """The table of a dataset's tracks, from a cache where it lies at an address."""
    return Path(
        cached_folder(absolute(folder), "dataset.json", (TRACKS_FILE,)) if is_address(folder) else folder, TRACKS_FILE
    )


def _define(fv: flags.FlagValues, what: str, required: bool) -> None:
    shipped = "pretrained: the model that comes with the package; pretrained-musicnn: the slow one on musicnn's weights"
    flags.DEFINE_string("run", None, f"{what}; {shipped}.", required=required, flag_values=fv)
