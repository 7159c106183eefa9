"""`dmml models` prints one line a combination, with figures that the networks have."""

import pytest

from dmml_tf.cli import main
from dmml_tf.commands.models import combinations
from dmml_tf.models import musicnn
from dmml_tf.models.count import multiply_adds
from dmml_tf.models.embedding import build_embedding


@pytest.mark.slow
def test_one_line_a_combination(capsys, monkeypatch):
    few = [("log_mel", "conv"), ("leaf", "resnet_se"), ("sample_cnn", "")]
    monkeypatch.setattr("dmml_tf.commands.models.combinations", lambda: few)
    assert main(["models", "--width=1"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["frontend", "block", "parameters", "multiply-adds"] and "width 1" in head
    assert [line.split()[:2] for line in lines] == [["log_mel", "conv"], ["leaf", "resnet_se"], ["sample_cnn", "-"]]
    model = build_embedding("conv", 1)
    assert lines[0].split()[2:] == [f"{model.count_params():,}", f"{multiply_adds(model):,}"]


def test_every_frontend_with_every_block_and_sample_cnn_once():
    found = [(frontend, block) for frontend, block in combinations() if frontend != "musicnn"]
    assert len(found) == len(set(found)) == 4 * 5 + 1
    assert {frontend for frontend, _ in found} == {"log_mel", "log_mel_audio", "leaf", "multi_input", "sample_cnn"}
    assert (("musicnn", "") in combinations()) == musicnn.installed()
    assert {block for _, block in found} == {"inception", "conv", "conv_se", "resnet", "resnet_se", ""}


def test_a_width_below_one_is_refused(capsys):
    assert main(["models", "--width=0"]) == 2
    assert "width" in capsys.readouterr().err
