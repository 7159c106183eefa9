"""The paper's model on samples: the log-mel computed in the graph.

    dmml-records build --manifest songs.csv --out data/pcm --features=log_mel,audio
    dmml train --config frontend_log_mel_audio --data data/pcm --run runs/frontend_log_mel_audio

Needs records that hold samples (the first line). `dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the frontend `log_mel_audio`."""
    config = disentangled_track.get_config()
    config.network.frontend = "log_mel_audio"
    return config
