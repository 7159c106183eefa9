"""The networks of a row that has one for each condition."""

import pytest
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.embed.light import has_runtime, light_network
from dmml_tf.models.embedding import build_embedding
from dmml_tf.papers import networks
from dmml_tf.papers.held_out_side import HeldOutSide
from dmml_tf.run import Run
from tests.synthetic import write_dataset

NETWORK = {"width": (4, 1, 1, 1, 2, 4, 8), "size": 8}


@pytest.mark.slow
def test_each_network_of_a_specialized_row_is_counted_whatever_lies_beside_it(tmp_path, monkeypatch):
    dataset = write_dataset(tmp_path / "data", {"train": 12, "test": 16}, shards=1, frames=300)
    conditions = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4)])
    side = HeldOutSide.read(dataset, conditions, 80, 1, 20, tagging=False)
    keras.utils.set_random_seed(0)  # a network this narrow may be dead, and is then not converted
    network = build_embedding(**NETWORK)
    run = Run(tmp_path / "run", conditions, NETWORK, dataset.features, dataset.schema, str(dataset.folder))
    run.save(network)
    assert (light_network(run) is not None) == has_runtime()
    monkeypatch.setattr(networks, "_train", lambda *_: (run, 5, 1.0))
    monkeypatch.setattr(networks, "system_config", lambda *_: None)
    systems = networks.specialized(None, None, 0, side, tmp_path)
    assert [system.parameters for system in systems] == [network.count_params()] * 2
