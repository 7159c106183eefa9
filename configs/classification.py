"""Normalised classification of the tags in place of triplets, disentangled (ISMIR 2020).

    dmml train --config classification --data data/mine --run runs/classification

A step costs what disentangled_track's does. Published (Million Song Dataset, ISMIR 2020): sub-space overall
.737, R@1 44.7.
"""

import ml_collections
from dmml_tf.configs import sequel_triplet


def get_config() -> ml_collections.ConfigDict:
    """`sequel_triplet`'s conditions, learned by classifying their tags."""
    config = sequel_triplet.get_config()
    config.objective = {"name": "classification"}
    return config
