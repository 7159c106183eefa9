"""Most of the model that comes with the package: real songs with a teacher's labels, rendered ones with true labels.

    dmml train --config pretrained --data data/mixed --run runs/body

Its tempo is trained apart, see pretrained_tempo.py; `dmml heads` puts both together.

See docs/pretrained.md for the data and for what was tried.
"""

import ml_collections
from dmml_tf.configs import disentangled_track
from dmml_tf.configs.small import WIDTH


def get_config() -> ml_collections.ConfigDict:
    """`disentangled_track` without the tempo, with a narrow body, a teacher, and windows that are varied."""
    config = disentangled_track.get_config()
    config.network.width = WIDTH
    config.network.offset = False
    config.order = ("genre", "mood", "instrument", "track")
    config.embedding = 192
    for name in ("genre", "mood", "instrument"):
        config.conditions[name].among = "source"  # a rendered song's tags are complete, a real one's are not
    config.conditions.track.share = 1.0
    config.objective = {
        "name": "taught",
        "margin": 0.1,
        "file": "data/debian_music/teacher.npz",
        "weights": {"genre": 0.3, "mood": 0.3, "instrument": 0.3, "whole": 0.2},
        "labels": {"genre": 0.05, "mood": 0.05, "instrument": 0.05},
    }
    config.batch.tracks = 24
    config.batch.triplets = 4096
    config.batch.pool = 2_000
    config.batch.max_frames = 60_000  # whole songs
    config.batch.equaliser_db = 6.0
    config.batch.variation = {"speed": 0.25, "pitch": 4.0, "mixed": 0.4, "mixed_within": "source", "blanked": 0.1}
    config.train.steps = 12_000
    config.train.steps_per_epoch = 1_000
    config.train.validation_steps = 20
    config.train.schedule = {"name": "cosine", "warmup": 200}
    config.train.learning_rate = 0.02
    return config
