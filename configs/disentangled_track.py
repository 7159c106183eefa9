"""The paper's model: four disjoint sub-spaces and track regularisation (ICASSP 2020).

    dmml train --config disentangled_track --data data/mine --run runs/mine

Any field can be changed on the command line: `--config.train.steps=1000`.

Costs 4.5 CPU seconds a step of 96 windows (measured on three steps; never trained to the end here).

What the paper leaves open and is chosen here: batch make-up, number of steps, branch widths
(4 x 64 maps), batch normalisation after each convolution.
Published (Million Song Dataset, its table 1): sub-spaces .765 .743 .700 .953, overall .790.
"""

import ml_collections
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    """The full-size configuration; other files change single fields of it."""
    config = ml_collections.ConfigDict()
    config.seed = 0
    config.segments = True  # windows have labels of parts of songs where data hold such; False: their songs' own

    # What the slices stand for, in their order in the embedding.
    config.order = ("genre", "mood", "instrument", "tempo", "track")
    config.conditions = {
        "genre": {"kind": "shared_tag", "width": 64, "weight": 1.0},
        "mood": {"kind": "shared_tag", "width": 64, "weight": 1.0},
        "instrument": {"kind": "shared_tag", "width": 64, "weight": 1.0},
        # Half and double tempo, which madmom mistakes for one another, count as one with "octave": True. No field here,
        # so that earlier runs keep their configuration: set config.conditions.tempo.octave in one of your own,
        # after which --config.conditions.tempo.octave=True and False work on it.
        "tempo": {"kind": "within", "tolerance": 5.0, "width": 64, "weight": 1.0},
        # One track triplet for each condition triplet, at half its weight.
        "track": {"kind": "same_track", "width": 0, "weight": 0.5, "share": 4.0},
    }
    config.embedding = 256  # what the widths add up to, unless all are 0
    config.mask = "fixed"  # learned, none
    # Each objective and each schedule below has fields of its own: a file that takes another assigns the whole group.
    config.objective = {"name": "triplets", "margin": 0.1}  # mining, proxy, classification, zero_shot
    config.norm_order = "mask_then_norm"
    config.network = {"block": "inception", "width": (64,) * 7, "frontend": "log_mel"}  # stem and six blocks

    config.batch = {
        "tracks": 48,
        "windows": 2,
        "triplets": 768,
        "pool": 512,
        "max_frames": 1292,
        "equaliser_db": 0.0,
        "gain_db": 0.0,
        "explicit": False,
    }
    config.train = {
        "steps": 200_000,
        "steps_per_epoch": 2_000,
        "validation_steps": 200,
        "optimizer": "Adam",
        "lookahead": False,
        "learning_rate": 0.01,
        "schedule": {"name": "plateau", "patience": 4, "divide_by": 5.0, "drops": 5},  # cosine
        # A number, "all" of this machine, or "workers", the processes that TF_CONFIG names; they share the batch above.
        "devices": config_dict.FieldReference(1, field_type=object),
        "precision": "float32",  # mixed_bfloat16, mixed_float16
    }
    return config
