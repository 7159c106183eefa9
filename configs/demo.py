"""The demo's model: the paper's, narrow enough for two cores.

    dmml train --config configs/demo.py --data data/demo --run runs/demo
"""

import ml_collections

from configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with a narrow network and a short schedule."""
    config = disentangled_track.get_config()
    # Narrow where the maps are large and time goes, wide where they are small and cost little.
    config.network.width = (8, 8, 12, 16, 24, 32, 32)
    config.batch.tracks = 48
    config.train.steps = 400
    config.train.steps_per_epoch = 25
    config.train.validation_steps = 5
    return config
