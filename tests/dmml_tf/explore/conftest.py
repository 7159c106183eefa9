"""A run with an untrained network, an index of made vectors, and a few songs with audio and hostile names."""

import csv

import numpy as np
import pytest
import soundfile
from tensorflow import keras

from dmml_tf.conditions import Conditions, SameTrack, SharedTag, Within
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.explore.app import create_app
from dmml_tf.explore.serve import serving
from dmml_tf.explore.songs import Songs
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from tests.synthetic import SCHEMA
from tfrecords_tools.features import LogMel

CONDITIONS = Conditions(
    [
        SharedTag("genre", width=6),
        Within("tempo", 5.0, width=4),
        SameTrack("track", width=0, weight=0.5),
    ]
)
NETWORK = {"block": "conv", "width": 2, "size": 10}
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
COUNT, HEARD = 24, 3


def rows() -> list[dict[str, str]]:
    """Metadata; the first song's title, artist and genre are HTML, the second's has marks that turn the text."""
    made = [
        {
            "id": f"t{i:02d}",
            "title": f"Song {i}",
            "artist": f"Artist {i % 4}",
            "split": "test",
            "genre": "folk|jazz" if i % 3 else "rock",
            "tempo": "" if i == 5 else f"{60 + i}",
        }
        for i in range(COUNT)
    ]
    made[0] |= {"title": HOSTILE, "artist": "</script><b>", "genre": "<i>folk"}
    made[1] |= {"title": "\u202eesrever \x1b[2J", "artist": "Søren Ábc"}
    return made


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """The run's folder; the first three songs have audio and their true embeddings, the others made ones."""
    folder = tmp_path_factory.mktemp("explored")
    keras.utils.set_random_seed(1)
    run, network = Run(folder / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, str(folder / "data")), None
    network = build_embedding(**NETWORK)
    run.save(network)
    embeddings = np.random.default_rng(0).normal(size=(COUNT, 10)).astype(np.float32)
    sounds = folder / "data" / "corpus" / "audio"
    sounds.mkdir(parents=True)
    for number in range(HEARD):
        sound = np.random.default_rng(number).normal(0, 0.1, 4 * 22_050).cumsum() % 0.5
        soundfile.write(sounds / f"t{number:02d}.flac", sound, 22_050)
        embeddings[number] = embed_audio(sounds / f"t{number:02d}.flac", Embedder(network, run.features))
    Index.build(embeddings, CONDITIONS, rows(), run.weights_sha256()).save(run.folder / "index")
    with (folder / "data" / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "path"])
        # As after the folder was moved: only the files' names still hold. The fourth song's audio is gone.
        writer.writerows([f"t{number:02d}", f"/nowhere/t{number:02d}.flac"] for number in range(HEARD + 1))
    return run.folder


@pytest.fixture(scope="session")
def songs(run_folder):
    """What the page shows."""
    return Songs.of_run(run_folder)


@pytest.fixture(scope="session")
def address(songs):
    """A real server's, with a final slash."""
    with serving(create_app(songs)) as served:
        yield served
