"""The index of a run, and the check that it is: vectors of other weights would answer with other songs."""

from dmml_tf.run import Run
from dmml_tf.search.index import INDEX_FOLDER, Index
from tfrecords_tools.errors import UserError


def load_index(run: Run) -> Index:
    """The run's index.

    Raises:
        UserError: if there is none, a file of it is damaged, or other weights than the run's made it.
    """
    index = Index.load(run.folder / INDEX_FOLDER)
    require_own_index(run, index)
    return index


def find_index(run: Run) -> Index | None:
    """The run's index, or None where there is none.

    Raises:
        UserError: as `load_index`.
    """
    return load_index(run) if (run.folder / INDEX_FOLDER).exists() else None


def require_own_index(run: Run, index: Index) -> None:
    """Checks that the run's weights, as they are now, made an index.

    Raises:
        UserError: if others did.
    """
    if index.model != run.weights_sha256():
        raise UserError(
            f"{run.folder}: the index was made by other weights than the run now has; make it again with: "
            f"dmml index --run {run.folder}"
        )
