"""Figures that are kept in the table's folder, so that an interrupted table goes on where it stopped."""

import dataclasses
import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import ml_collections
import numpy as np
from absl import logging

from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.papers.measure import Measured
from dmml_tf.papers.networks import plain
from dmml_tf.papers.rows import BASELINE, SPECIALIZED, Row, system_config
from dmml_tf.spaces import SUBSPACE, WHOLE
from dmml_tf.training.train import file_digests
from tfrecords_tools.files import whole_file, write_json

FORM = 2  # raised when what is scored, or how, changes: older figures are then made again
# What JSON, NumPy and zipfile raise on a file that is cut short or damaged.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
_FIELDS = ("figures", "details", "parameters", "steps", "seconds", "scoring_seconds")


def key_of(row: Row, seed: int, table: ml_collections.ConfigDict, side: HeldOutSide) -> str:
    """A digest of all that a row's figures hang on: data, conditions, triplets, configuration, judgements."""
    if row.source == BASELINE:
        trained: dict | list[dict] = {"baseline": row.config, "overrides": dict(row.overrides)}
    else:
        names = side.compared if row.source == SPECIALIZED else [None]
        asked = [system_config(table, row, seed, name) for name in names]
        trained = [{**plain(config), **file_digests(config)} for config in asked]
    content = {
        "form": FORM,
        "data": side.data_sha256,
        "conditions": side.conditions.to_json(),
        "kind": row.source,
        "trained": trained,
        "seed": seed,
        "rounds": side.rounds,
        "tagging": side.tagging,
        "triplets": {
            name: hashlib.sha256(drawn.tobytes()).hexdigest() for name, drawn in side.held_out.triplets.items()
        },
        "judged": side.judged and side.judged.digest,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Kept:
    """The figures of each row and seed: a JSON file, and the answers to each triplet beside it.

    Args:
        folder: where they are; made when the first is saved.
        side: whose triplets the answers are to.
    """

    def __init__(self, folder: Path, side: HeldOutSide):
        self._folder, self._side = folder, side

    def load(self, row: Row, seed: int, key: str) -> Measured | None:
        """What was saved under the same key, or None; damaged files are named in a warning and count as not there."""
        path = self._path(row, seed)
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["key"] != key:
                return None
            with np.load(path.with_suffix(".npz"), allow_pickle=False) as packed:
                right = {name: packed[name] for name in packed.files}
            return Measured(right=self._unpacked(right), **{field: content[field] for field in _FIELDS})
        except _DAMAGE as error:
            logging.warning("%s: cannot be read (%s); the row is made again", path, " ".join(str(error).split()))
            return None

    def save(self, row: Row, seed: int, key: str, measured: Measured) -> None:
        """Writes both files, the JSON last: without it the other is not looked at."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(row, seed)
        packed = {
            f"{where} {name}": np.packbits(correct)
            for where, by_condition in measured.right.items()
            for name, correct in by_condition.items()
        }
        path.unlink(missing_ok=True)
        with whole_file(path.with_suffix(".npz"), durable=True) as temporary:
            np.savez(temporary, **packed)
        content = {field.name: getattr(measured, field.name) for field in dataclasses.fields(measured)}
        write_json(path, {"key": key, **{field: content[field] for field in _FIELDS}})

    def _path(self, row: Row, seed: int) -> Path:
        return self._folder / f"{row.name}-s{seed}.json"

    def _unpacked(self, packed: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        right: dict[str, dict[str, np.ndarray]] = {WHOLE: {}, SUBSPACE: {}}
        for name, bits in packed.items():
            where, _, condition = name.partition(" ")
            count = len(self._side.held_out.triplets[condition])
            right[where][condition] = np.unpackbits(bits, count=count).astype(bool)
        return right
