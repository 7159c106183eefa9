"""The paper's model on samples: log-mel, chroma and tempogram side by side (Ribecky et al., 2021).

    dmml-records build --manifest songs.csv --out data/pcm --features=log_mel,audio
    dmml train --config frontend_multi_input --data data/pcm --run runs/frontend_multi_input

Needs records that hold samples (the first line). `dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the frontend `multi_input`."""
    config = disentangled_track.get_config()
    config.network.frontend = "multi_input"
    return config
