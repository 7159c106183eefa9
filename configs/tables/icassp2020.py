"""The tables of *Disentangled Multidimensional Metric Learning for Music Similarity* (ICASSP 2020), and more rows.

    dmml table --data data/demo --config tables/icassp2020

Options: `--config.seeds="(0, 1, 2)"`, `--config.order="('mfcc_vq', 'category', 'disentangled')"`,
`--config.steps=1000`; for the paper's own size `--config.small=False --config.steps=0`, where each system takes the
width and the steps of its own file. Human triplets: `--dim_sim raw-dim-sim.csv --clips FOLDER`.

The networks are trained one after the other: twelve trainings at the small width and four of a quarter of the steps,
where 100 steps take about 30 s on two cores. The same configuration in another table is found trained.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Tables 1 and 2: rows and columns in the paper's order, then the rows that it does not have."""
    config = ml_collections.ConfigDict()
    config.title = "Disentangled multidimensional metric learning (ICASSP 2020)"
    config.paper = "paper, MSD"
    config.seeds = (0,)
    config.small = True  # configs/small.py narrows every network alike
    config.steps = 300  # of every training alike; 0 leaves each system its own

    # What every row is scored on, whatever it was trained on.
    config.scored = "disentangled_track"  # the system whose conditions are asked for
    config.triplets = 10_000
    config.triplet_seed = 0
    config.rounds = 1_000  # of the bootstrap
    config.tagging = False  # ROC-AUC; every row then embeds the train split too

    config.order = (
        "mfcc_vq",
        "track",
        "category",
        "category_track",
        "disentangled",
        "disentangled_track",
        "specialized",
        "specialized_short",
        "learned_mask",
        "semi_hard",
        "artist",
        "mfcc_vq_mcfee",
        "lda",
        "nca",
        "mahalanobis",
        "mfcc_stats",
        "stats",
        "untrained",
        "chance",
    )
    config.rows = _rows()

    config.tables = _tables()
    config.shown = (
        ("whole.overall", "whole space, overall"),
        ("subspace.overall", "sub-spaces, overall"),
        ("whole.track", "track triplets"),
    )
    # Pairs of rows to be tested: first, second, space, triplets.
    config.pairs = (
        *(
            (deep, "mfcc_vq", "whole", "overall")
            for deep in ("track", "category", "category_track", "disentangled", "disentangled_track")
        ),
        ("disentangled", "category", "whole", "overall"),
        ("disentangled_track", "category_track", "whole", "overall"),
        ("disentangled", "specialized", "subspace", "overall"),
        ("disentangled", "specialized_short", "subspace", "overall"),
        ("disentangled_track", "disentangled", "subspace", "overall"),
        ("category_track", "category", "whole", "track"),
        ("disentangled_track", "disentangled", "whole", "track"),
        ("learned_mask", "disentangled", "subspace", "overall"),
        ("semi_hard", "disentangled_track", "subspace", "overall"),
    )
    config.notes = (
        "Each specialized network takes as many steps as any other network, so that their row as a whole has seen as "
        "many times the windows of another as it has networks; with a quarter of the steps each, the four cost what "
        "one network costs elsewhere.",
        "Rows with one network or one linear map a condition have sub-spaces only; MFCC-VQ and the statistics have "
        "one space only.",
    )
    return config


def _rows() -> dict:
    """Row by name: label, kind, system, and what the paper prints."""
    return {
        "mfcc_vq": {
            "label": "MFCC-VQ",
            "kind": "baseline",
            "config": "mfcc_vq",
            "paper": _printed((0.563, 0.481, 0.495, 0.516, 0.514), None, 0.833, 0.654),
        },
        "track": {
            "label": "track",
            "kind": "train",
            "config": "track",
            "paper": _printed((0.611, 0.595, 0.531, 0.534, 0.568), None, 0.950, 0.763),
        },
        "category": {
            "label": "category",
            "kind": "train",
            "config": "category",
            "paper": _printed((0.647, 0.633, 0.562, 0.875, 0.679), None, 0.975, 0.766),
        },
        "category_track": {
            "label": "category + track",
            "kind": "train",
            "config": "category_track",
            "paper": _printed((0.647, 0.627, 0.561, 0.891, 0.681), None, 0.980, 0.740),
        },
        "disentangled": {
            "label": "disentangled",
            "kind": "train",
            "config": "disentangled",
            "paper": _printed((0.708, 0.717, 0.657, 0.783, 0.716), (0.785, 0.790, 0.798, 0.955, 0.832), 0.985, 0.763),
        },
        "disentangled_track": {
            "label": "disentangled + track",
            "kind": "train",
            "config": "disentangled_track",
            "paper": _printed((0.693, 0.704, 0.626, 0.836, 0.715), (0.765, 0.743, 0.700, 0.953, 0.790), 0.988, 0.792),
        },
        "specialized": {
            "label": "specialized networks",
            "kind": "specialized",
            "config": "specialized",
            "paper": _printed(None, (0.708, 0.619, 0.603, 0.942, 0.718), None, None),
        },
        "specialized_short": {
            "label": "specialized networks, a quarter of the steps each",
            "kind": "specialized",
            "config": "specialized",
            "steps_share": 0.25,
        },
        "learned_mask": {"label": "disentangled, learned masks", "kind": "train", "config": "learned_mask"},
        "semi_hard": {"label": "disentangled + track, semi-hard", "kind": "train", "config": "semi_hard"},
        "artist": {"label": "artist labels", "kind": "train", "config": "artist"},
        "mfcc_vq_mcfee": {
            "label": "MFCC-VQ, top 8, square root, PCA",
            "kind": "baseline",
            "config": "mfcc_vq",
            "overrides": {"tau": 8, "variance": 0.95},
        },
        "lda": {"label": "LDA on MFCC statistics", "kind": "baseline", "config": "lda", "seeds": (0,)},
        "nca": {"label": "NCA on MFCC statistics", "kind": "baseline", "config": "nca"},
        "mahalanobis": {"label": "Mahalanobis on MFCC statistics", "kind": "baseline", "config": "mahalanobis"},
        "mfcc_stats": {"label": "MFCC statistics", "kind": "baseline", "config": "mfcc_stats", "seeds": (0,)},
        "stats": {"label": "log-mel statistics", "kind": "baseline", "config": "stats", "seeds": (0,)},
        "untrained": {"label": "untrained network", "kind": "untrained", "config": "disentangled_track"},
        "chance": {"label": "chance", "kind": "baseline", "config": "chance"},
    }


def _tables() -> tuple:
    """Title and columns (figure, head) of each; "whole.*" stands for every condition between tracks, then "overall"."""
    return (
        {"title": "Table 1, whole space", "columns": (("whole.*", ""),), "interval": "whole.overall"},
        {
            "title": "Table 1, each condition in its own sub-space",
            "columns": (("subspace.*", ""),),
            "interval": "subspace.overall",
        },
        {
            "title": "Table 2, whole space",
            "columns": (("whole.track", "track triplets"), ("human.whole", "human triplets")),
            "interval": "whole.track",
        },
    )


def _printed(whole: tuple | None, subspace: tuple | None, track: float | None, human: float | None) -> dict:
    """A row's figures in the paper: genre, mood, instrument, tempo, overall of each space; track and human triplets."""
    names = ("genre", "mood", "instrument", "tempo", "overall")
    found = {"whole": dict(zip(names, whole or ())), "subspace": dict(zip(names, subspace or ())), "human": {}}
    if track is not None:
        found["whole"]["track"] = track
    if human is not None:
        found["human"]["whole"] = human
    return found
