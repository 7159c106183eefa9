"""The tag tower of a zero-shot run, in NumPy: what its folder keeps to be asked by a tag.

zero_shot.npz    weights of the tower and the tags' vectors, plain arrays
zero_shot.json   tags by column, the held-out ones, where the vectors are from
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.spaces import unit
from dmml_tf.zero_shot.vectors import TagVectors
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file, write_json

ARRAYS_FILE, NAMES_FILE = "zero_shot.npz", "zero_shot.json"


@dataclasses.dataclass(frozen=True, eq=False)
class TagTower:
    """From a tag's vector to the embedding's space.

    Attributes:
        kernel: float32 [D, E].
        bias: float32 [E].
        tags: tag column -> its vocabulary, as trained.
        vectors: of these tags, by vocabulary id.
        held_out: tag column -> the tags that training did not see.
    """

    kernel: np.ndarray
    bias: np.ndarray
    tags: Mapping[str, tuple[str, ...]]
    vectors: TagVectors
    held_out: Mapping[str, tuple[str, ...]]

    def embed(self, vectors: np.ndarray) -> np.ndarray:
        """float32 [..., E] of tags' vectors [..., D], not normalised. Agrees with the trained layer."""
        return vectors @ self.kernel + self.bias

    def in_space(self, vectors: np.ndarray, conditions: Conditions, name: str) -> np.ndarray:
        """[..., width] at unit length: vectors [..., D] in the sub-space of one condition, or in the whole."""
        return unit(self.embed(vectors)[..., conditions.subspaces.get(name, slice(None))])

    def save(self, folder: str | os.PathLike) -> None:
        """Writes both files, each under a temporary name first."""
        folder = Path(folder)
        vectors = np.concatenate([self.vectors.columns[name] for name in self.tags])
        with whole_file(folder / ARRAYS_FILE, durable=True) as temporary:
            np.savez(temporary, kernel=self.kernel, bias=self.bias, vectors=vectors)
        write_json(
            folder / NAMES_FILE,
            {
                "tags": {name: list(tags) for name, tags in self.tags.items()},
                "held_out": {name: list(tags) for name, tags in self.held_out.items()},
                "vectors": dict(self.vectors.source),
            },
        )

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "TagTower":
        """Reads what `save` wrote.

        Raises:
            UserError: if the run has no tag tower, a file of it is damaged, or they do not belong together.
        """
        path = Path(folder) / NAMES_FILE
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
            tags = {name: tuple(row) for name, row in names["tags"].items()}
            held_out = {name: tuple(row) for name, row in names["held_out"].items()}
            path = Path(folder) / ARRAYS_FILE
            with np.load(path, allow_pickle=False) as arrays:
                kernel, bias, vectors = (arrays[name] for name in ("kernel", "bias", "vectors"))
            total = sum(map(len, tags.values()))
            if vectors.shape != (total, len(kernel)) or kernel.shape[1:] != bias.shape:
                raise ValueError(f"{ARRAYS_FILE} and {NAMES_FILE} do not belong together")
            parts = np.split(vectors, np.cumsum([len(row) for row in tags.values()])[:-1])
            return cls(kernel, bias, tags, TagVectors(dict(zip(tags, parts)), names["vectors"]), held_out)
        except FileNotFoundError:
            raise UserError(f"{path}: not found; the run has no tag tower: train one with --config zero_shot") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: cannot be read ({error}); train the run again") from error
