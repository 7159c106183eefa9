"""The paper's model with another body: residual blocks.

Source: ICASSP 2020, section 3.2, which compares it and gives no figures.

    dmml train --config block_resnet --data data/mine --run runs/block_resnet

`dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the block `resnet`."""
    config = disentangled_track.get_config()
    config.network.block = "resnet"
    return config
