"""Artist labels in place of tags: two tracks are similar when they are by one artist (Park et al., ISMIR 2018).

    dmml train --config artist --data data/mine --run runs/artist

Costs what disentangled_track does, and up to 1.4 GB for the pool: among 200,000 tracks, ten an artist, one
of 512 tracks gives a batch 13 anchors, the same ones again and again; one of 4,096 gives 26. Splits are by artist, so
that none of the test's was seen in training.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """One condition, `shared_tag` on the artist, on the whole embedding."""
    config = disentangled_track.get_config()
    config.conditions.artist = {"kind": "shared_tag", "width": config.embedding, "weight": 1.0}
    config.order = ("artist",)
    config.batch.pool = 4096
    return config
