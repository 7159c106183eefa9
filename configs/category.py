"""The same triplets without masks: every condition is learned in the whole space (ICASSP 2020, "category").

    dmml train --config category --data data/mine --run runs/category

Costs what disentangled_track does. Published (Million Song Dataset, ICASSP 2020, table 1):
whole space .647 .633 .562 .875, overall .679.
"""

import ml_collections
from dmml_tf.configs import disentangled


def get_config() -> ml_collections.ConfigDict:
    """`disentangled` without masks."""
    config = disentangled.get_config()
    config.mask = "none"
    return config
