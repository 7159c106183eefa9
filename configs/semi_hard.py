"""The nearest negative beyond the positive, of all in the batch (Schroff et al., CVPR 2015), in each sub-space.

    dmml train --config semi_hard --data data/mine --run runs/semi_hard

A step costs what disentangled_track's does. Not in the paper, which draws at random.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with semi-hard negatives."""
    config = disentangled_track.get_config()
    config.objective = {"name": "mining", "miner": "semi_hard", "margin": 0.1}
    return config
