"""Audio tower and tag tower, so that tags never trained with can be asked for (Choi et al., ISMIR 2019), disentangled.

    dmml train --config zero_shot --data data/mine --run runs/zero_shot
    dmml zero_shot --run runs/zero_shot --evaluate
    dmml index --run runs/zero_shot && dmml zero_shot --run runs/zero_shot --tag "bossa nova" -k 10

With word vectors (GloVe, or word2vec as text) any word can be asked for: `--config.zero_shot.words=glove.6B.50d.txt`.
A step costs what disentangled_track's does; this size was never trained to the end here.
"""

import ml_collections
from dmml_tf.configs import disentangled


def get_config() -> ml_collections.ConfigDict:
    """`disentangled`'s conditions that have tags, each tag compared in its condition's sub-space."""
    config = disentangled.get_config()
    config.order = ("genre", "mood", "instrument")
    config.embedding = 192
    config.objective = {"name": "zero_shot", "margin": 0.4}
    config.zero_shot = {
        "words": "",  # text file of word vectors; without one, the tags' co-occurrence in the train split
        "size": 32,  # of the vectors from co-occurrence
        "bins": 6,  # that a value column counts as there
        # Tag column -> what training must not see: a share of its tags, drawn by the seed, or a tuple of their names
        # (a file that gives names assigns `held_out` as a whole).
        "held_out": {"genre": 0.2, "mood": 0.2, "instrument": 0.2},
    }
    return config
