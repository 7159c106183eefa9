"""A run folder: the trained embedding with what is needed to use it without its training data.

config.json           the whole configuration the run was trained with
model.json            name of the configuration, conditions, network arguments, signal chain, vocabularies, dataset,
                      order of mask and norm, learned masks
embedding.weights.h5  weights of the embedding, which a run is loaded from; an index says which it was made by.
                      The model that comes with the package has weights-HASH.npz instead, and no embedding.keras
embedding.keras       windows -> embedding; loads after `import dmml_tf.models.embedding`
embedding.tflite      the same for LiteRT, made of the weights where it is missing or of others (dmml_tf.embed.light)
history.csv           one row an epoch
tensorboard/          scalars, the cross table of each epoch, the projector's files
heard_as.npz          what the sub-spaces can say of songs without labels, where dmml heard made it
checkpoints/          the last epoch, to resume from; gone once the run is finished
"""

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dmml_tf.conditions import Conditions
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.files import require_room, whole_file, write_json
from tfrecords_tools.schema import Schema

if TYPE_CHECKING:  # a search by id does not wait for it
    from tensorflow import keras

MODEL_FILE = "model.json"
EMBEDDING_FILE = "embedding.keras"
WEIGHTS_FILE = "embedding.weights.h5"
LIGHT_FILE = "embedding.tflite"
UNNAMED = "disentangled_track"  # a run that does not say its name: the one name there was before runs kept theirs
BOARD = "tensorboard"  # folder of what TensorBoard reads


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: the run's folder.
        conditions: what the embedding's slices stand for.
        network: arguments of `build_embedding`.
        features: the signal chain its log-mels need.
        schema: vocabularies and value dimensions of the data it was trained on.
        dataset: folder of the records it was trained on, as given by the user; empty where it came without them.
        norm_order: `mask_then_norm` or `norm_then_mask`, as trained.
        masks: float32 [C, E] where they were learned, a row a condition; None where the slices are the masks.
        name: of its configuration (`category` of `configs/category.py`): what its figures are called.
        weights: name of the weights file, which `dmml_tf.models.packed` reads where it is an `.npz`.
    """

    folder: Path
    conditions: Conditions
    network: Mapping
    features: LogMel
    schema: Schema
    dataset: str
    norm_order: str = "mask_then_norm"
    masks: np.ndarray | None = None
    name: str = UNNAMED
    weights: str = WEIGHTS_FILE

    def embedding(self) -> "keras.Model":
        """The trained network: windows -> embedding float32 [batch, size].

        A window is log-mel float32 [129, 128], or samples float32 [66150] where `network` has such a frontend.

        It is built from `network` and the weights file, the form that either Keras reads.

        Raises:
            UserError: if the weights are missing or do not fit.
        """
        from dmml_tf.models.embedding import build_embedding
        from dmml_tf.models.packed import SUFFIX, load_packed

        model = build_embedding(**self.network, features=self.features)
        path = self.folder / self.weights
        if path.suffix == SUFFIX:
            load_packed(model, path)
            return model
        try:
            model.load_weights(str(path))
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]}); train the run again") from error
        return model

    def weights_sha256(self) -> str:
        """SHA-256 of the weights file: tells vectors of these weights from those of earlier ones.

        Raises:
            UserError: if the file cannot be read.
        """
        path = self.folder / self.weights
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); train the run again") from error

    def records(self, given: str | os.PathLike | None = None) -> str:
        """Folder of the records to use: the one that is given, otherwise the one that the run was trained on.

        Raises:
            UserError: if none is given and the run came without: the model that comes with the package does.
        """
        if given or self.dataset:
            return os.fspath(given or self.dataset)
        raise UserError(f"{self.folder}: the model came without its records; name yours with --data (in Python, data=)")

    def require_slices(self) -> None:
        """Checks that the conditions' slices are all that they see, which search and serving stand on.

        Raises:
            UserError: if the masks were learned: they overlap, and one vector cannot answer every weighting.
        """
        if self.masks is not None:
            raise UserError(
                f"{self.folder}: its masks were learned and overlap; search and serving need disjoint "
                "slices: train with --config.mask=fixed (dmml evaluate reads learned masks)"
            )

    def save(self, embedding: "keras.Model") -> None:
        """Writes weights, `embedding.keras` and last `model.json`, each under a temporary name first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        require_room(self.folder, 2 * weight_bytes(embedding))
        with whole_file(self.folder / EMBEDDING_FILE, durable=True) as temporary:
            embedding.save(str(temporary))
        with whole_file(self.folder / WEIGHTS_FILE, durable=True) as temporary:
            embedding.save_weights(str(temporary))
        write_json(
            self.folder / MODEL_FILE,
            {
                "name": self.name,
                "conditions": self.conditions.to_json(),
                "network": dict(self.network),
                "features": dataclasses.asdict(self.features),
                "tags": {name: list(tags) for name, tags in self.schema.vocabularies.items()},
                "values": list(self.schema.values),
                "dataset": self.dataset,
                "norm_order": self.norm_order,
                "masks": None if self.masks is None else self.masks.astype(float).tolist(),
            },
        )

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Run":
        """Reads `model.json`.

        Raises:
            UserError: if the folder holds no finished run, or the file is malformed.
        """
        path = Path(folder) / MODEL_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            masks = content.get("masks")
            return cls(
                folder=Path(folder),
                conditions=Conditions.from_json(content["conditions"]),
                network=content["network"],
                features=LogMel(**content["features"]),
                schema=Schema({k: tuple(v) for k, v in content["tags"].items()}, tuple(content["values"])),
                dataset=content["dataset"],
                norm_order=content["norm_order"],
                masks=None if masks is None else np.array(masks, np.float32),
                name=content.get("name", UNNAMED),
                weights=content.get("weights", WEIGHTS_FILE),
            )
        except FileNotFoundError:
            raise UserError(
                f"{path}: not found; train a model first: dmml train --config demo --data data/demo --run {folder}"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: cannot be read ({error}); train the run again") from error


def weight_bytes(model: "keras.Model") -> int:
    """Bytes of a model's weights as they lie in memory."""
    return sum(4 * math.prod(weight.shape) for weight in model.weights)
