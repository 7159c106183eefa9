"""The farthest positive and the nearest negative of the batch (Hermans et al., 2017), in each sub-space.

    dmml train --config hard --data data/mine --run runs/hard

A step costs what disentangled_track's does. Not in the paper, which draws at random.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with hard negatives."""
    config = disentangled_track.get_config()
    config.objective = {"name": "mining", "miner": "hard", "margin": 0.1}
    return config
