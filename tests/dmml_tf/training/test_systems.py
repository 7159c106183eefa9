"""Every way to learn, from configuration to run folder, on made data and a network of a few maps."""

import json

import numpy as np
import pytest
from dmml_tf.configs.tables import icassp2020

from dmml_tf.data.pipeline import BatchPlan, window_batches
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.split import embed_split
from dmml_tf.run import Run
from dmml_tf.search.build import index_run
from dmml_tf.training.callbacks import NAN_BATCH
from dmml_tf.training.losses import TripletHinge
from dmml_tf.training.train import conditions_from_config, train
from tests.synthetic import tiny_config, write_dataset
from tfrecords_tools.errors import UserError

# The graphs of these objectives are traced in tests/dmml_tf/training/objectives.
pytestmark = [pytest.mark.trains, pytest.mark.usefixtures("eagerly")]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """12 / 8 / 6 tracks whose records hold samples too."""
    splits = {"train": 12, "valid": 8, "test": 6}
    return write_dataset(tmp_path_factory.mktemp("small"), splits, frames=300, audio=True)


def config(**fields):
    made = tiny_config(steps=2, steps_per_epoch=2)
    made.train.validation_steps = 1
    made.batch.update({"tracks": 8, "triplets": 32, "pool": 12})
    for name, value in fields.items():
        made[name] = value
    return made


def history(run):
    return (run.folder / "history.csv").read_text(encoding="utf-8").splitlines()[0].split(",")


def test_mined_triplets(small, tmp_path):
    made = config(objective={"name": "mining", "miner": "semi_hard", "margin": 0.1})
    run = train(made, small.folder, tmp_path / "run")
    assert run.conditions.size == 256 and run.masks is None
    assert {"accuracy_genre", "val_accuracy_tempo", "active", "d_ap", "d_an"} <= set(history(run))
    assert train(made, small.folder, tmp_path / "run").conditions == run.conditions


def test_tags_without_disentanglement(small, tmp_path):
    run = train(
        config(objective={"name": "proxy"}, mask="none", order=("genre", "mood"), embedding=128),
        small.folder,
        tmp_path / "run",
    )
    assert run.conditions.names == ("genre", "mood") and run.conditions.size == 0
    assert run.embedding().output_shape[-1] == 128
    assert {"val_genre_accuracy", "mood_accuracy", "spread"} <= set(history(run)) and "active" not in history(run)


def test_tags_of_a_condition_that_has_none_are_one_line(small, tmp_path):
    with pytest.raises(UserError, match="'classification' learns tags, and condition 'tempo' has none"):
        train(config(objective={"name": "classification"}), small.folder, tmp_path / "run")


def test_learned_masks_come_back_and_are_not_searched(small, tmp_path):
    made = config(mask="learned", norm_order="norm_then_mask")
    run = train(made, small.folder, tmp_path / "run")
    masks = Run.load(run.folder).masks
    np.testing.assert_allclose(masks, run.masks, atol=1e-6)
    assert masks.shape == (5, 256) and masks.dtype == np.float32
    own = run.conditions.masks(256)
    assert (masks[4] == 1).all() and masks[:4][own[:4] > 0].mean() > 0.8 > 0.3 > masks[:4][own[:4] == 0].mean() > 0
    assert not np.isin(masks[:4], [0.1, 1.0]).any()  # each has moved from where it began
    for use in (lambda: index_run(run, small), run.require_slices):
        with pytest.raises(UserError, match="its masks were learned and overlap.*--config.mask=fixed"):
            use()


@pytest.mark.parametrize("frontend", ["log_mel_audio", "sample_cnn"])
def test_a_network_that_takes_samples(small, tmp_path, frontend):
    made = config(
        network={
            "block": "conv",
            "width": (2,) if frontend == "sample_cnn" else (2, 1, 1, 1, 1, 1, 2),
            "frontend": frontend,
        }
    )
    run = train(made, small.folder, tmp_path / "run")
    network = run.embedding()
    assert network.input_shape == (None, 66_150)
    found = embed_split(Embedder(network, small.features), small, "test", track_progress=False)
    assert found.vectors.shape == (6, 256) and np.ptp(found.vectors, axis=0).max() > 0
    assert found.windows.shape == (12, 256)  # two of each 300 frames, as a network of log-mel has


