"""Simulated listeners through questions, sessions, file and evaluation: what is measured is what was put in."""

import pytest

from dmml_tf.benchmarks.listeners import PANEL, Listener, simulate, simulation_text
from dmml_tf.judge.asking import Options
from tests.dmml_tf.judge.conftest import dataset, trained  # noqa: F401 (fixtures)
from tfrecords_tools.errors import UserError


@pytest.mark.slow
def test_what_was_put_in_is_measured(trained, dataset, monkeypatch):
    monkeypatch.setattr("dmml_tf.benchmarks.listeners._POPULATION", 100)
    content = simulate(trained, dataset, "genre", Options(triplets=60, disagreeing=0.5, repeats=1.0))
    assert content["put_in"].keys() == PANEL.keys() == content["measured"]["listeners"].keys()
    outside = []
    for code, put_in in content["put_in"].items():
        figures, listener = content["measured"]["listeners"][code], Listener(**put_in)
        for name, truth in (("towards_a", listener.towards_a), ("repeats", listener.repeats_alike)):
            if not figures[name]["low"] - 1e-9 <= truth <= figures[name]["high"] + 1e-9:
                outside.append((code, name))
    assert len(outside) <= 1, outside  # of ten intervals of 95 %
    scores = content["measured"]["agreement"][trained.name]["all"]
    for space, share in content["agreement_put_in"].items():
        assert scores[space]["0.5"]["low"] <= share <= scores[space]["0.5"]["high"], space
    assert content["agreement_put_in"]["genre"] == 1.0 and scores["genre"]["0.9"]["value"] == 1.0
    text = simulation_text(content)
    assert "| leaning |" in " ".join(text.split()) and "measured, disagreeing" in text and "alpha, all: " in text


def test_a_taste_that_the_run_lacks_is_one_line(trained, dataset):
    with pytest.raises(UserError, match="no sub-space 'mood'; this run has: whole, genre, tempo"):
        simulate(trained, dataset, "mood", Options())
