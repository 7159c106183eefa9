"""What the network hears: the paper's log-mels, filters learned from the waveform, no filters, or more features.

    dmml-records build --manifest data/demo/corpus/manifest.csv --out data/pcm --features=log_mel,audio --loudness=-20
    dmml table --data data/pcm --config tables/inputs

The first line adds samples to the demo's records. Rows: log-mel; LEAF, whose Gabor filters begin at the mel bands and
are learned; SampleCNN, which has convolutions on samples alone and a body of its own; log-mel, chroma and tempogram as
three channels. Seven trainings at the small width for each of three seeds, for the same steps and for the same
minutes, as in `tables/blocks`, with which it shares its first row's networks when both are made of the same data.
"""

import ml_collections
from dmml_tf.configs.tables import blocks

# From the same run as `blocks.SECONDS`.
SECONDS = {
    "log_mel": blocks.SECONDS["inception"],
    "leaf": 1.314,
    "sample_cnn": 0.245,
    "multi_input": 0.418,
}
LABELS = {
    "log_mel": "log-mel",
    "leaf": "learned filters (LEAF)",
    "sample_cnn": "waveform (SampleCNN)",
    "multi_input": "log-mel, chroma, tempogram",
}


def get_config() -> ml_collections.ConfigDict:
    """The frontends, each with the paper's blocks but for SampleCNN."""
    config = blocks.same_steps_and_minutes(
        {name: "disentangled_track" if name == "log_mel" else f"frontend_{name}" for name in SECONDS}, LABELS, SECONDS
    )
    config.title = "What the network hears"
    return config
