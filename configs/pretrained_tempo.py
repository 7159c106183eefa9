"""The tempo of the model that comes with the package: rendered songs, tracker modules, and any song at two speeds.

    dmml train --config pretrained_tempo --data data/mixed --run runs/tempo

A network of its own, since it needs half the rate of the others' and would be heard in their sub-spaces; `dmml heads
--body runs/body --tower runs/tempo` puts it beside them. See docs/pretrained.md.
"""

import ml_collections
from dmml_tf.configs import pretrained
from dmml_tf.configs.small import WIDTH


def get_config() -> ml_collections.ConfigDict:
    """A tower alone, of 64 numbers."""
    config = pretrained.get_config()
    config.order = ("tempo",)
    config.embedding = 64
    config.network.tower_size = 64
    config.network.tower_width = WIDTH
    config.conditions.tempo.octave = True  # the tracker modules' tempos are right up to a factor of two
    with config.unlocked():
        config.objective = {"name": "taught", "margin": 0.1, "labels": {"tempo": 1.0}}
    config.batch.tracks = 16
    config.batch.windows = 3  # two at one speed, one at another
    config.batch.variation = {"speed": 0.3, "pitch": 4.0, "blanked": 0.1}
    config.train.steps = 10_000
    config.train.steps_per_epoch = 500
    config.train.schedule = {"name": "cosine", "warmup": 100}
    config.train.learning_rate = 0.01
    return config
