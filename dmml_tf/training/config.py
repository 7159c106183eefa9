"""Fields of a configuration: read as arguments, and those of earlier runs in today's layout."""

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

import ml_collections

from dmml_tf.conditions import Conditions
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

_DEFAULT_WIDTH = 64  # of a condition that does not say its own
_SCHEDULES = {"plateau": ("patience", "divide_by", "drops"), "cosine": ("warmup",)}
_SINCE = {"devices": 1, "precision": "float32"}  # fields of `train` that earlier runs did not have, as they trained
_SEGMENTS = {"segments": True}  # a field that earlier runs did not have: their data had no segments
_OBJECTIVES = {"triplets": ("margin",), "mining": ("mining", "margin"), "zero_shot": ("margin",)}


def from_fields(make: Callable, where: str, fields: Mapping, **given: Any) -> Any:
    """Calls `make(**fields, **given)`, with one line for a field that is missing or unknown, or given already.

    Args:
        make: what reads the fields.
        where: names the fields in the message.
        fields: of the configuration.
        given: arguments that do not come from it.

    Raises:
        UserError: in place of the `TypeError` of a wrong argument, and as `make` does.
    """
    try:
        inspect.signature(make).bind(**fields, **given)
    except TypeError as error:
        known = [name for name in inspect.signature(make).parameters if name not in given]
        raise UserError(f"{where}: {error}; known fields: {', '.join(known) or 'none'}") from error
    return make(**fields, **given)


def named_group(group: Mapping | str, where: str) -> tuple[str, dict]:
    """Divides a group of fields, such as `config.objective`, into its name and the rest, which belongs to that name.

    Raises:
        UserError: if it is no group with a name.
    """
    if isinstance(group, str) or "name" not in group:
        raise UserError(f'{where} must be a group with a name and the fields that it reads, as {{"name": ..., ...}}')
    return group["name"], {field: value for field, value in group.items() if field != "name"}


def in_todays_layout(config: dict) -> dict:
    """A configuration that a run saved, with `objective` and `train.schedule` as groups; today's as it is.

    Earlier ones held the fields of every objective and schedule side by side in `train`, and knew no gain, no segments,
    one device and one precision.
    """
    if "train" in config:
        config = {**config, "train": {**_SINCE, **config["train"]}}
        config = {**_SEGMENTS, **config}
    if "batch" in config:
        config = {**config, "batch": {"gain_db": 0.0, **config["batch"]}}
    if not isinstance(config.get("objective"), str):
        return config
    train = dict(config["train"])
    schedule, objective = train["schedule"], config["objective"]
    train["schedule"] = {"name": schedule, **{field: train[field] for field in _SCHEDULES[schedule]}}
    group = {"name": objective, **{field: train[field] for field in _OBJECTIVES.get(objective, ())}}
    if "mining" in group:
        group["miner"] = group.pop("mining")
    for field in ("margin", "mining", "patience", "divide_by", "drops", "warmup"):
        train.pop(field, None)
    return {**config, "objective": group, "train": train}


def as_ever(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """Without fields that say what every training did before they were there: what a kept result is known by."""
    known = config.copy_and_resolve_references()
    with known.unlocked():
        for field, value in _SINCE.items():
            if "train" in known and known.train.get(field) == value:
                del known.train[field]
        for field, value in _SEGMENTS.items():
            if known.get(field) == value:
                del known[field]
    return known


def load_data(config: ml_collections.ConfigDict, data: str | os.PathLike) -> Dataset:
    """The dataset in a folder or at an address, as a configuration wants it.

    With `config.segments` False every window has its song's own label: segments of songs are not read.

    Raises:
        UserError: as `Dataset.load`.
    """
    dataset = Dataset.load(data)
    return dataset if config.get("segments", True) else dataset.without_segments()


def set_conditions(config: ml_collections.ConfigDict, conditions: Conditions) -> None:
    """Puts conditions into a configuration, and the size of the embedding that they need."""
    rows = {row.pop("name"): row for row in conditions.to_json()}
    owners = [name for name, row in rows.items() if row["width"]]
    if owners and all(rows[name]["width"] == _DEFAULT_WIDTH for name in owners):
        share, left = divmod(config.embedding, len(owners))
        for place, name in enumerate(owners):
            rows[name]["width"] = share + (place < left)
    config.order = tuple(rows)
    config.embedding = sum(row["width"] for row in rows.values()) or config.embedding
    config.conditions = {name: _own_fields(row) for name, row in rows.items()}


def _own_fields(row: dict[str, Any]) -> dict[str, Any]:
    """Without the empty fields of other kinds."""
    return {name: value for name, value in row.items() if value != ""}
