"""All that a model's sub-spaces can say of a song, and the file that keeps it in the run's folder.

RUN/heard_as.npz  header   JSON: form, the weights' SHA-256, the conditions, and of each part its condition and tags
                  PART.*   arrays of each part, see `TagScores` and `NearestValues`; nothing is pickled
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dmml_tf.conditions import ByLabel, Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.heard.nearest_values import NearestValues
from dmml_tf.heard.said import Said
from dmml_tf.heard.tag_scores import TagScores
from dmml_tf.spaces import unit
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

HEARD_FILE = "heard_as.npz"  # within a run's folder
MOST, LEAST = 3, 0.25  # labels of a condition, and the share that is worth saying
_FORM = 1


@dataclasses.dataclass(frozen=True, eq=False)
class HeardAs:
    """What the sub-spaces say.

    Attributes:
        model: SHA-256 of the weights whose embeddings it was fitted on.
        conditions: the model's.
        parts: of each condition that can say something, by name.
        packed: SHA-256 of the same weights as `dmml pack` writes them; empty if not known.
    """

    model: str
    conditions: Conditions
    parts: Mapping[str, TagScores | NearestValues]
    packed: str = ""

    def heard(self, vectors: Array, most: int = MOST, least: float = LEAST) -> list[dict[str, list[Said]]]:
        """What is heard in songs.

        Args:
            vectors: float [N, E], embeddings of whole songs, or their search vectors.
            most: labels of a condition; of a value there is one.
            least: share below which nothing is said.

        Returns:
            For each song, condition -> labels, likeliest first; empty where it is unsure.

        Raises:
            UserError: if the vectors are of another size than the model's.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.conditions.size:
            raise UserError(f"a model of {self.conditions.size} numbers cannot hear vectors of shape {vectors.shape}")
        slices = self.conditions.subspaces
        said = {
            name: part.say(unit(np.asarray(vectors[:, slices[name]], np.float32)), most, least)
            for name, part in self.parts.items()
        }
        return [{name: several[song] for name, several in said.items()} for song in range(len(vectors))]

    def save(self, path: Path) -> None:
        """Writes the file whole; the same content gives the same bytes."""
        parts = list(self.parts.items())
        header = {
            "form": _FORM,
            "model": self.model,
            "packed": self.packed,
            "conditions": self.conditions.to_json(),
            "parts": [{"condition": name, **part.facts()} for name, part in parts],
        }
        arrays = {
            f"{place}.{name}": array for place, (_, part) in enumerate(parts) for name, array in part.arrays().items()
        }
        # Not compressed: such bytes would depend on the version of zlib.
        with whole_file(path, durable=True) as temporary:
            np.savez(temporary, header=np.array(json.dumps(header, ensure_ascii=False)), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "HeardAs":
        """Reads what `save` wrote.

        Raises:
            UserError: if it is not there, damaged, or of another form.
        """
        mend = f"make it with: dmml heard --run {Path(path).parent}"
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                if header["form"] != _FORM:
                    raise UserError(f"{path}: of form {header['form']}, this code reads {_FORM}; {mend}")
                arrays = {name: file[name] for name in file.files}
            conditions = Conditions.from_json(header["conditions"])
            parts = {
                row["condition"]: _part(conditions, row, _of_part(arrays, place))
                for place, row in enumerate(header["parts"])
            }
        except FileNotFoundError:
            raise UserError(f"{path}: not found; {mend}") from None
        except (OSError, ValueError, EOFError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())}); {mend}") from error
        return cls(header["model"], conditions, parts, header["packed"])


def find_heard_as(folder: Path, model: str) -> HeardAs | None:
    """What a run's sub-spaces can say, or None where `dmml heard` has not made it.

    Args:
        folder: the run's.
        model: SHA-256 of the weights that made the vectors to be heard.

    Raises:
        UserError: if the file cannot be read, or was fitted on embeddings of other weights.
    """
    path = folder / HEARD_FILE
    if not path.exists():
        return None
    heard_as = HeardAs.load(path)
    if model not in (heard_as.model, heard_as.packed):
        raise UserError(f"{path}: was made by other weights than the run now has; dmml heard --run {folder} makes it")
    return heard_as


def _part(conditions: Conditions, row: Mapping, arrays: Mapping[str, Array]) -> TagScores | NearestValues:
    condition = conditions[conditions.index(row["condition"])]
    if not isinstance(condition, ByLabel):
        raise ValueError(f"condition '{condition.name}' compares no labels")
    part = TagScores.of(row, arrays) if condition.reads_tags else NearestValues.of(condition, row, arrays)
    if {array.shape[-1] for array in arrays.values() if array.ndim == 2} != {condition.width}:
        raise ValueError(f"condition '{condition.name}' has {condition.width} numbers, what was stored of it has not")
    return part


def _of_part(arrays: Mapping[str, Array], place: int) -> dict[str, Array]:
    start = f"{place}."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
