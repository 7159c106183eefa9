"""Masks that are learned too: conditional similarity networks (Veit et al., CVPR 2017).

    dmml train --config learned_mask --data data/mine --run runs/learned_mask

Costs what disentangled_track does. The paper tried them and found no significant gain, without figures.
"""

import ml_collections
from dmml_tf.configs import disentangled


def get_config() -> ml_collections.ConfigDict:
    """`disentangled` with learned masks, in the order and with the margin of their paper."""
    config = disentangled.get_config()
    config.mask = "learned"
    # A mask's size only counts where nothing scales the vector after it.
    config.norm_order = "norm_then_mask"
    config.objective.margin = 0.2
    return config
