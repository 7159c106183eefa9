"""The sequel's triplets: four tag conditions, era in place of tempo (ISMIR 2020).

    dmml train --config sequel_triplet --data data/mine --run runs/sequel_triplet

Costs what disentangled_track does. Published (Million Song Dataset, ISMIR 2020): sub-space overall .792,
R@1 36.5. Data without an era are trained on the other three.
"""

import ml_collections
from dmml_tf.configs import disentangled


def get_config() -> ml_collections.ConfigDict:
    """`disentangled` with era in place of tempo."""
    config = disentangled.get_config()
    config.conditions.era = {"kind": "shared_tag", "width": 64, "weight": 1.0}
    config.order = ("genre", "mood", "instrument", "era")
    return config
