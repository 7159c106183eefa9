"""The zero-shot objective: what its batches hold, and what it refuses."""

import numpy as np
import pytest
from dmml_tf.configs import zero_shot
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.pipeline import BatchPlan, window_batches
from dmml_tf.data.records import read_tracks
from dmml_tf.data.signal import LOG_MEL
from dmml_tf.training.objectives.build import build_objective
from dmml_tf.training.train import conditions_from_config
from dmml_tf.zero_shot.tower import TagTower
from tfrecords_tools.errors import UserError

PLAN = BatchPlan(tracks=12, windows=2, triplets=90, pool=20)


def embedding(size=192):
    inputs = keras.Input((129, 128))
    return keras.Model(inputs, keras.layers.Dense(size)(keras.layers.GlobalAveragePooling1D()(inputs)))


def objective(dataset, held_out, conditions=None, mask="fixed"):
    config = zero_shot.get_config()
    config.zero_shot.held_out = held_out
    config.batch.triplets, config.mask = PLAN.triplets, mask
    conditions = conditions or conditions_from_config(config, dataset)
    return build_objective(config, dataset, conditions, embedding())


def test_batches_hold_no_held_out_tag_and_no_track_that_carries_one(synthetic, tmp_path):
    made = objective(synthetic, {"genre": ["jazz"], "instrument": ["organ"]})
    conditions = made.conditions
    made.save(tmp_path)
    tower = TagTower.load(tmp_path)
    assert tower.held_out == {"genre": ("jazz",), "mood": (), "instrument": ("organ",)}
    rng, drawn = np.random.default_rng(0), {name: set() for name in conditions.names}
    for windows, _ in zip(window_batches(synthetic, "train", conditions, PLAN, rng, LOG_MEL), range(5)):
        inputs, targets, weights = made.form.make(windows, rng)
        assert inputs["windows"] is windows.sound and (targets == inputs["condition"]).all()
        # 30 a condition, but for one that no track of the batch can serve.
        assert inputs["tags"].shape == (len(targets), 2, tower.vectors.size) and weights.shape == targets.shape
        assert set(np.bincount(targets, minlength=3)) <= {0, 30} and len(targets) >= 60
        for window, number, pair in zip(inputs["window"], inputs["condition"], inputs["tags"]):
            name = conditions.names[number]
            known = tower.vectors.columns[name]
            positive, negative = (int(np.flatnonzero((known == vector).all(axis=1))[0]) for vector in pair)
            carried = {tower.tags[name][i] for i in windows.labels[name][window] if i >= 0}
            assert tower.tags[name][positive] in carried and tower.tags[name][negative] not in carried
            assert not carried & set(tower.held_out[name])
            drawn[name] |= {tower.tags[name][positive], tower.tags[name][negative]}
    assert drawn == {name: set(tags) - set(tower.held_out[name]) for name, tags in tower.tags.items()}


def test_without_masks_all_tags_share_one_space(synthetic):
    made = objective(synthetic, {}, mask="none")
    assert made.conditions.size == 0 and made.conditions.names == ("genre", "mood", "instrument")


def test_a_batch_of_held_out_tracks_alone_gives_nothing(synthetic):
    made = objective(synthetic, {"genre": ["jazz"]}, Conditions([SharedTag("genre", width=192)]))
    rng = np.random.default_rng(0)
    windows = next(window_batches(synthetic, "train", made.conditions, PLAN, rng, LOG_MEL))
    windows.labels["genre"][:] = 1
    assert made.form.make(windows, rng) is None


def test_what_it_cannot_learn_is_one_line(synthetic):
    with pytest.raises(UserError, match="held_out.colour: no condition of config.order reads that column; trained"):
        objective(synthetic, {"colour": 0.2})
    with pytest.raises(UserError, match="'zero_shot' learns tags, and condition 'tempo' has none"):
        objective(synthetic, {}, Conditions([Within("tempo", 5.0, width=192)]))
    with pytest.raises(UserError, match="held_out.genre: 'polka' is no tag"):
        objective(synthetic, {"genre": ["polka"]})
    assert next(read_tracks(synthetic, "train"))["tags/genre"].size == 1
