"""What a teacher, another network, heard in songs, part by part: one `.npz` file for a table of songs.

Arrays of the file:
    track_ids   text [N]
    offsets     int64 [N + 1]: rows offsets[i]:offsets[i + 1] are song i's
    seconds     float64: each row stands for as many; the first begins with the song
    NAME        int8 [rows, D], times NAME_scale (float64): D numbers of the space NAME, about 0 and of deviation 1
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import NOT_NPZ, whole_file

_SCALE = "_scale"


@dataclasses.dataclass(frozen=True)
class Teacher:
    """One file.

    Attributes:
        track_ids: of the songs, N strings.
        offsets: int64 [N + 1].
        seconds: that a row stands for.
        spaces: name -> int8 [rows, D].
        scales: name -> what the numbers are multiplied by.
    """

    track_ids: Sequence[str]
    offsets: np.ndarray
    seconds: float
    spaces: Mapping[str, np.ndarray]
    scales: Mapping[str, float]

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Teacher":
        """Reads a file.

        Raises:
            UserError: if it is missing, or no such file, in one line with the mend.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                names = sorted(name[: -len(_SCALE)] for name in file.files if name.endswith(_SCALE))
                teacher = cls(
                    [str(text) for text in file["track_ids"]],
                    file["offsets"].astype(np.int64),
                    float(file["seconds"]),
                    {name: file[name] for name in names},
                    {name: float(file[name + _SCALE]) for name in names},
                )
            teacher._require_whole()
        except FileNotFoundError as error:
            raise UserError(
                f"{path}: no such file; `dmml-records debian_music` writes one beside its manifest"
            ) from error
        except NOT_NPZ as error:
            raise UserError(f"{path}: is no whole file of what a teacher heard ({error}); fetch it again") from error
        return teacher

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file, whole or not at all."""
        arrays: dict[str, np.ndarray] = {
            "track_ids": np.array(self.track_ids),
            "offsets": self.offsets,
            "seconds": np.array(self.seconds),
        }
        for name in sorted(self.spaces):
            arrays |= {name: self.spaces[name], name + _SCALE: np.array(self.scales[name])}
        with whole_file(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @property
    def widths(self) -> dict[str, int]:
        """Name -> D, in the order of the names."""
        return {name: self.spaces[name].shape[1] for name in sorted(self.spaces)}

    def heard(self, name: str, track_ids: Sequence[str], middles: np.ndarray) -> np.ndarray:
        """What was heard around some moments: the two rows whose middles lie around it, in proportion.

        Args:
            name: of the space.
            track_ids: B songs.
            middles: float [B], seconds from the song's start.

        Returns:
            float32 [B, D]; NaN for a song that the teacher did not hear.
        """
        place = {track_id: number for number, track_id in enumerate(self.track_ids)}
        songs = np.array([place.get(track_id, -1) for track_id in track_ids], np.int64)
        first, end = self.offsets[songs], self.offsets[songs + 1]
        known = (songs >= 0) & (end > first)
        at = np.clip(np.asarray(middles) / self.seconds - 0.5, 0, np.maximum(end - first - 1, 0))
        below = np.floor(at).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(end - first - 1, 0))
        share = (at - below)[:, None].astype(np.float32)
        rows = self.spaces[name]
        taken = np.full((len(songs), rows.shape[1]), np.nan, np.float32)
        if known.any():
            low, high = (rows[(first + step)[known]].astype(np.float32) for step in (below, above))
            taken[known] = (low * (1 - share[known]) + high * share[known]) * np.float32(self.scales[name])
        return taken

    def _require_whole(self) -> None:
        if not self.spaces:
            raise ValueError("it has no space")
        if len(self.offsets) != len(self.track_ids) + 1 or (np.diff(self.offsets) < 0).any() or self.offsets[0] != 0:
            raise ValueError("offsets do not fit track_ids")
        if not self.seconds > 0:
            raise ValueError("seconds is not above 0")
        for name, rows in self.spaces.items():
            if rows.dtype != np.int8 or rows.ndim != 2 or len(rows) != self.offsets[-1]:
                raise ValueError(f"{name}: expected int8 [{self.offsets[-1]}, D], got {rows.dtype} {list(rows.shape)}")


NO_TEACHER = Teacher([], np.zeros(1, np.int64), 1.0, {}, {})  # it heard nothing