def test_records_without_samples_are_one_line(synthetic, tmp_path):
    made = config(network={"block": "conv", "width": (2, 1, 1, 1, 1, 1, 2), "frontend": "log_mel_audio"})
    with pytest.raises(UserError, match="the records hold none; build them with --features=log_mel,audio") as caught:
        train(made, synthetic.folder, tmp_path / "run")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "field, value, said",
    [
        (
            "objective",
            {"name": "guess"},
            "unknown config.objective.name 'guess'; known are: triplets, mining, proxy, classification",
        ),
        ("objective", {"name": "mining", "margin": 0.1}, "config.objective: missing a required .*'miner'"),
        ("mask", "soft", "unknown config.mask 'soft'; known are: fixed, learned, none"),
        ("norm_order", "both", "unknown config.norm_order 'both'; known are: mask_then_norm, norm_then_mask"),
        ("network", {"block": "dense", "width": 2, "frontend": "log_mel"}, "unknown block 'dense'; known are: .*conv"),
        (
            "network",
            {"block": "conv", "width": 2, "frontend": "wavelet"},
            "unknown frontend 'wavelet'; known are: log_mel",
        ),
    ],
)
def test_an_unknown_name_lists_the_known_ones(small, tmp_path, field, value, said):
    with pytest.raises(UserError, match=said):
        train(config(**{field: value}), small.folder, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "fields, said",
    [
        (
            {"objective": {"name": "proxy"}, "mask": "learned"},
            "config.mask 'learned' is learned from triplets, objective 'proxy' has",
        ),
        (
            {"objective": {"name": "mining", "miner": "hard"}, "batch": {"explicit": True}},
            "config.batch.explicit is a form of objective 'triplets'",
        ),
        (
            {"objective": {"name": "proxy"}},
            "config.objective: got an unexpected keyword argument 'margin'; known fields: none",
        ),
        ({"zero_shot": {"words": ""}}, "config.zero_shot is read by objective 'zero_shot', not by 'triplets'"),
        ({"objective": {"name": "classification"}, "norm_order": "both"}, "unknown config.norm_order 'both'"),
    ],
)
def test_what_cannot_go_together_is_said_before_training(small, tmp_path, fields, said):
    made = config()
    made.order, made.embedding = ("genre", "mood"), 128
    made.update(fields)
    with pytest.raises(UserError, match=said):
        train(made, small.folder, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_tables_configuration_is_no_system(small, tmp_path):
    with pytest.raises(UserError, match="is no system: it has no conditions; systems are configs/"):
        train(icassp2020.get_config(), small.folder, tmp_path / "run")


class Broken(TripletHinge):
    """No loss of real data is known to do this any more; a batch that did must be named."""

    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred) * float("nan")


def test_a_loss_that_is_not_a_number_names_the_batch(small, tmp_path, monkeypatch):
    monkeypatch.setattr("dmml_tf.training.objectives.triplets.TripletHinge", Broken)
    made = config()
    made.train.steps = made.train.steps_per_epoch = 4
    with pytest.raises(UserError, match="the loss is nan; the batch's [0-9]+ tracks are listed in") as caught:
        train(made, small.folder, tmp_path / "run")
    written = json.loads((tmp_path / "run" / NAN_BATCH).read_text(encoding="utf-8"))
    assert (written["epoch"], written["step"]) == (1, 1) and "\n" not in str(caught.value)
    # The same seed draws the same first batch again.
    plan = BatchPlan(**made.batch)
    rng = np.random.default_rng([made.seed, 0])
    first = next(window_batches(small, "train", conditions_from_config(made, small), plan, rng))
    assert written["tracks"] == sorted(set(first.track_ids))
    assert not (tmp_path / "run" / "model.json").exists()
