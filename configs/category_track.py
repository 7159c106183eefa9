"""Every condition and the track regularisation, without masks (ICASSP 2020, "category + track reg.").

    dmml train --config category_track --data data/mine --run runs/category_track

Costs what disentangled_track does. Published (Million Song Dataset, ICASSP 2020, table 1):
whole space .647 .627 .561 .891, overall .681.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` without masks."""
    config = disentangled_track.get_config()
    config.mask = "none"
    return config
