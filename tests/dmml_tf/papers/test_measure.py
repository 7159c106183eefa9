"""A row's figures against brute force, on systems whose vectors are given."""

import dataclasses

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.embed.split import Embedded
from dmml_tf.evaluation.retrieval import retrieval
from dmml_tf.evaluation.views import Views
from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.papers.measure import measure
from dmml_tf.papers.system import System
from tests.dmml_tf.papers.made import near
from tests.synthetic import write_dataset

CONDITIONS = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4)])
WHOLE = {"genre": None, "mood": None, "track": None}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("measure"), {"train": 12, "test": 16}, shards=1, frames=300)


@pytest.fixture(scope="module")
def side(dataset):
    return HeldOutSide.read(dataset, CONDITIONS, 80, 1, 20, tagging=False)


def embedded(side, vectors):
    """The split under a system that gives each track its vector, and each window its track's with some noise."""
    windows = vectors[side.held_out.window_track]
    windows = windows + near(9, windows.shape) / 10
    names = [f"t{n}" for n in range(len(vectors))]
    return Embedded(names, names, names, side.labels, vectors, windows, side.held_out.window_track, windows[:, 0])


def system(side, seed=0, **fields):
    found = embedded(side, near(seed))
    masks, normalise = fields.pop("views", {"whole": WHOLE}), fields.pop("normalise", True)
    return System(lambda split: found, Views(masks, normalise=normalise), **fields)


def accuracy(vectors, triplets):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.mean([np.linalg.norm(unit[a] - unit[p]) < np.linalg.norm(unit[a] - unit[n]) for a, p, n in triplets])


def test_the_side_is_the_split_as_it_would_be_embedded(side):
    assert side.held_out.tracks == 16 and side.held_out.window_track.tolist() == np.repeat(range(16), 2).tolist()
    assert side.conditions.names == ("genre", "mood", "track") and side.compared == ["genre", "mood"]
    assert side.tagged == ["genre", "mood"] and len(side.data_sha256) == 64
    assert {name: drawn.shape for name, drawn in side.held_out.triplets.items()} == dict.fromkeys(
        side.conditions.names, (80, 3)
    )


def test_whole_and_subspace_figures_equal_brute_force(side):
    learned = np.abs(near(4, (8,)))
    one = system(side, views={"whole": WHOLE, "subspace": {"mood": learned}}, parameters=7, steps=5, seconds=2.5)
    found = measure([one], side)
    drawn, vectors = side.held_out.triplets, near()
    assert found.figures["whole.genre"]["value"] == accuracy(vectors, drawn["genre"])
    assert found.figures["subspace.mood"]["value"] == accuracy(vectors * learned, drawn["mood"])
    assert found.figures["whole.track"]["value"] == accuracy(one.embed("test").windows, drawn["track"]) > 0.9
    assert found.figures["whole.overall"]["value"] == pytest.approx(
        (found.figures["whole.genre"]["value"] + found.figures["whole.mood"]["value"]) / 2
    )
    assert found.right["subspace"]["mood"].mean() == found.figures["subspace.mood"]["value"]
    assert found.figures["whole.genre"]["low"] <= found.figures["whole.genre"]["value"]
    assert (found.parameters, found.steps, found.seconds) == (7, 5, 2.5) and "human.whole" not in found.figures


def test_a_row_that_lacks_a_condition_has_no_overall(side):
    found = measure([system(side, views={"whole": WHOLE, "subspace": {"mood": np.ones(8)}})], side).figures
    assert "subspace.mood" in found and "subspace.genre" not in found
    assert "subspace.overall" not in found and "subspace.R@1" not in found and "whole.R@8" in found


def test_specialized_systems_fill_one_row(side):
    parts = [
        system(side, seed, views={"subspace": {name: None}}, normalise=False, parameters=10, steps=3, seconds=1.0)
        for seed, name in enumerate(("genre", "mood"))
    ]
    found = measure(parts, side)
    for seed, name in enumerate(("genre", "mood")):
        vectors, drawn = near(seed), side.held_out.triplets[name]
        expected = np.mean(
            [np.linalg.norm(vectors[a] - vectors[p]) < np.linalg.norm(vectors[a] - vectors[n]) for a, p, n in drawn]
        )
        assert found.figures[f"subspace.{name}"]["value"] == expected
    assert not [key for key in found.figures if key.startswith("whole")]
    assert "subspace.overall" in found.figures and "subspace.track" not in found.figures
    assert (found.parameters, found.steps, found.seconds) == (20, 6, 2.0)


def test_recall_is_the_mean_over_the_conditions(side):
    found = measure([system(side, normalise=False)], side)
    each = [retrieval(near(), side.labels, condition) for condition in CONDITIONS]
    for k in (1, 2, 4, 8):
        assert found.figures[f"whole.R@{k}"]["value"] == pytest.approx(np.mean([one.recall[k] for one in each]))
    assert found.details["retrieval"]["whole"]["mood"] == dataclasses.asdict(each[1])
    assert "whole.auc" not in found.figures


def test_tagging_where_it_is_asked_for(dataset, side):
    asked = dataclasses.replace(side, tagging=True)
    tags = np.eye(3, 8, dtype=np.float32)[side.labels["genre"][:, 0]]
    knows_genre = embedded(side, tags + near() / 50)
    found = measure([System(lambda split: knows_genre, Views({"whole": WHOLE, "subspace": {"genre": None}}))], asked)
    assert found.details["tagging"]["whole"]["genre"]["macro"] == 1.0
    assert found.figures["whole.auc"]["value"] == pytest.approx(
        (1.0 + found.details["tagging"]["whole"]["mood"]["macro"]) / 2
    )
    assert "subspace.auc" not in found.figures


def test_the_cross_table_is_of_the_subspaces_a_row_has(side):
    masks = {name: CONDITIONS.masks(8)[number] for number, name in enumerate(("genre", "mood"))}
    found = measure([system(side, views={"whole": WHOLE, "subspace": masks})], side)
    assert found.details["cross_table"]["genre"]["mood"] == accuracy(
        near() * masks["genre"], side.held_out.triplets["mood"]
    )
    assert set(found.details["disentanglement"]) == {"own", "leak", "value"}
    assert "cross_table" not in measure([system(side)], side).details
