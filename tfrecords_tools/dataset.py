"""`dataset.json`: what a folder of shards holds, and the check that a reader may use it."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.files import write_json
from tfrecords_tools.schema import SCHEMA_VERSION, Schema

FILE_NAME = "dataset.json"
SPLITS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name in the dataset's folder, its record count, its bytes' SHA-256."""

    file: str
    records: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A built dataset.

    >>> data = dmml.Dataset.load("data/mine")
    >>> data.schema.vocabularies["genre"], data.schema.values
    (('jazz', 'rock'), ('tempo',))

    Attributes:
        folder: where `dataset.json`, `tracks.csv` and the shards are.
        name: first part of every shard's name.
        schema: vocabularies and value dimensions.
        features: the signal chain that made the log-mels.
        splits: split -> its shards, in order.
        licence: what the maker says of the audio and labels; free text.
    """

    folder: Path
    name: str
    schema: Schema
    features: LogMel
    splits: Mapping[str, tuple[Shard, ...]]
    licence: str = ""

    def tracks(self, split: str) -> int:
        """Number of tracks in a split; 0 for one that is not there."""
        return sum(shard.records for shard in self.splits.get(split, ()))

    def files(self, split: str) -> list[str]:
        """Paths of a split's shards, in order.

        Raises:
            UserError: if the split is empty or a shard is missing.
        """
        paths = [str(self.folder / shard.file) for shard in self.splits.get(split, ()) if shard.records]
        if not paths:
            filled = ", ".join(name for name in self.splits if self.tracks(name)) or "none"
            raise UserError(f"{self.folder}: split '{split}' holds no track (filled splits: {filled})")
        for path in paths:
            if not os.path.exists(path):
                raise UserError(f"{path}: listed in {FILE_NAME} but missing; build the dataset again")
        return paths

    def save(self) -> None:
        """Writes `dataset.json`, whole or not at all."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "features": dataclasses.asdict(self.features),
            "tags": {name: list(tags) for name, tags in self.schema.vocabularies.items()},
            "values": list(self.schema.values),
            "optional_fields": list(self.schema.optional),
            "splits": {
                split: {"tracks": self.tracks(split), "shards": [dataclasses.asdict(shard) for shard in shards]}
                for split, shards in self.splits.items()
            },
            "licence": self.licence,
        }
        write_json(self.folder / FILE_NAME, content)

    @classmethod
    def load(cls, folder: str | os.PathLike, features: LogMel | None = None) -> "Dataset":
        """Reads `dataset.json`.

        Args:
            folder: the dataset's folder.
            features: the signal chain the reader needs; the default is the paper's, at whatever loudness.

        Raises:
            UserError: if there is no dataset, it is not readable, or its figures differ from `features`.
        """
        path = Path(folder) / FILE_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(
                f"{path}: not found; build one with: dmml-records build --manifest songs.csv --out {folder}"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); build the dataset again") from error
        _refuse_other_figures(path, content, features)
        try:
            return cls(
                folder=Path(folder),
                name=content["name"],
                schema=_schema_of(content),
                features=LogMel(**content["features"]),
                splits={k: tuple(Shard(**row) for row in v["shards"]) for k, v in content["splits"].items()},
                licence=content["licence"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: a field is missing or malformed ({error}); build the dataset again") from error


def _schema_of(content: Mapping) -> Schema:
    vocabularies = {name: tuple(tags) for name, tags in content["tags"].items()}
    # Datasets from before there were any do not say that they have none.
    return Schema(vocabularies, tuple(content["values"]), tuple(content.get("optional_fields", ())))


def _refuse_other_figures(path: Path, content: Mapping, wanted: LogMel | None) -> None:
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        version = content.get("schema_version") if isinstance(content, dict) else None
        raise UserError(f"{path}: schema version {version}, this code reads {SCHEMA_VERSION}; build the dataset again")
    stored = content.get("features")
    figures = dataclasses.asdict(wanted or PAPER_CHAIN)
    if wanted is None:
        figures.pop("loudness")  # whoever has no model yet takes any
    for name, value in figures.items():
        # Datasets from before there was a loudness do not say that they have none.
        built_with = stored.get(name) if isinstance(stored, dict) else None
        if built_with != value:
            raise UserError(
                f"{path}: built with {name}={built_with}, this model needs {name}={value}; build the dataset "
                "again with these figures, or use a model made for its own"
            )
