"""Track triplets alone: excerpts of one song are similar, all else is not (ICASSP 2020, "track").

    dmml train --config track --data data/mine --run runs/track

Costs what disentangled_track does. Published (Million Song Dataset, ICASSP 2020, table 1):
whole space .611 .595 .531 .534, overall .568.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """One condition, `same_track`, on the whole embedding."""
    config = disentangled_track.get_config()
    config.order = ("track",)
    config.conditions.track.update({"weight": 1.0, "share": 1.0})
    return config
