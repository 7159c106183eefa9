"""A small picture of each song in place of a cover, drawn from where it lies in the sub-spaces.

A mark is a disc of rings, one a sub-space. A ring's hue is the direction in which the song lies in the plane of the
sub-space's two principal axes, so that songs that are alike in a condition wear rings of like colour; its pattern
is the song's own numbers.
"""

import dataclasses

import numpy as np

from dmml_tf.search.index import Index

SEGMENTS = 16  # of a ring
LEVELS = 9
_SAMPLE = 2000  # tracks that the axes are found on
_NO_SPREAD = 1e-12  # variance of unit vectors along an axis that rounding alone spreads


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Draws marks.

    Attributes:
        parts: the slice of each ring.
        means: one float [d] a ring.
        axes: one float [2, d] a ring.
    """

    parts: tuple[slice, ...]
    means: tuple[np.ndarray, ...]
    axes: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, index: Index, seed: int = 0) -> "Marks":
        """Finds the axes of each sub-space on a seeded sample of the tracks."""
        rows = np.sort(np.random.default_rng([seed, len(index.tracks)]).permutation(len(index.tracks))[:_SAMPLE])
        parts = tuple(index.slices.values())
        fitted = [_plane(index.vectors[rows, part]) for part in parts]
        return cls(parts, tuple(mean for mean, _ in fitted), tuple(axes for _, axes in fitted))

    def mark(self, vector: np.ndarray) -> list[tuple[int, list[int]]]:
        """A ring a sub-space, from a search vector [D]: `(hue in degrees, [16 levels of 0..9])`."""
        rings = []
        for part, mean, axes in zip(self.parts, self.means, self.axes):
            across, up = axes @ (vector[part] - mean)
            hue = round(float(np.degrees(np.arctan2(up, across))) % 360)
            power = [float(np.sum(piece**2)) for piece in np.array_split(vector[part], SEGMENTS)]
            strongest = max(power) or 1.0
            rings.append((hue, [round(LEVELS * (value / strongest) ** 0.5) for value in power]))
        return rings


def _plane(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d] and the two principal axes [2, d]; an axis that there is none of is zero."""
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    axes = axes.T[::-1][:2] * (variances[::-1][:2, None] > _NO_SPREAD)
    # An axis has no direction of its own: its largest number is made positive.
    axes *= np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1))
    return mean, np.pad(axes, ((0, 2 - len(axes)), (0, 0)))
