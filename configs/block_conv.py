"""The paper's model with another body: convolution, batch normalisation, max-pool.

Source: ICASSP 2020, section 3.2, which compares it and gives no figures.

    dmml train --config block_conv --data data/mine --run runs/block_conv

`dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the block `conv`."""
    config = disentangled_track.get_config()
    config.network.block = "conv"
    return config
