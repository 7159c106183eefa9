"""The demo's model: the paper's, narrow enough for two cores.

    dmml train --config configs/demo.py --data data/demo --run runs/demo

Costs some 4 to 6 minutes on two cores. Scored on the demo's test split, sub-spaces: genre .918, mood .910,
instrument .804, tempo .901, overall .883.
"""

import ml_collections

from configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` with a narrow network and a short schedule."""
    config = disentangled_track.get_config()
    # Narrow where the maps are large and time goes, wide where they are small and cost little.
    config.network.width = (8, 8, 16, 16, 24, 32, 32)
    # Small batches with many triplets: more steps from the same number of windows, each with less noise.
    config.batch.tracks = 24
    config.batch.triplets = 4096
    # A few hundred tracks are soon known by their tone.
    config.batch.equaliser_db = 6.0
    # Weighted by how slowly each is learnt: mood is heard at once, the tempo late.
    config.conditions.genre.weight = 1.25
    config.conditions.mood.weight = 0.5
    config.conditions.instrument.weight = 1.25
    config.conditions.tempo.weight = 1.5
    config.train.steps = 500
    config.train.steps_per_epoch = 50
    config.train.validation_steps = 4
    # A few minutes are too short to wait for plateaus: the rate falls with the steps.
    config.train.schedule = "cosine"
    config.train.warmup = 40
    config.train.learning_rate = 0.01
    return config
