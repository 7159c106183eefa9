"""Two batches of labelled windows as one."""

import numpy as np

from dmml_tf.conditions.labels import Array
from dmml_tf.data.windows import Sound, Windows


def join_windows(first: Windows, second: Windows) -> Windows:
    """The windows of `first`, then those of `second`; a column that one of them lacks is unlabelled there.

    `track` is numbered anew, by the tracks' ids: a song that is in both is one track. Ids of any other column must
    mean the same in both.
    """
    ids = [*first.track_ids, *second.track_ids]
    names = {*first.labels, *second.labels} - {"track"}
    labels = {
        name: _stack(first.labels.get(name), second.labels.get(name), len(first.track_ids), len(second.track_ids))
        for name in sorted(names)
    }
    labels["track"] = number_tracks(ids)
    sound = Sound(*(np.concatenate(parts) for parts in zip(first.sound, second.sound)))
    return Windows(sound, labels, ids)


def number_tracks(ids: list[str]) -> Array:
    """int32 [N]: equal numbers for equal ids."""
    return np.unique(ids, return_inverse=True)[1].reshape(-1).astype(np.int32)


def _stack(first: Array | None, second: Array | None, rows: int, more: int) -> Array:
    """Two columns below each other; None stands for a column of `rows` or `more` unlabelled items."""
    columns = [column for column in (first, second) if column is not None]
    like = columns[0]
    width = max(column.shape[1] for column in columns) if like.ndim == 2 else None
    blank = np.nan if np.issubdtype(like.dtype, np.floating) else -1
    joined = np.full((rows + more,) if width is None else (rows + more, width), blank, like.dtype)
    for column, part in ((first, slice(0, rows)), (second, slice(rows, None))):
        if column is not None and width is None:
            joined[part] = column
        elif column is not None:
            joined[part, : column.shape[1]] = column
    return joined
