"""The files of TensorBoard's embedding projector: a tensor a sub-space, labels, log-mel thumbnails.

    RUN/tensorboard/projector_config.pbtxt   what TensorBoard looks for; its paths are relative
    RUN/tensorboard/projector/               NAME.tsv a tensor, metadata.tsv, sprite.png

They are written by hand since Keras 3's own option of the TensorBoard callback fails, and as TSV
since the projector then needs no checkpoint.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector import ProjectorConfig

from dmml_tf.data.records import read_tracks
from dmml_tf.pictures.sprite import THUMBNAIL, thumbnails_of, write_sprite
from dmml_tf.search.index import Index
from dmml_tf.search.show import labels_of
from dmml_tf.spaces import WHOLE
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_folder, write_text
from tfrecords_tools.program import progress

MAX_POINTS = 10_000  # the projector downloads them all and draws each in the browser
CONFIG_FILE = "projector_config.pbtxt"  # the name TensorBoard looks for
FOLDER = "projector"
# The projector names a point by the first column.
_FIRST = ("title", "artist")


def tensors_of(index: Index, rows: np.ndarray) -> dict[str, np.ndarray]:
    """`whole` and each sub-space -> float32 [n, D] of the index's `rows`, each sub-space at unit length.

    Raises:
        UserError: if a condition is itself called "whole".
    """
    if WHOLE in index.conditions.subspaces:
        raise UserError(f"a condition cannot be called '{WHOLE}', the projector's name for all of them; rename it")
    return {
        WHOLE: index.vectors[rows],
        **{name: index.vectors[rows, part] for name, part in index.slices.items() if name != WHOLE},
    }


def sample_rows(
    tracks: Sequence[Mapping[str, str]], columns: Sequence[str], count: int = MAX_POINTS, seed: int = 0
) -> np.ndarray:
    """Which tracks to show: all, or a stratified sample.

    Tracks are sorted by `columns` and taken at even distances from a random start (a systematic sample):
    every group of the first column gets its share to within one track, those of the next columns nearly.

    Args:
        tracks: rows of metadata with `id`.
        columns: labels to stratify by, most important first.
        count: at most that many.
        seed: same seed, same tracks.

    Returns:
        int64 [min(count, N)], ascending.
    """
    if len(tracks) <= count:
        return np.arange(len(tracks))

    def place(row: int) -> tuple:
        # Within a group in an order of the seed's: by id would favour what was added at the same time.
        chance = hashlib.sha256(f"{seed}:{tracks[row]['id']}".encode()).digest()
        return (*(tracks[row][column] for column in columns), chance)

    order = np.array(sorted(range(len(tracks)), key=place))
    start = np.random.default_rng([seed, 0x70726F6A]).uniform()
    return np.sort(order[((np.arange(count) + start) * len(tracks) / count).astype(np.int64)])


def write_projector(
    log_dir: str | os.PathLike,
    tensors: Mapping[str, np.ndarray],
    tracks: Sequence[Mapping[str, str]],
    thumbnails: np.ndarray,
) -> None:
    """Writes everything the projector shows; what an earlier call wrote there is replaced.

    Args:
        log_dir: TensorBoard's folder of the run.
        tensors: name -> float32 [N, D].
        tracks: N rows of metadata, the same keys in each; two keys at least.
        thumbnails: uint8 [N, 64, 64], see `dmml_tf.pictures.sprite`.
    """
    log_dir, names = Path(log_dir), _file_names(tensors)
    config = ProjectorConfig()
    with whole_folder(log_dir / FOLDER) as folder:
        for name, vectors in tensors.items():
            np.savetxt(folder / names[name], vectors, fmt="%.6g", delimiter="\t", encoding="utf-8")
            shown = config.embeddings.add(
                tensor_name=name,
                tensor_shape=vectors.shape,
                tensor_path=f"{FOLDER}/{names[name]}",
                metadata_path=f"{FOLDER}/metadata.tsv",
            )
            shown.sprite.image_path = f"{FOLDER}/sprite.png"
            shown.sprite.single_image_dim.extend([THUMBNAIL, THUMBNAIL])
        (folder / "metadata.tsv").write_text(metadata_tsv(tracks), encoding="utf-8")
        write_sprite(thumbnails, folder / "sprite.png")
    # Last, so that TensorBoard never reads a configuration whose files are not there yet.
    write_text(log_dir / CONFIG_FILE, text_format.MessageToString(config))


def write_index(log_dir: Path, index: Index, dataset: Dataset, points: int = MAX_POINTS, seed: int = 0) -> None:
    """Writes the projector files of an index whose tracks are in `dataset`.

    Raises:
        UserError: if a track is not there, or its records cannot be read.
    """
    columns = list(labels_of(index.tracks[0]))
    rows = sample_rows(index.tracks, columns, points, seed)
    tracks = [index.tracks[row] for row in rows]
    records = (row for split in dataset.splits if dataset.tracks(split) for row in read_tracks(dataset, split))
    total = sum(dataset.tracks(split) for split in dataset.splits)
    thumbnails = thumbnails_of(
        progress(records, total, "thumbnails"), (track["id"] for track in tracks), dataset.features
    )
    write_projector(log_dir, tensors_of(index, rows), tracks, thumbnails)


def metadata_tsv(tracks: Sequence[Mapping[str, str]]) -> str:
    """A header and one line a track: title and artist first, then every other column.

    Tabs, line breaks and whatever else Unicode or a browser may break a line at become one blank.
    """
    columns = [*_FIRST, *(name for name in tracks[0] if name not in _FIRST)]
    lines = [columns, *([track[column] for column in columns] for track in tracks)]
    return "".join("\t".join(map(_one_cell, line)) + "\n" for line in lines)


def _one_cell(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def _file_names(tensors: Mapping[str, np.ndarray]) -> dict[str, str]:
    """A condition may have any name; its file's name is numbered and plain."""
    return {name: f"{number}_{re.sub('[^A-Za-z0-9_-]', '_', name)}.tsv" for number, name in enumerate(tensors)}
