"""The example client of the docs, as it is called."""

import subprocess
import sys
from pathlib import Path

import pytest

from dmml_tf.explore.app import create_app
from dmml_tf.explore.serve import serving

CLIENT = Path(__file__).parents[3] / "docs" / "explore_client.py"


@pytest.mark.spawns
def test_it_searches_embeds_a_file_and_saves_a_path_with_the_servers_token(songs):
    with serving(create_app(songs, token="open-sesame")) as address:
        arguments = [f"{address}#token=open-sesame&a=t03", "esrever", str(songs.sound(2))]
        done = subprocess.run([sys.executable, CLIENT, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len([line for line in lines[:10] if line[:4].replace("-", "").replace(".", "").strip().isdecimal()]) == 10
    assert lines[5].startswith("1.00") and "Song 2" in lines[5]  # the file finds itself
    assert lines[10] == "#EXTM3U" and lines[12].endswith("t01.flac") and lines[12][0] != "/"
    assert len(CLIENT.read_text("utf-8").splitlines()) <= 40
