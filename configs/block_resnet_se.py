"""The paper's model with another body: residual blocks with squeeze and excitation.

Source: ICASSP 2020, section 3.2, which compares it and gives no figures.

    dmml train --config block_resnet_se --data data/mine --run runs/block_resnet_se

`dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the block `resnet_se`."""
    config = disentangled_track.get_config()
    config.network.block = "resnet_se"
    return config
