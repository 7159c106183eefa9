"""Log-mel thumbnails of tracks, side by side in one image, as the projector wants them."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.files import whole_file

MAX_SIDE = 8192  # pixels; larger images WebGL refuses
THUMBNAIL = 64  # pixels a side; 10,000 of them make 6,400
_POOLED = 2  # frames and bands to a pixel: 128 of either make 64


def thumbnail(log_mel: np.ndarray, features: LogMel) -> np.ndarray:
    """The middle 3 s of a track as a small picture: time to the right, high bands above.

    Args:
        log_mel: float [frames, 128]; a track shorter than 3 s is filled up with silence.
        features: gives the figures that map a level to a shade.

    Returns:
        uint8 [64, 64]; 0 is silence, 255 four standard deviations above the paper's mean, or louder.
    """
    wanted = THUMBNAIL * _POOLED
    start = max(len(log_mel) - wanted, 0) // 2
    part = np.asarray(log_mel[start : start + wanted], np.float32)
    part = np.pad(part, ((0, wanted - len(part)), (0, wanted - part.shape[1])))
    pooled = part.reshape(THUMBNAIL, _POOLED, THUMBNAIL, _POOLED).mean(axis=(1, 3))
    # The root lifts what is soft: most of a log-mel is, and would be black.
    shade = np.sqrt(np.clip(pooled / (features.mean + 4 * features.deviation), 0.0, 1.0))
    return np.round(255 * shade.T[::-1]).astype(np.uint8)


def thumbnails_of(rows: Iterable[Mapping], ids: Iterable[str], features: LogMel) -> np.ndarray:
    """uint8 [N, 64, 64], one a wanted track.

    Args:
        rows: records as `dmml_tf.data.records.read_tracks` gives them, in any order; one is held at a time.
        ids: the N tracks wanted, in the order of the result.
        features: see `thumbnail`.

    Raises:
        UserError: if a wanted track is not among the records.
    """
    wanted = {track_id: place for place, track_id in enumerate(ids)}
    found = {row["track_id"]: thumbnail(row["log_mel"], features) for row in rows if row["track_id"] in wanted}
    missing = next((track_id for track_id in wanted if track_id not in found), None)
    if missing is not None:
        raise UserError(
            f"track '{missing}' of the index is not in the dataset; name the records that the index was "
            "made of with --data, or make the index again with: dmml index"
        )
    return np.stack([found[track_id] for track_id in wanted])


def write_sprite(thumbnails: np.ndarray, path: Path) -> None:
    """Writes N thumbnails row by row into one PNG of a palette of colours.

    The grid is as wide as it is high, as the projector counts its rows and columns.

    Args:
        thumbnails: uint8 [N, side, side].
        path: PNG to write.

    Raises:
        ValueError: if the image had more than 8,192 pixels a side.
    """
    count, side, _ = thumbnails.shape
    across = math.ceil(math.sqrt(count))
    if across * side > MAX_SIDE:
        raise ValueError(f"{count} thumbnails of {side} pixels need more than {MAX_SIDE} pixels a side")
    grid = np.zeros((across * across, side, side), np.uint8)
    grid[:count] = thumbnails
    picture = grid.reshape(across, across, side, side).swapaxes(1, 2).reshape(across * side, across * side)
    image = Image.fromarray(picture)
    image.putpalette((matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8).tobytes())
    with whole_file(path) as temporary:
        image.save(temporary, format="PNG")
