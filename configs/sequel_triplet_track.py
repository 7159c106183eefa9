"""The sequel's triplets with track regularisation (ISMIR 2020).

    dmml train --config sequel_triplet_track --data data/mine --run runs/sequel_triplet_track

Costs what disentangled_track does. Published (Million Song Dataset, ISMIR 2020): sub-space overall .752,
human triplets .852.
"""

import ml_collections
from dmml_tf.configs import sequel_triplet


def get_config() -> ml_collections.ConfigDict:
    """`sequel_triplet` with `disentangled_track`'s track regularisation."""
    config = sequel_triplet.get_config()
    config.order = (*config.order, "track")
    return config
