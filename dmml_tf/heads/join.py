"""One network of two that were trained apart: a body for most sub-spaces, and a tower for the rest.

What learns at one rate together with others may learn nothing: the tempo needs a slower one than a teacher's copies.
The tower keeps its last layer too: trained anew by triplets of labels alone it ordered tempos worse.
"""

import dataclasses

import numpy as np
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.heads.parts import DENSE, body_part
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from tfrecords_tools.errors import UserError

_LAST = "embedding"  # the normalisation that gives the embedding


def join_tower(body: Run, network: keras.Model, tower: Run) -> tuple[Run, keras.Model]:
    """A body and a tower side by side: the embedding is the body's numbers, then the tower's, both as they are.

    Args:
        body: a run without a tower.
        network: its network, which may have been trained on.
        tower: a trained run whose network is a tower alone (`tower_size` is all of its `size`).

    Returns:
        The body's run with the network and the conditions of both, those that own no sub-space last, once each; and
        the network.

    Raises:
        UserError: if they cannot stand side by side.
    """
    require_beside(body, tower)
    size = body.network["size"] + tower.network["size"]
    fields = {"tower_size": tower.network["size"], "tower_width": tower.network["tower_width"]}
    joined_fields = {**body.network, **fields, "size": size}
    run = dataclasses.replace(body, network=joined_fields, conditions=_conditions_of(body, tower))
    joined = build_embedding(**joined_fields, features=body.features)
    parts = network, tower.embedding()
    for name, part in zip(DENSE, parts):
        body_part(joined, [name]).set_weights(body_part(part, [name]).get_weights())
        joined.get_layer(name).set_weights(part.get_layer(name).get_weights())
    last = zip(*(part.get_layer(_LAST).get_weights() for part in parts))
    joined.get_layer(_LAST).set_weights([np.concatenate(pair) for pair in last])
    return run, joined


def require_beside(body: Run, tower: Run) -> None:
    """Checks, before a training, that a tower can stand beside a body.

    Raises:
        UserError: as `join_tower`.
    """
    if body.network.get("tower_size"):
        raise UserError(f"{body.folder}: its network has a tower already; name a body without one")
    if tower.network.get("tower_size") != tower.network["size"]:
        raise UserError(f"{tower.folder}: its network is no tower; train it with --config pretrained_tempo")
    for field in ("block", "frontend", "offset"):
        mine, other = body.network.get(field), tower.network.get(field)
        if mine != other:
            raise UserError(f"{tower.folder}: its network has {field} {other}, that of {body.folder} has {mine}")
    if body.features != tower.features or body.norm_order != tower.norm_order:
        raise UserError(f"{tower.folder}: was trained on other records or in another order than {body.folder}")
    if twice := {*body.conditions.subspaces} & {*tower.conditions.subspaces}:
        raise UserError(f"{tower.folder}: has a sub-space '{min(twice)}', and so has {body.folder}")


def _conditions_of(body: Run, tower: Run) -> Conditions:
    both = [*body.conditions, *tower.conditions]
    of_all = {c.name: c for c in both if not c.width}
    return Conditions([*(c for c in both if c.width), *of_all.values()])
