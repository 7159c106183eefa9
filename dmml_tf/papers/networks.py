"""Rows that are networks: trained, or found trained, or as they are before training."""

import csv
import functools
import hashlib
import json
import os
from pathlib import Path

import ml_collections
import numpy as np
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.evaluation.human import network_embed
from dmml_tf.evaluation.views import Masks, Views
from dmml_tf.models.count import multiply_adds
from dmml_tf.models.embedding import build_embedding
from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.papers.rows import Row, system_config
from dmml_tf.papers.system import System
from dmml_tf.run import Run
from dmml_tf.spaces import SUBSPACE, WHOLE, condition_masks
from dmml_tf.training.config import as_ever, from_fields
from dmml_tf.training.train import conditions_from_config, divide_steps, file_digests, train
from tfrecords_tools.dataset import FILE_NAME


def trained(row: Row, config: ml_collections.ConfigDict, side: HeldOutSide, runs: Path) -> System:
    """One network in its whole space and in the sub-spaces it has.

    Args:
        row: of kind `train`.
        config: from `system_config`.
        side: whose dataset it is trained on.
        runs: folder of run folders, which all tables share.

    Raises:
        UserError: as `train`.
    """
    run, steps, seconds = _train(row, config, side, runs)
    return _of_network(run.embedding(), run.conditions, side, run.masks, run.norm_order, steps, seconds)


def specialized(row: Row, table: ml_collections.ConfigDict, seed: int, side: HeldOutSide, runs: Path) -> list[System]:
    """A network for each condition between tracks, which is all that it is scored on.

    Raises:
        UserError: as `train`.
    """
    systems = []
    for name in side.compared:
        config = system_config(table, row, seed, name)
        run, steps, seconds = _train(row, config, side, runs)
        network = run.embedding()
        systems.append(
            System(
                functools.partial(embed_split, Embedder(network, run.features), side.dataset),
                Views({SUBSPACE: {name: None}}, run.norm_order),
                parameters=network.count_params(),
                multiply_adds=multiply_adds(network),
                steps=steps,
                seconds=seconds,
            )
        )
    return systems


def untrained(config: ml_collections.ConfigDict, side: HeldOutSide) -> System:
    """The network with its first weights: what the architecture alone gives."""
    conditions = conditions_from_config(config, side.dataset)
    keras.utils.set_random_seed(config.seed)
    size = conditions.size or config.embedding
    network = from_fields(
        build_embedding, "config.network", {**config.network, "size": size}, features=side.dataset.features
    )
    return _of_network(network, conditions, side, None, config.norm_order)


def _of_network(
    network: keras.Model,
    conditions: Conditions,
    side: HeldOutSide,
    learned: np.ndarray | None,
    norm_order: str,
    steps: int | None = None,
    seconds: float | None = None,
) -> System:
    masks = condition_masks(conditions, learned, network.output_shape[-1])
    scored = side.conditions.names
    spaces: dict[str, Masks] = {
        WHOLE: dict.fromkeys(scored),
        SUBSPACE: {name: masks[name] for name in masks if name in scored},
    }
    embedder = Embedder(network, side.dataset.features)
    return System(
        functools.partial(embed_split, embedder, side.dataset),
        Views(spaces, norm_order),
        embed_clip=None if embedder.signal.takes_samples else network_embed(embedder),
        parameters=network.count_params(),
        multiply_adds=multiply_adds(network),
        steps=steps,
        seconds=seconds,
    )


def _train(row: Row, config: ml_collections.ConfigDict, side: HeldOutSide, runs: Path) -> tuple[Run, int, float]:
    """(run, steps, seconds in training steps)."""
    folder = run_folder(row, config, side.dataset.folder, runs)
    run = train(config, side.dataset.folder, folder, name=Path(row.config).stem)
    return run, *_cost(config, folder / "history.csv")


def run_folder(row: Row, config: ml_collections.ConfigDict, data: str | os.PathLike, runs: Path) -> Path:
    """Where the run of exactly this configuration on exactly these data lies, whichever table asks for it."""
    content = (
        (Path(data) / FILE_NAME).read_bytes() + str(data).encode() + as_ever(config).to_json(sort_keys=True).encode()
    )
    content += "".join(file_digests(config).values()).encode()
    order = f"_{config.order[0]}" if len(config.order) == 1 and config.order[0] not in row.config else ""
    return runs / f"{Path(row.config).stem}{order}-s{config.seed}-{hashlib.sha256(content).hexdigest()[:10]}"


def _cost(config: ml_collections.ConfigDict, history: Path) -> tuple[int, float]:
    """Steps and seconds, from the run's own history: also of a run that was interrupted or found."""
    _, steps = divide_steps(config.train.steps, config.train.steps_per_epoch)
    windows = steps * from_fields(BatchPlan, "config.batch", config.batch).embedded
    with history.open(newline="", encoding="utf-8") as file:
        rates = [float(row["windows_per_s"]) for row in csv.DictReader(file)]
    return steps * len(rates), sum(windows / rate for rate in rates)


def plain(config: ml_collections.ConfigDict) -> dict:
    """The configuration as JSON has it."""
    return json.loads(as_ever(config).to_json())
