"""The paper's model on samples: no filters: strided convolutions on the waveform (SampleCNN, SMC 2017).

    dmml-records build --manifest songs.csv --out data/pcm --features=log_mel,audio
    dmml train --config frontend_sample_cnn --data data/pcm --run runs/frontend_sample_cnn

Needs records that hold samples (the first line). `dmml models` prints what a window costs in it.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with the frontend `sample_cnn`."""
    config = disentangled_track.get_config()
    config.network.frontend = "sample_cnn"
    # It has a body of its own and takes one width.
    config.network.width = (64,)
    return config
