"""The same song louder or softer is the same song to a chain that has a loudness, by whatever way it is asked for."""

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.data.records import read_tracks
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.sounds import FilesSource
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from dmml_tf.serving.graph import ServedGraph
from dmml_tf.spaces import search_vectors
from dmml_tf.trace.trace import trace_audio
from tests.dmml_tf.serving.made import wav_bytes
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.features import LogMel
from tfrecords_tools.tables.manifest import read_manifest

pytestmark = [pytest.mark.trains, pytest.mark.usefixtures("in_this_process", "eagerly")]
RATE, LUFS = 22_050, -16.0
CONDITIONS = Conditions([SharedTag("genre", width=4), Within("tempo", 5.0, width=4)])
DECIBELS = (-24, -20, -12, 6)
WAYS = ("file", "folder", "trace", "audio", "windows", "wav")


def song(number: int, seconds: float = 7.0) -> np.ndarray:
    """float32 [samples]: decaying chords over noise and a soft beginning, each song of its own pitches and beat."""
    rng = np.random.default_rng([number])
    t = np.arange(int(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(80, 3000, 4)) * np.exp(-(t % rng.uniform(0.2, 0.6)) * 6)
    return ((0.05 * chord + rng.normal(0, 0.01, len(t))) * np.where(t < 2, 0.3, 1.0)).astype(np.float32)


@pytest.fixture(scope="module", params=["log_mel", "log_mel_audio"])
def place(request, tmp_path_factory):
    """Six songs, records of them at -16 LUFS and a run of random weights on those."""
    folder = tmp_path_factory.mktemp(request.param)
    lines = ["track_id,path,artist,split,genre:tag,tempo:value"]
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", song(number), RATE, subtype="FLOAT")
        lines.append(f"{number},{number}.wav,artist {number},test,{'ab'[number % 2]},{100 + number}")
    (folder / "songs.csv").write_text("\n".join(lines))
    options = Options(features=("log_mel", "audio"), loudness=LUFS, tempo="column")
    dataset = build_dataset(folder / "songs.csv", folder / "data", options, workers=1)
    network = {"block": "conv", "width": (2, 1, 1, 1, 1, 2, 2), "size": 8, "frontend": request.param}
    tf.keras.utils.set_random_seed(3)
    model = build_embedding(**network, features=dataset.features)
    Run(folder / "run", CONDITIONS, network, dataset.features, dataset.schema, str(dataset.folder)).save(model)
    return folder


@pytest.fixture(scope="module")
def run(place):
    return Run.load(place / "run")


@pytest.fixture(scope="module")
def embedder(run):
    return Embedder.of_run(run)


@pytest.fixture(scope="module")
def index(run, embedder):
    """Of the records."""
    rows = list(read_tracks(Dataset.load(run.dataset, run.features), "test", optional=embedder.signal.optional))
    return Index.build(
        np.stack([embedder.song(row) for row in rows]), CONDITIONS, [{"id": r["track_id"]} for r in rows]
    )


def asked(way: str, path, embedder: Embedder, run: Run) -> np.ndarray:
    """float32 [8]: the file's embedding, or for `trace` and `windows` the mean of its windows' search vectors."""
    samples, _ = soundfile.read(path, dtype="float32")
    graph = ServedGraph(run.embedding(), CONDITIONS, run.features)
    if way == "file":
        return embed_audio(path, embedder)
    if way == "folder":
        table = path.with_suffix(".csv")
        table.write_text(f"track_id,path,artist,genre:tag\nx,{path},y,z\n")
        (item,) = FilesSource(read_manifest(table), embedder.signal, 1).items([True])
        return embedder.song(item.sound)
    if way == "trace":
        return trace_audio(path, embedder, CONDITIONS).vectors.mean(axis=0)
    if way == "wav":
        return graph.embed_wav(tf.constant([wav_bytes(samples, RATE, subtype="PCM_16")]))["embedding"][0].numpy()
    if way == "audio":
        return graph.embed_audio(tf.constant(samples[None]))["embedding"][0].numpy()
    found = graph.embed_windows(tf.constant(samples[None]))
    return np.concatenate([found[name][0].numpy() for name in CONDITIONS.names], axis=1).mean(axis=0)


def cosines(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Of two embeddings [8], by sub-space."""
    a, b = search_vectors(np.stack([a, b]), CONDITIONS)
    return [float(a[part] @ b[part]) for part in CONDITIONS.subspaces.values()]


@pytest.mark.parametrize("way", WAYS)
def test_a_song_finds_itself_first_at_any_loudness(run, embedder, index, place, tmp_path, way):
    itself = asked(way, place / "1.wav", embedder, run)
    for decibels in DECIBELS:
        path = tmp_path / f"{decibels}.wav"
        soundfile.write(path, song(1) * 10 ** (decibels / 20), RATE, subtype="FLOAT")
        found = asked(way, path, embedder, run)
        assert min(cosines(found, itself)) >= 0.999
        if way not in ("trace", "windows"):  # whose windows are others than the record's
            scores = [sum(cosines(found, vector)) for vector in index.vectors]
            best = int(np.argmax(scores))
            assert index.tracks[best]["id"] == "1" and min(cosines(found, index.vectors[best])) >= 0.999


def test_without_a_loudness_it_would_not(run, place, tmp_path):
    plain = Embedder(run.embedding(), LogMel())
    soundfile.write(tmp_path / "soft.wav", song(1) * 10 ** (-24 / 20), RATE, subtype="FLOAT")
    assert min(cosines(embed_audio(tmp_path / "soft.wav", plain), embed_audio(place / "1.wav", plain))) < 0.98
