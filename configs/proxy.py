"""A learned proxy for each tag in place of triplets, disentangled (ISMIR 2020).

    dmml train --config proxy --data data/mine --run runs/proxy

A step costs what disentangled_track's does. Published (Million Song Dataset, ISMIR 2020): sub-space overall
.738, R@1 44.7.
"""

import ml_collections
from dmml_tf.configs import sequel_triplet


def get_config() -> ml_collections.ConfigDict:
    """`sequel_triplet`'s conditions, learned through their tags."""
    config = sequel_triplet.get_config()
    config.objective = {"name": "proxy"}
    return config
