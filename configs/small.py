"""Any system made narrow and short enough for two cores: what `configs/demo.py` and the tables do to it."""

import ml_collections

# Narrow where the maps are large and time goes, wide where they are small and cost little.
WIDTH = (8, 8, 16, 16, 24, 32, 32)
SAMPLE_CNN_WIDTH = (8,)
# Weighted by how slowly each is learnt: mood is heard at once, the tempo late.
WEIGHTS = {"genre": 1.25, "mood": 0.5, "instrument": 1.25, "tempo": 1.5}


def make_small(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """The same system with a narrow network, small batches and a short schedule."""
    config.network.width = SAMPLE_CNN_WIDTH if config.network.frontend == "sample_cnn" else WIDTH
    # Small batches with many triplets: more steps from the same number of windows, each with less noise.
    config.batch.tracks = 24
    config.batch.triplets = 4096
    # A few hundred tracks are soon known by their tone.
    config.batch.equaliser_db = 6.0
    for name, weight in WEIGHTS.items():
        if len(config.order) > 1:
            config.conditions[name].weight = weight
    config.train.steps = 500
    config.train.steps_per_epoch = 50
    config.train.validation_steps = 4
    # A few minutes are too short to wait for plateaus: the rate falls with the steps.
    config.train.schedule = {"name": "cosine", "warmup": 40}
    config.train.learning_rate = 0.01
    return config
