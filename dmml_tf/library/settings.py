"""`library.json`: the version of a library, its root folders, and the model whose vectors it holds."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfrecords_tools.audio.extract import EXTRACTION
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

LIBRARY_FILE = "library.json"
LIBRARY_VERSION = 1
MODELS_FOLDER = "models"  # folder of the models, each with what it made of the library
_KEY_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class ModelOf:
    """The model of a library.

    Attributes:
        name: as the user named the run: `pretrained`, or a run's folder.
        weights: SHA-256 of its weights file.
        extraction: `tfrecords_tools.audio.extract.EXTRACTION` of what it has heard.
        excerpts: windows that it hears of a song; 0 hears all of it.
    """

    name: str
    weights: str
    extraction: int = EXTRACTION
    excerpts: int = 0

    @property
    def key(self) -> str:
        """Name of its folder."""
        return f"{self.weights[:_KEY_DIGITS]}-{self.extraction}" + (f"-{self.excerpts}" if self.excerpts else "")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What `library.json` says.

    Attributes:
        folder: the library's.
        roots: folders of music, absolute.
        model: whose vectors are searched.
        coming: whose vectors are being made with `--reembed`, until all are; None otherwise.
    """

    folder: Path
    roots: Sequence[str]
    model: ModelOf
    coming: ModelOf | None = None

    @classmethod
    def read(cls, folder: Path) -> "Settings":
        """Reads the file.

        Raises:
            UserError: if the folder is no library, or one of another version, or the file is damaged.
        """
        path = folder / LIBRARY_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if (version := content["library_version"]) != LIBRARY_VERSION:
                raise UserError(
                    f"{path}: a library of version {version}, this code reads {LIBRARY_VERSION}; use the package that "
                    "made it, or scan into another folder"
                )
            coming = content["coming"] and ModelOf(**content["coming"])
            return cls(folder, [str(root) for root in content["roots"]], ModelOf(**content["model"]), coming)
        except FileNotFoundError:
            raise UserError(f"{path}: not found; make a library with: dmml scan MUSIC --library {folder}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}: cannot be read ({error}); remove the folder and scan again, or restore the file"
            ) from error

    def write(self) -> None:
        """Writes the file, whole or not at all."""
        content: dict[str, Any] = {
            "library_version": LIBRARY_VERSION,
            "roots": list(self.roots),
            "model": dataclasses.asdict(self.model),
            "coming": self.coming and dataclasses.asdict(self.coming),
        }
        write_json(self.folder / LIBRARY_FILE, content)

    def model_folder(self, model: ModelOf) -> Path:
        """The run folder, within the library, of one of its models."""
        return self.folder / MODELS_FOLDER / model.key
