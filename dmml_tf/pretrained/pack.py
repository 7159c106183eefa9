"""A trained run -> the files that are shipped: weights in float16, what they stand for, their hashes, the card."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow import keras

from dmml_tf.models.packed import load_packed, pack_weights, packed_name
from dmml_tf.pretrained.card import CARD_FILE, with_figures, with_songs
from dmml_tf.pretrained.contents import CONTENTS_FILE, PACKAGE, Contents, sha256, stored_name
from dmml_tf.pretrained.unpack import CONFIG_FILE, MARK
from dmml_tf.run import MODEL_FILE, Run
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_bytes, write_json, write_text

MOST_BYTES = 5_000_000
EVALUATION_FILE = "evaluation.json"
_WRITTEN = (MODEL_FILE, CONFIG_FILE, CONTENTS_FILE, CARD_FILE, MARK)  # by `pack` and by who unpacks


@dataclasses.dataclass(frozen=True)
class Packed:
    """What was written.

    Attributes:
        contents: the files and their hashes.
        bytes: of all of them.
        cosine: between the embeddings of the probe by the run's weights and by the packed ones.
    """

    contents: Contents
    bytes: int
    cosine: float


def pack(run_folder: str | os.PathLike, out: Path = PACKAGE, also: Sequence[str] = ()) -> Packed:
    """Writes a run's files for shipping; the same run gives the same bytes.

    A process that is killed, or a full disk, leaves the model that was there before, or the new one: files are named
    by their hashes (`dmml_tf.pretrained.contents.stored_name`), and `contents.json` takes the earlier one's place last.

    Args:
        run_folder: of a trained run; its `evaluation.json`, if there, fills the figures of the card.
        out: the folder that is written: weights, `model.json`, `config.json`, `contents.json`, and `card.md` where
            one is there. An earlier model's files are removed.
        also: names of other files of the run's folder that come along and are unpacked beside the model.

    Raises:
        UserError: if the run cannot be read, its masks overlap, `also` names what is written here anyway, all files
            together have more than 5 MB, or the folder cannot be written.
    """
    _require_others(also)
    run = Run.load(run_folder)
    run.require_slices()
    network = run.embedding()
    weights = pack_weights(network)
    files = {packed_name(weights): weights}
    files[MODEL_FILE] = _json({**_read(run.folder / MODEL_FILE), "dataset": "", "weights": packed_name(weights)})
    files[CONFIG_FILE] = _json(_read(run.folder / CONFIG_FILE))
    files |= {name: _bytes(run.folder / name) for name in also}
    total = sum(map(len, files.values()))
    if total > MOST_BYTES:
        raise UserError(
            f"{run.folder}: the packed files have {total / 1e6:.1f} MB, at most {MOST_BYTES / 1e6:.0f} are shipped; "
            "train a narrower network (--config.network.width)"
        )
    probe = probe_window(network)
    by_run, name = _unit(network, probe), packed_name(weights)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_bytes(out / name, weights)
        load_packed(network, out / name)
        by_packed = _unit(network, probe)
        hashes = {name: sha256(content) for name, content in files.items()}
        contents = Contents(out, name, hashes, [round(float(number), 5) for number in by_packed])
        _write(contents, files)
        _fill_card(out, run.folder)
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written ({error.strerror}); make room there, or name another --out"
        ) from error
    return Packed(contents, total, float(by_run @ by_packed))


def probe_window(network: keras.Model) -> np.ndarray:
    """A window of even noise as the network takes one, float32 [1, frames, mels], the same on every machine."""
    shape = (1, *network.input_shape[1:])
    return np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)


def _require_others(also: Sequence[str]) -> None:
    for name in also:
        if Path(name).name != name:
            raise UserError(f"--also: '{name}' is no name of a file of the run's folder, as in --also=heard_as.npz")
        if name in _WRITTEN or name.startswith("weights-"):
            raise UserError(f"--also: '{name}' is written by dmml pack itself; leave it out")


def _write(contents: Contents, files: dict[str, bytes]) -> None:
    earlier = _stored(contents.folder)
    for name, content in files.items():
        write_bytes(contents.folder / stored_name(name, contents.files[name]), content)
    write_json(contents.folder / CONTENTS_FILE, contents.to_json())
    for stored in earlier - _stored(contents.folder):
        (contents.folder / stored).unlink(missing_ok=True)


def _stored(folder: Path) -> set[str]:
    """What a model's files are called in its folder, by its `contents.json`; empty where there is none."""
    path = folder / CONTENTS_FILE
    files = _read(path)["files"] if path.exists() else {}
    return {stored_name(name, digest) for name, digest in files.items()}


def _fill_card(out: Path, run_folder: Path) -> None:
    card, evaluation = out / CARD_FILE, run_folder / EVALUATION_FILE
    if card.exists():
        figures = _read(evaluation) if evaluation.exists() else None
        write_text(card, with_figures(with_songs(card.read_text(encoding="utf-8")), figures))


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(_without_paths(content), indent=1, ensure_ascii=False) + "\n").encode()


def _without_paths(value: Any) -> Any:
    """Names in place of absolute paths: folders of the machine that trained are nobody else's."""
    if isinstance(value, dict):
        return {key: _without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return Path(value).name if isinstance(value, str) and os.path.isabs(value) else value


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(_bytes(path))
    except ValueError as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    return content


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); it is part of what is packed") from error


def _unit(network: keras.Model, window: np.ndarray) -> np.ndarray:
    vector = np.asarray(network(window, training=False))[0]
    return vector / np.linalg.norm(vector)
