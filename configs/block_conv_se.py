"""The paper's model with another body: convolutions with squeeze and excitation.

Source: ICASSP 2020, section 3.2, which compares it and gives no figures.

    dmml train --config block_conv_se --data data/mine --run runs/block_conv_se

`dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the block `conv_se`."""
    config = disentangled_track.get_config()
    config.network.block = "conv_se"
    return config
