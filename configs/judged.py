"""People's votes in place of tags: "this song is closer to that one than the other is" (Lu et al., ISMIR 2017).

    dmml train --config judged --config.judgements=votes.csv --data data/mine --run runs/judged

The file is that of dmml judge or of dim-sim (CSV or JSON; of a triplet at least 0.9 of the votes must agree), or
MagnaTagATune's comparisons_final.csv; its ids are the dataset's track ids. A judgement trains when its three tracks are
all in the train split; where valid has none, a tenth of train's is held back.
A batch has up to three eighths more windows than that of disentangled_track.
"""

import ml_collections
from dmml_tf.configs import disentangled_track


def get_config() -> ml_collections.ConfigDict:
    """One condition, `judged`, on the whole embedding, beside track regularisation: votes are few."""
    config = disentangled_track.get_config()
    config.judgements = ""  # the file
    file = config.get_ref("judgements")
    config.conditions.votes = {"kind": "judged", "width": config.embedding, "weight": 1.0, "file": file}
    config.conditions.track.share = 1.0
    config.order = ("votes", "track")
    return config
