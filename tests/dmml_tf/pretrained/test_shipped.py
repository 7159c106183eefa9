"""The files that are shipped: whole, small, computed alike on either stack, and their card is true."""

import json

import numpy as np
import pytest

from dmml_tf.cli import main
from dmml_tf.models import musicnn
from dmml_tf.pretrained.card import CARD_FILE, with_songs
from dmml_tf.pretrained.contents import MODELS, Contents, stored_name
from dmml_tf.pretrained.pack import MOST_BYTES, probe_window
from dmml_tf.pretrained.unpack import unpack
from dmml_tf.run import Run

SHIPPED = [name for name, folder in MODELS.items() if folder.exists()]


def test_they_are_whole_and_together_small():
    total = 0
    for name in SHIPPED:
        contents = Contents.read(MODELS[name])
        total += sum(len(contents.file(name)) for name in contents.files)
        shipped = {path.name for path in MODELS[name].iterdir() if path.is_file() and path.suffix != ".py"}
        stored = {stored_name(name, digest) for name, digest in contents.files.items()}
        assert shipped == {*stored, "contents.json", CARD_FILE}
        for name in ("model.json", "config.json"):
            assert not [text for text in strings(json.loads(contents.file(name))) if text.startswith("/")]
    assert total <= MOST_BYTES


def strings(value) -> list[str]:
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_this_stack_computes_what_the_packers_did(tmp_path, monkeypatch, name):
    if "musicnn" in name and not musicnn.installed():
        pytest.skip("the package musicnn is not installed")
    monkeypatch.chdir(tmp_path)
    network = Run.load(unpack(name)).embedding()
    vector = np.asarray(network(probe_window(network), training=False))[0]
    probe = np.array(Contents.read(MODELS[name]).probe)
    np.testing.assert_allclose(vector / np.linalg.norm(vector), probe, atol=1e-4)


@pytest.mark.parametrize("name", SHIPPED)
def test_their_cards_are_printed_and_the_songs_are_those_of_the_table(capsys, name):
    assert main(["card", f"--run={name}"]) == 0
    text = capsys.readouterr().out.rstrip("\n") + "\n"
    assert with_songs(text) == text
    assert "musicnn" in text and "ISC" in text and "opinion" in text
