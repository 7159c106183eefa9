"""Four disjoint sub-spaces without the track regularisation (ICASSP 2020).

    dmml train --config disentangled --data data/mine --run runs/disentangled

Costs what disentangled_track does. Published (Million Song Dataset, ICASSP 2020, table 1):
sub-spaces .785 .790 .798 .955, overall .832; whole space .716.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` without its `track` condition."""
    config = disentangled_track.get_config()
    config.order = ("genre", "mood", "instrument", "tempo")
    return config
