"""The shipped models, their files and hashes: what is missing, damaged or of another version is refused in one line.

A file lies in a model's folder under a name that carries its hash, and is unpacked under its plain one: a later model's
files take no place of an earlier one's, and `contents.json` alone decides which of them are the model.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfrecords_tools.errors import UserError

PACKAGE = Path(__file__).parent
PRETRAINED = "pretrained"
# Name, as `--run` takes it -> folder of its files.
MODELS: dict[str, Path] = {PRETRAINED: PACKAGE, "pretrained-musicnn": PACKAGE / "musicnn"}
CONTENTS_FILE = "contents.json"
FORMAT = 2  # of the files; raise it when an older package could not read what a newer one ships
_AGAIN = "install the package again"


@dataclasses.dataclass(frozen=True)
class Contents:
    """What `contents.json` says.

    Attributes:
        folder: where it lies, with the files that it names.
        weights: name of the weights file.
        files: name -> SHA-256 of every file that is unpacked, the weights among them; see `stored_name`.
        probe: the embedding of a window of noise, of unit length (`dmml_tf.pretrained.pack.probe_window`), by which a
            machine can tell whether it computes what the packer's did.
    """

    folder: Path
    weights: str
    files: Mapping[str, str]
    probe: Sequence[float] = ()

    @classmethod
    def read(cls, folder: Path) -> "Contents":
        """Reads `contents.json`.

        Raises:
            UserError: if no model lies there, or one of another format, or the file is damaged.
        """
        path = folder / CONTENTS_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise UserError(
                    f"{path}: the model is written in format {content['format']}, this code reads {FORMAT}; {_AGAIN}"
                )
            files = {str(name): str(digest) for name, digest in content["files"].items()}
            if (weights := content["weights"]) not in files:
                raise ValueError(f"no hash of '{weights}'")
            return cls(folder, weights, files, content["probe"])
        except FileNotFoundError:
            raise UserError(f"{path}: not found, so no model comes with this package; {_AGAIN}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: cannot be read ({error}); {_AGAIN}") from error

    def to_json(self) -> dict:
        """What `read` reads."""
        return {"format": FORMAT, "weights": self.weights, "files": dict(self.files), "probe": [*self.probe]}

    def file(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            UserError: if it is missing or has another hash.
        """
        path = self.folder / stored_name(name, self.files[name])
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
        if (found := sha256(content)) != self.files[name]:
            raise UserError(f"{path}: the file is damaged: its SHA-256 is {found}, not {self.files[name]}; {_AGAIN}")
        return content


def stored_name(name: str, digest: str) -> str:
    """`model-0123456789ab.json` of `model.json`, the digits being the first of its SHA-256; a name that has them stays.

    >>> stored_name("model.json", 64 * "0")
    'model-000000000000.json'
    """
    path, digits = Path(name), digest[:12]
    return name if path.stem.endswith(digits) else f"{path.stem}-{digits}{path.suffix}"


def model_folder(name: str) -> Path:
    """The folder of a shipped model's files.

    Raises:
        UserError: if no model of that name comes with the package.
    """
    if name not in MODELS:
        raise UserError(f"no model '{name}' comes with this package; known are: {', '.join(MODELS)}")
    return MODELS[name]


def sha256(content: bytes) -> str:
    """In 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
