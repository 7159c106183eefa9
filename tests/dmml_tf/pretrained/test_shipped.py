"""The files that are shipped: whole, small, computed alike on either stack, and their card is true."""

import json

import numpy as np

from dmml_tf.cli import main
from dmml_tf.pretrained.card import CARD_FILE, with_songs
from dmml_tf.pretrained.contents import PACKAGE, Contents
from dmml_tf.pretrained.pack import MOST_BYTES, probe_window
from dmml_tf.pretrained.unpack import unpack
from dmml_tf.run import Run


def test_it_is_whole_and_small():
    contents = Contents.read(PACKAGE)
    assert sum(len(contents.file(name)) for name in contents.files) <= MOST_BYTES
    shipped = {path.name for path in PACKAGE.iterdir() if path.suffix not in (".py", "")}
    assert shipped == {*contents.files, "contents.json", CARD_FILE}
    for name in ("model.json", "config.json"):
        assert not [text for text in strings(json.loads(contents.file(name))) if text.startswith("/")]


def strings(value) -> list[str]:
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_this_stack_computes_what_the_packers_did(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = Run.load(unpack()).embedding()
    vector = np.asarray(network(probe_window(network), training=False))[0]
    probe = np.array(Contents.read(PACKAGE).probe)
    np.testing.assert_allclose(vector / np.linalg.norm(vector), probe, atol=1e-4)


def test_its_card_is_printed_and_its_songs_are_those_of_the_table(capsys):
    assert main(["card"]) == 0
    text = capsys.readouterr().out.rstrip("\n") + "\n"
    assert with_songs(text) == text
    assert "musicnn" in text and "ISC" in text and "opinion" in text
