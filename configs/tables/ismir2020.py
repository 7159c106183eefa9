"""The comparison of *Metric Learning vs Classification for Disentangled Music Representation Learning* (ISMIR 2020).

    dmml table --data data/demo --config tables/ismir2020

Options as in `tables/icassp2020`. Eight trainings at the small width.
"""

import ml_collections
from dmml_tf.configs.tables import icassp2020


def get_config() -> ml_collections.ConfigDict:
    """Triplets, proxies and classification, each without and with disentanglement, under tag conditions only."""
    config = icassp2020.get_config()
    config.title = "Metric learning vs classification (ISMIR 2020)"
    config.scored = "sequel_triplet_track"
    config.tagging = True
    config.order = (
        "triplet",
        "triplet_disentangled",
        "triplet_track",
        "triplet_track_disentangled",
        "proxy",
        "proxy_disentangled",
        "classification",
        "classification_disentangled",
        "mfcc_vq",
        "untrained",
        "chance",
    )
    config.rows = _rows()
    recalls = tuple(f"R@{k}" for k in (1, 2, 4, 8))
    config.tables = (
        {
            "title": "Triplets, time and people",
            "interval": "subspace.overall",
            "columns": (
                ("whole.overall", "whole"),
                ("subspace.overall", "sub-space"),
                ("human.whole", "human triplets"),
                ("time_ratio", "training time"),
            ),
        },
        {
            "title": "Retrieval and tagging, whole space",
            "interval": "",
            "columns": (*((f"whole.{recall}", recall) for recall in recalls), ("whole.auc", "ROC-AUC")),
        },
        {
            "title": "Retrieval and tagging, each condition in its own sub-space",
            "interval": "",
            "columns": (*((f"subspace.{recall}", recall) for recall in recalls), ("subspace.auc", "ROC-AUC")),
        },
    )
    config.shown = (
        ("subspace.overall", "sub-space triplets"),
        ("whole.R@1", "R@1, whole space"),
        ("subspace.R@1", "R@1, sub-spaces"),
        ("whole.auc", "ROC-AUC, whole space"),
    )
    config.pairs = (
        ("proxy_disentangled", "triplet_disentangled", "subspace", "overall"),
        ("classification_disentangled", "triplet_disentangled", "subspace", "overall"),
        ("triplet_track_disentangled", "triplet_disentangled", "subspace", "overall"),
        ("triplet_disentangled", "triplet", "whole", "overall"),
        ("proxy_disentangled", "proxy", "whole", "overall"),
        ("classification_disentangled", "classification", "whole", "overall"),
    )
    config.notes = (
        "Conditions are tags alone, since proxies and classes stand for tags: the paper has era tags where its "
        "predecessor has the tempo. Data without an era, such as the demo corpus, are trained and scored on the "
        "others.",
        "R@K is the share of a query's labels found among the labels of its K nearest tracks, and ROC-AUC that of the "
        "cosine to each tag's mean track of the train split; both are means over the conditions. The paper's R@1 "
        "stands beside the disentangled rows.",
        "Training time is the seconds of the steps, which are equally many for every row, over those of the first row.",
    )
    return config


def _rows() -> dict:
    """Row by name: label, kind, system, and what the paper prints."""
    without = {"mask": "none"}
    rows: dict[str, dict] = {
        "triplet": {"label": "triplet", "kind": "train", "config": "sequel_triplet", "overrides": without},
        "triplet_disentangled": {
            "label": "triplet, disentangled",
            "kind": "train",
            "config": "sequel_triplet",
            "paper": {"subspace": {"overall": 0.792, "R@1": 0.365}},
        },
        "triplet_track": {
            "label": "triplet + track",
            "kind": "train",
            "config": "sequel_triplet_track",
            "overrides": without,
        },
        "triplet_track_disentangled": {
            "label": "triplet + track, disentangled",
            "kind": "train",
            "config": "sequel_triplet_track",
            "paper": {"subspace": {"overall": 0.752}, "human": {"whole": 0.852}},
        },
        "proxy": {"label": "proxy", "kind": "train", "config": "proxy", "overrides": without},
        "proxy_disentangled": {
            "label": "proxy, disentangled",
            "kind": "train",
            "config": "proxy",
            "paper": {"subspace": {"overall": 0.738, "R@1": 0.447}},
        },
        "classification": {
            "label": "classification",
            "kind": "train",
            "config": "classification",
            "overrides": without,
        },
        "classification_disentangled": {
            "label": "classification, disentangled",
            "kind": "train",
            "config": "classification",
            "paper": {"subspace": {"overall": 0.737, "R@1": 0.447}},
        },
        "mfcc_vq": {"label": "MFCC-VQ", "kind": "baseline", "config": "mfcc_vq"},
        "untrained": {"label": "untrained network", "kind": "untrained", "config": "sequel_triplet"},
        "chance": {"label": "chance", "kind": "baseline", "config": "chance"},
    }
    # The paper has these rows too; their figures are not at hand.
    for name in ("triplet", "triplet_track", "proxy", "classification"):
        rows[name]["in_paper"] = True
    return rows
