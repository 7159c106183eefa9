"""Artist labels in place of tags: two tracks are similar when they are by one artist (Park et al., ISMIR 2018).

    dmml train --config configs/artist.py --data data/mine --run runs/artist

Costs what configs/disentangled_track.py does. Splits are by artist, so that none of the test's was seen in training.
"""

import ml_collections

from configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """One condition, `shared_tag` on the artist, on the whole embedding."""
    config = disentangled_track.get_config()
    config.conditions.artist = {"kind": "shared_tag", "width": config.embedding, "weight": 1.0}
    config.order = ("artist",)
    return config
