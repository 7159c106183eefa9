"""`dataset.json`: what a folder of shards holds, and the check that a reader may use it."""

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel
from tfrecords_tools.files import require_room, write_json
from tfrecords_tools.program import progress
from tfrecords_tools.schema import SCHEMA_VERSIONS, Schema
from tfrecords_tools.stores.address import absolute, is_address, joined
from tfrecords_tools.stores.local_copy import cached_folder
from tfrecords_tools.stores.store import NoBucket, NotThere, fetch, list_folder

FILE_NAME = "dataset.json"
BUILD_FILE = "build.json"  # how it was built
# What is read beside the records, of a dataset at an address from a cache.
_BESIDE = (BUILD_FILE, "tracks.csv", "track_segments.csv", "notes.csv", "rejected.csv")
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
        folder: where `dataset.json`, `tracks.csv` and the shards are; of a dataset at an address, where copies are
            kept on this machine, a shard from the first time on that `files` was asked for its split.
        name: first part of every shard's name.
        schema: vocabularies, value dimensions, and which of both segments label.
        features: the signal chain that made the log-mels.
        splits: split -> its shards, in order.
        licence: what the maker says of the audio and labels; free text.
        address: where the dataset is if that is an object store; empty otherwise.
    """

    folder: Path
    name: str
    schema: Schema
    features: LogMel
    splits: Mapping[str, tuple[Shard, ...]]
    licence: str = ""
    address: str = ""

    @property
    def place(self) -> str:
        """The folder, or the address, that whoever asks for the dataset again gives."""
        return self.address or str(self.folder)

    def without_segments(self) -> "Dataset":
        """The same dataset, of which only the tracks' own labels are read."""
        return dataclasses.replace(self, schema=dataclasses.replace(self.schema, segmented=()))

    def tracks(self, split: str) -> int:
        """Number of tracks in a split; 0 for one that is not there."""
        return sum(shard.records for shard in self.splits.get(split, ()))

    def files(self, split: str) -> list[str]:
        """Paths of a split's shards, in order; those at an address are fetched where they are not yet here.

        Raises:
            UserError: if the split is empty, a shard is missing, or one that is fetched has not its checksum.
        """
        shards = [shard for shard in self.splits.get(split, ()) if shard.records]
        paths = [str(self.folder / shard.file) for shard in shards]
        self.fetch(shards)
        if not paths:
            filled = ", ".join(name for name in self.splits if self.tracks(name)) or "none"
            raise UserError(f"{self.folder}: split '{split}' holds no track (filled splits: {filled})")
        for path in paths:
            if not os.path.exists(path):
                raise UserError(f"{path}: listed in {FILE_NAME} but missing; build the dataset again")
        return paths

    def fetch(self, shards: Iterable[Shard]) -> None:
        """Copies those shards of a dataset at an address here that are not yet; of one in a folder, none.

        Raises:
            UserError: if one cannot be had or has not its checksum, or the disk has no room.
        """
        missing = [shard for shard in shards if self.address and not (self.folder / shard.file).exists()]
        if not missing:
            return
        there = list_folder(self.address)
        require_room(self.folder, sum(there[shard.file].size for shard in missing if shard.file in there))
        for shard in progress(missing, len(missing), "shards fetched"):
            fetch(joined(self.address, shard.file), self.folder / shard.file, shard.sha256)

    def save(self) -> None:
        """Writes `dataset.json`, whole or not at all."""
        content = {
            "schema_version": self.schema.version,
            "name": self.name,
            "features": dataclasses.asdict(self.features),
            "tags": {name: list(tags) for name, tags in self.schema.vocabularies.items()},
            "values": list(self.schema.values),
            "optional_fields": list(self.schema.optional),
            **({"segmented": list(self.schema.segmented)} if self.schema.segmented else {}),
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
            folder: the dataset's folder, or its address; of what is there, all but the shards is then copied to this
                machine's cache, and those when they are asked for.
            features: the signal chain the reader needs; the default is the paper's, at whatever loudness.

        Raises:
            UserError: if there is no dataset, it is not readable, or its figures differ from `features`.
        """
        address = absolute(folder) if is_address(folder) else ""
        path: Path | str = joined(address, FILE_NAME) if address else Path(folder) / FILE_NAME
        try:
            place = cached_folder(address, FILE_NAME, _BESIDE) if address else Path(folder)
            content = json.loads((place / FILE_NAME).read_text(encoding="utf-8"))
        except NoBucket:
            raise
        except (FileNotFoundError, NotThere):
            raise UserError(
                f"{path}: not found; build one with: dmml-records build --manifest songs.csv --out {folder}"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); build the dataset again") from error
        _refuse_other_figures(path, content, features)
        try:
            return cls(
                folder=place,
                name=content["name"],
                schema=_schema_of(content),
                features=LogMel(**content["features"]),
                splits={k: tuple(Shard(**row) for row in v["shards"]) for k, v in content["splits"].items()},
                licence=content["licence"],
                address=address,
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(f"{path}: a field is missing or malformed ({error}); build the dataset again") from error


def _schema_of(content: Mapping) -> Schema:
    vocabularies = {name: tuple(tags) for name, tags in content["tags"].items()}
    segmented = content["segmented"] if content["schema_version"] > 1 else ()
    # Datasets from before there were any optional fields do not say that they have none.
    optional = content.get("optional_fields", ())
    return Schema(vocabularies, tuple(content["values"]), tuple(optional), tuple(segmented))


def _refuse_other_figures(path: Path | str, content: Mapping, wanted: LogMel | None) -> None:
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version not in SCHEMA_VERSIONS:
        known = " and ".join(map(str, SCHEMA_VERSIONS))
        newer = isinstance(version, int) and version > SCHEMA_VERSIONS[-1]
        mend = "take a newer dmml, or build the dataset again with this one" if newer else "build the dataset again"
        raise UserError(f"{path}: schema version {version}, this code reads {known}; {mend}")
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
