"""What a model gives for sounds: an array of vectors that also knows their sub-spaces by name."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions import Conditions
from dmml_tf.spaces import unit


@dataclasses.dataclass(frozen=True, eq=False)
class Embeddings:
    """N embeddings; NumPy takes it for the array `vectors`.

    >>> songs = dmml.load("runs/mine").embed(["a.wav", "b.wav"])
    >>> np.asarray(songs).shape, songs.subspaces["tempo"].shape
    ((2, 256), (2, 128))

    Attributes:
        vectors: float32 [N, E], not normalised.
        conditions: what the slices of a vector stand for.
    """

    vectors: npt.NDArray[np.float32]
    conditions: Conditions

    @property
    def subspaces(self) -> dict[str, npt.NDArray[np.float32]]:
        """Condition -> float32 [N, its width], each row at unit length: rows are compared by their inner product."""
        return {name: unit(self.vectors[:, part]) for name, part in self.conditions.subspaces.items()}

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, E)."""
        return self.vectors.shape

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """float32."""
        return self.vectors.dtype

    def __array__(self, dtype: npt.DTypeLike = None, copy: bool | None = None) -> npt.NDArray[np.float32]:
        return np.array(self.vectors, dtype) if copy else np.asarray(self.vectors, dtype)

    def __len__(self) -> int:
        return len(self.vectors)

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        return iter(self.vectors)

    def __getitem__(self, index: int | slice) -> npt.NDArray[np.float32]:
        return self.vectors[index]

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {part.stop - part.start}" for name, part in self.conditions.subspaces.items())
        return f"Embeddings of {len(self)} sounds, {self.shape[1]} numbers each ({parts or 'no sub-spaces'})"
