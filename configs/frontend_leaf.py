"""The paper's model on samples: learned Gabor filters, pool and normalisation (LEAF, ICLR 2021).

    dmml-records build --manifest songs.csv --out data/pcm --features=log_mel,audio
    dmml train --config frontend_leaf --data data/pcm --run runs/frontend_leaf

Needs records that hold samples (the first line). `dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the frontend `leaf`."""
    config = disentangled_track.get_config()
    config.network.frontend = "leaf"
    return config
