"""Search music by how it is similar: disentangled multidimensional metric learning (Lee et al., ICASSP 2020).

    import dmml_tf as dmml

    data = dmml.build("songs.csv", "data/mine")                               # audio files and labels -> records
    model = dmml.train(data, "runs/mine", conditions=[dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)], steps=1000)
    model = dmml.load("runs/mine")                                            # dmml.load(): the package's own model
    songs = model.embed(["a.wav", "b.wav"])                                   # songs.subspaces["tempo"]
    index = model.index(data)                                                 # or a folder of music
    print(index.search("a.wav", weights={"tempo": 1, "genre": 0.2}, k=5))     # a file, an id or a vector
    print(index.search(mix={"genre": "t001", "tempo": "t002"}, unlike=["t003"], where={"tempo": (90, 120)}))
    print(model.evaluate(data, split="test"))

Every name has its home in a module below, which is imported when the name is first used: importing this one imports no
TensorFlow. Nothing is computed here.
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

import tfrecords_tools  # noqa: F401  its import sets how TensorFlow computes

if TYPE_CHECKING:
    from dmml_tf.conditions import Condition, Conditions, Judged, SameTrack, SharedTag, Within
    from dmml_tf.configs import load as load_config
    from dmml_tf.data.pipeline import BatchPlan, triplet_dataset
    from dmml_tf.embed.embeddings import Embeddings
    from dmml_tf.evaluation.scores import Scores
    from dmml_tf.library.opened import OpenLibrary, open_library
    from dmml_tf.model import Model
    from dmml_tf.models.embedding import build_embedding as embedding_network
    from dmml_tf.pictures.plots import plot_cross_table
    from dmml_tf.pretrained.card import card_text as card
    from dmml_tf.search.searcher import Results, Searcher
    from dmml_tf.search.show import describe
    from dmml_tf.serving.client import GrpcClient, RestClient
    from dmml_tf.serving.server_files import docker_line
    from dmml_tf.trace.novelty import self_similarity
    from dmml_tf.trained import load, train
    from dmml_tf.training.losses import TripletHinge
    from dmml_tf.training.metrics import triplet_metrics
    from dmml_tf.training.objectives.triplets import build_triplet_model as triplet_network
    from tfrecords_tools.audio.decode import load_mono as load_audio
    from tfrecords_tools.build.build import build_dataset as build
    from tfrecords_tools.build.plan import Options as BuildOptions
    from tfrecords_tools.dataset import Dataset
    from tfrecords_tools.errors import UserError
    from tfrecords_tools.tables.audio_paths import audio_paths
    from tfrecords_tools.tables.manifest import read_manifest as read_table

    __version__: str

__all__ = [
    "BatchPlan",
    "BuildOptions",
    "Condition",
    "Conditions",
    "Dataset",
    "Embeddings",
    "GrpcClient",
    "Judged",
    "Model",
    "OpenLibrary",
    "RestClient",
    "Results",
    "SameTrack",
    "Scores",
    "Searcher",
    "SharedTag",
    "TripletHinge",
    "UserError",
    "Within",
    "__version__",
    "audio_paths",
    "build",
    "card",
    "describe",
    "docker_line",
    "embedding_network",
    "load",
    "load_audio",
    "load_config",
    "open_library",
    "plot_cross_table",
    "read_table",
    "self_similarity",
    "train",
    "triplet_dataset",
    "triplet_metrics",
    "triplet_network",
]

# Name -> module, and what it is called there.
_HOMES = {
    # the job
    "build": ("tfrecords_tools.build.build", "build_dataset"),
    "train": ("dmml_tf.trained", "train"),
    "load": ("dmml_tf.trained", "load"),
    "open_library": ("dmml_tf.library.opened", "open_library"),
    "card": ("dmml_tf.pretrained.card", "card_text"),
    "Model": ("dmml_tf.model", "Model"),
    "Embeddings": ("dmml_tf.embed.embeddings", "Embeddings"),
    "OpenLibrary": ("dmml_tf.library.opened", "OpenLibrary"),
    "Searcher": ("dmml_tf.search.searcher", "Searcher"),
    "Results": ("dmml_tf.search.searcher", "Results"),
    "Scores": ("dmml_tf.evaluation.scores", "Scores"),
    "UserError": ("tfrecords_tools.errors", "UserError"),
    # what similar means
    "Condition": ("dmml_tf.conditions", "Condition"),
    "Conditions": ("dmml_tf.conditions", "Conditions"),
    "SharedTag": ("dmml_tf.conditions", "SharedTag"),
    "Within": ("dmml_tf.conditions", "Within"),
    "SameTrack": ("dmml_tf.conditions", "SameTrack"),
    "Judged": ("dmml_tf.conditions", "Judged"),
    # data and configurations
    "Dataset": ("tfrecords_tools.dataset", "Dataset"),
    "BuildOptions": ("tfrecords_tools.build.plan", "Options"),
    "read_table": ("tfrecords_tools.tables.manifest", "read_manifest"),
    "load_audio": ("tfrecords_tools.audio.decode", "load_mono"),
    "audio_paths": ("tfrecords_tools.tables.audio_paths", "audio_paths"),
    "load_config": ("dmml_tf.configs", "load"),
    # plain Keras
    "embedding_network": ("dmml_tf.models.embedding", "build_embedding"),
    "triplet_network": ("dmml_tf.training.objectives.triplets", "build_triplet_model"),
    "TripletHinge": ("dmml_tf.training.losses", "TripletHinge"),
    "triplet_metrics": ("dmml_tf.training.metrics", "triplet_metrics"),
    "triplet_dataset": ("dmml_tf.data.pipeline", "triplet_dataset"),
    "BatchPlan": ("dmml_tf.data.pipeline", "BatchPlan"),
    # what to look at
    "describe": ("dmml_tf.search.show", "describe"),
    "plot_cross_table": ("dmml_tf.pictures.plots", "plot_cross_table"),
    "self_similarity": ("dmml_tf.trace.novelty", "self_similarity"),
    # an exported model
    "RestClient": ("dmml_tf.serving.client", "RestClient"),
    "GrpcClient": ("dmml_tf.serving.client", "GrpcClient"),
    "docker_line": ("dmml_tf.serving.server_files", "docker_line"),
}


def __getattr__(name: str) -> Any:
    """Imports a name's home when it is first used (PEP 562)."""
    if name == "__version__":
        return importlib.metadata.version("dmml")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "__version__"})
