"""One network for one condition (ICASSP 2020, "specialized"); the paper's row is four of them.

    dmml train --config specialized:mood --data data/mine --run runs/specialized_mood

Costs what disentangled_track does, for each condition.
Published (Million Song Dataset, ICASSP 2020, table 1): .708 .619 .603 .942, overall .718.
"""

import ml_collections
from dmml_tf.configs import disentangled_track

from tfrecords_tools.errors import UserError


def get_config(condition: str = "genre") -> ml_collections.ConfigDict:
    """A single condition on the whole embedding; `condition` is one of `disentangled_track`'s."""
    config = disentangled_track.get_config()
    if condition not in config.conditions:
        raise UserError(f"specialized:{condition}: no such condition; known are: {', '.join(config.order)}")
    config.order = (condition,)
    config.conditions[condition].update({"width": config.embedding, "weight": 1.0, "share": 1.0})
    return config
