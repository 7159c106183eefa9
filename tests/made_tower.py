"""A tag tower of random weights for the tests of search and evaluation by tags."""

import numpy as np

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.spaces import unit
from dmml_tf.zero_shot.tower import TagTower
from dmml_tf.zero_shot.vectors import TagVectors

CONDITIONS = Conditions([SharedTag("genre", width=6), SharedTag("mood", width=4)])
TAGS = {"genre": ("folk", "hip hop", "jazz", "Rock"), "mood": ("calm", "happy", "rock")}
TAG_SIZE = 5


def made_tower(seed=0, source=None, lacking=()):
    """Vectors of both columns at random; `lacking` names (column, tag) without one. `jazz` and `happy` are unseen."""
    rng = np.random.default_rng(seed)
    columns = {name: unit(rng.normal(size=(len(tags), TAG_SIZE))).astype(np.float32) for name, tags in TAGS.items()}
    for name, tag in lacking:
        columns[name][TAGS[name].index(tag)] = np.nan
    return TagTower(
        rng.normal(size=(TAG_SIZE, 10)).astype(np.float32),
        rng.normal(size=10).astype(np.float32),
        TAGS,
        TagVectors(columns, source or {"kind": "cooccurrence"}),
        {"genre": ("jazz",), "mood": ("happy",)},
    )
