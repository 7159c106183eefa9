"""`dmml index`: makes RUN/index from every track of a dataset, or from embeddings."""

from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from dmml_tf.search.build import index_embeddings, index_run
from dmml_tf.search.index import INDEX_FOLDER
from dmml_tf.search.recall import describe, prepared
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.stores.local_copy import local_copy


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_string(
        "data", None, "Folder of the records to index; default: those the run was trained on.", flag_values=fv
    )
    flags.DEFINE_string(
        "embeddings",
        None,
        "File or folder of embeddings, written by dmml embed, or a file's address, to index in place of records.",
        flag_values=fv,
    )
    flags.DEFINE_bool(
        "windows",
        False,
        "Compare stretches of songs, neighbouring 3 s windows that sound alike in every sub-space, in place of whole "
        "songs: results say which stretch it is. Embeddings must have been made with --windows too.",
        flag_values=fv,
    )


def run(fv: flags.FlagValues) -> None:
    """Writes the index and says where."""
    trained = Run.load(chosen_run(fv))
    if fv.data and fv.embeddings:
        raise UserError("give either --data or --embeddings")
    folder = trained.folder / INDEX_FOLDER
    if fv.embeddings:
        with local_copy(fv.embeddings) as file:
            index = index_embeddings(trained, file, folder, fv.windows)
    else:
        dataset = Dataset.load(trained.records(fv.data), trained.features)
        index = prepared(index_run(trained, dataset, fv.windows))
        index.save(folder)
    print(
        f"{folder}: {len(index.tracks)} tracks, {index.vectors.shape[1]} numbers each; "
        f"searchable by {', '.join(index.names)}; "
        f"{describe(index)}"
    )
