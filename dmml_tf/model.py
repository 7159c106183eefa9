"""A trained model as its user meets it: it hears files, indexes music, answers searches and is scored."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dmml_tf.conditions import Conditions
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.embeddings import Embeddings
from dmml_tf.embed.light import LightNetwork
from dmml_tf.heard.heard_as import HEARD_FILE, LEAST, MOST, HeardAs, find_heard_as
from dmml_tf.heard.said import Said
from dmml_tf.run import Run
from dmml_tf.search.build import index_dataset, index_music
from dmml_tf.search.index import INDEX_FOLDER, Index
from dmml_tf.search.of_run import find_index, load_index
from dmml_tf.search.recall import prepared
from dmml_tf.search.searcher import Searcher
from dmml_tf.search.sections import Sections
from dmml_tf.search.weights import weight_vector
from dmml_tf.spaces import WHOLE, search_vectors
from tfrecords_tools.dataset import FILE_NAME, Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel

if TYPE_CHECKING:
    from tensorflow import keras

    from dmml_tf.embed.split import Embedded
    from dmml_tf.evaluation.scores import Scores
    from dmml_tf.trace.trace import Trace

PathLike = str | os.PathLike[str]


class Model:
    """A network that turns 3 s of audio into an embedding, and what the embedding's slices stand for.

    `train` and `load` give one; a network of your own that `fit` has trained makes another:

    >>> conditions = dmml.Conditions([dmml.SharedTag("genre"), dmml.Within("tempo", 5.0)])
    >>> network = dmml.embedding_network(block="conv", width=(4, 1, 1, 1, 2, 4, 8), size=128)
    >>> dmml.Model(network, conditions).index("data/mine").search("t001", weights={"tempo": 1}, k=1)
    #  id    title    artist    genre  tempo  score  cos(genre)  cos(tempo)  cos(whole)
    ...

    Args:
        network: log-mel float32 [batch, 129, 128], or samples float32 [batch, 66150] -> float32 [batch, E]; None takes
            the run's, and then files are heard without TensorFlow where LiteRT is installed.
        conditions: what similar means, in the order of the slices.
        features: the signal chain that the network was trained on; the paper's by default.
        run: the run folder that it came from, which scoring, exporting and saving need.
    """

    def __init__(
        self,
        network: "keras.Model | None",
        conditions: Conditions,
        features: LogMel | None = None,
        run: Run | None = None,
    ):
        self.conditions, self._run = conditions, run
        self._embedder = Embedder.of_run(self.run) if network is None else Embedder(network, features or PAPER_CHAIN)

    @functools.cached_property
    def network(self) -> "keras.Model":
        """The Keras model, which a run's is built as when it is first asked for."""
        network = self._embedder.network
        return self.run.embedding() if isinstance(network, LightNetwork) else network

    @property
    def run(self) -> Run:
        """The run folder that the model came from.

        Raises:
            UserError: if it came from none.
        """
        if self._run is None:
            raise UserError("this model is of no run; train it with dmml.train, or load one with dmml.load")
        return self._run

    @property
    def folder(self) -> Path:
        """The run's folder; `UserError` as `run`."""
        return self.run.folder

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {part.stop - part.start}" for name, part in self.conditions.subspaces.items())
        return f"Model of {self._embedder.size} numbers ({parts or ', '.join(self.conditions.names)})"

    def embed(self, files: PathLike | Sequence[PathLike]) -> Embeddings:
        """Embeds audio files: each is the mean of its 3 s windows (paper, section 3.3).

        >>> songs = dmml.load("runs/mine").embed(["a.wav", "b.wav"])
        >>> songs.shape, songs.subspaces["tempo"].shape
        ((2, 256), (2, 128))

        Args:
            files: wav, flac, ogg, mp3, and what FFmpeg reads with the extra `audio`; at least 3 s each.

        Raises:
            UserError: if a file cannot be used; names it and why.
        """
        paths = [files] if isinstance(files, str | os.PathLike) else list(files)
        vectors = [self._hear(path) for path in paths]
        return Embeddings(
            np.stack(vectors) if vectors else np.zeros((0, self._embedder.size), np.float32), self.conditions
        )

    def search_vectors(
        self,
        songs: PathLike | Sequence[PathLike] | Embeddings | npt.NDArray[Any],
        weights: Mapping[str, float] | None = None,
    ) -> npt.NDArray[np.float32]:
        """What a vector database stores of songs, and is asked by: then the inner product is the score of a search.

        >>> model = dmml.load("runs/mine")
        >>> stored = model.search_vectors(["a.wav", "b.wav"])
        >>> scores = stored @ model.search_vectors("a.wav", {"tempo": 1, "genre": 0.2})[0]
        >>> round(float(scores[0]), 4)                                # of the song itself: 1 + 0.2
        1.2

        Args:
            songs: audio files, what `embed` gave for some, or float [N, E], as in the column `vector` of `dmml embed`.
            weights: sub-space -> how much it counts, of what is asked; those left out count 0. None is for what is
                stored: each counts 1.

        Returns:
            float32 [N, E], the sub-spaces side by side, each as long as its weight.

        Raises:
            UserError: if masks were learned and overlap, on unusable weights or numbers of another size, or if a file
                cannot be used.
        """
        if self._run is not None:
            self._run.require_slices()
        if isinstance(songs, np.ndarray):
            if songs.ndim != 2 or songs.shape[1] != (self.conditions.size or songs.shape[1]):
                raise UserError(f"songs have {self.conditions.size} numbers each here; these have shape {songs.shape}")
            songs = Embeddings(songs.astype(np.float32), self.conditions)
        vectors = (songs if isinstance(songs, Embeddings) else self.embed(songs)).vectors
        slices = self.conditions.subspaces or {WHOLE: slice(None)}
        counts = weight_vector(weights, list(slices))
        scaled = search_vectors(vectors, self.conditions)
        for part, weight in zip(slices.values(), counts):
            scaled[:, part] *= np.float32(weight)
        return scaled

    def embed_split(self, data: Dataset | PathLike, split: str) -> "Embedded":
        """Embeds the tracks of a split, and their windows, with their labels.

        >>> test = dmml.load("runs/mine").embed_split("data/mine", "test")
        >>> len(test.ids) == len(test.vectors) == len(test.labels["tempo"])
        True

        Raises:
            UserError: if the data cannot be read or lack what the network takes.
        """
        from dmml_tf.embed.split import embed_split

        return embed_split(self._embedder, self._dataset(data), split)

    def index(self, data: Dataset | PathLike | None = None, workers: int = 0, windows: bool = False) -> Searcher:
        """Makes a music collection searchable.

        >>> index = dmml.load("runs/mine").index("data/mine")
        >>> print(index.search("t001", weights={"tempo": 1, "genre": 0.2}, k=5))
        #  id    title    artist    genre  tempo  score  cos(genre)  cos(tempo)  cos(whole)
        ...
        >>> len(dmml.load("runs/mine").index("music", workers=1))    # a folder of audio files, without labels
        4
        >>> parts = dmml.load("runs/mine").index("data/mine", windows=True)
        >>> section = parts.search("t001", at=4.5, k=1)[0].section   # what is most like t001 around second 4.5

        Args:
            data: a dataset or its folder, or a folder of audio files at any depth (without labels, with titles and
                artists from the files' own tags). None reads the index that `dmml index` or `Searcher.save` left.
            workers: processes that decode audio files; 0 takes one a core. A script that indexes audio files must do
                so under `if __name__ == "__main__":`.
            windows: whether searches compare the stretches of songs, neighbouring windows that sound alike
                (`dmml_tf.search.join_windows`), in place of whole songs. Results then say which stretch of them it is.

        Raises:
            UserError: if the data cannot be read, hold no track, or masks were learned and overlap.
        """
        if self._run is not None:
            self._run.require_slices()
        folder = None if self._run is None else self._run.folder / INDEX_FOLDER
        index = load_index(self.run) if data is None else prepared(self._indexed(data, workers, windows))
        return Searcher(index, self._hear, folder, self._heard_as(), Sections(lambda: self._embedder, _no_file))

    def fit_heard(self, data: Dataset | PathLike | None = None) -> dict[str, dict[str, Any]]:
        """Learns from labelled songs what the sub-spaces can say of unlabelled ones, as `dmml heard` does.

        >>> figures = dmml.load("runs/mine").fit_heard("data/mine")
        >>> sorted(figures), figures["genre"]["train"]
        (['genre', 'tempo'], 12)

        Args:
            data: a dataset or its folder: train is fitted on, valid is calibrated and judged on. None takes the one
                that the run was trained on.

        Returns:
            Condition -> figures, see `dmml_tf.heard.fit.fit_heard_as`.

        Raises:
            UserError: if the model is of no run, a split is empty, or no sub-space has labels in the data.
        """
        from dmml_tf.heard.fit import fit_run

        heard_as, figures = fit_run(self.run, self._dataset(self.run.records() if data is None else data))
        heard_as.save(self.folder / HEARD_FILE)
        return figures

    def heard(
        self, songs: PathLike | Sequence[PathLike] | Embeddings, most: int = MOST, least: float = LEAST
    ) -> list[dict[str, list[Said]]]:
        """What each sub-space hears in songs: tags or a value of the training labels, with the share that is right.

        >>> model = dmml.load("runs/mine")
        >>> figures = model.fit_heard("data/mine")                   # once; kept in the run's folder
        >>> songs = model.heard(["a.wav", "b.wav"], most=1)
        >>> [(said.label, said.share) for said in songs[0].get("genre", [])]
        [...]

        Args:
            songs: audio files, or what `embed` gave for some.
            most, least: labels of a condition, and the share below which nothing is said; see `HeardAs.heard`.

        Raises:
            UserError: if nothing was fitted yet, or with other weights, or a file cannot be used.
        """
        heard_as = self._heard_as()
        if heard_as is None:
            raise UserError(f"{self.folder / HEARD_FILE}: not found; make it with model.fit_heard(data) or dmml heard")
        vectors = songs if isinstance(songs, Embeddings) else self.embed(songs)
        return heard_as.heard(vectors.vectors, most, least)

    def evaluate(
        self,
        data: Dataset | PathLike | None = None,
        split: str = "test",
        *,
        triplets: int = 10_000,
        seed: int = 0,
        baselines: bool = False,
    ) -> "Scores":
        """Scores the model on held-out triplets; printed, it is the tables of `dmml evaluate`.

        >>> print(dmml.load("runs/mine").evaluate("data/mine", split="test", triplets=100))
        Whole space:
        ...

        Args:
            data: a dataset or its folder; None takes the one that the run was trained on, which the model that comes
                with the package does not bring.
            split: what is scored, never the one that was trained on.
            triplets: a condition.
            seed: of the triplets and the intervals.
            baselines: whether to score MFCC-VQ and the untrained network too.

        Raises:
            UserError: if the model is of no run, or the data lack a condition's column or the split.
        """
        from dmml_tf.baselines.compare import compare
        from dmml_tf.evaluation.evaluate import segment_figures
        from dmml_tf.evaluation.scores import Scores

        dataset = self._dataset(self.run.records() if data is None else data)
        evaluation, accuracy = compare(self.run, dataset, split, triplets, seed, baselines)
        return Scores(evaluation, accuracy, segment_figures(self.run, evaluation, retrieval=False).get("segments"))

    def trace(self, file: PathLike, hop: float = 0.5) -> "Trace":
        """Follows a song through time in every sub-space, a window each `hop` seconds.

        >>> trace = dmml.load("runs/mine").trace("a.wav")
        >>> seconds = trace.boundaries("tempo")    # at which the tempo changes

        Raises:
            UserError: if the file cannot be used; names it and why.
        """
        from dmml_tf.trace.trace import trace_audio

        return trace_audio(file, self._embedder, self.conditions, hop)

    def write_trace(self, trace: "Trace", folder: PathLike) -> dict[str, Any]:
        """Writes a trace as JSON, arrays and a picture, with labels of the nearest tracks where the run has an index.

        >>> model = dmml.load("runs/mine")
        >>> content = model.write_trace(model.trace("a.wav"), "traces/a")

        Raises:
            UserError: if the run's index was made by other weights.
        """
        from dmml_tf.trace.write import write_trace

        return write_trace(trace, Path(folder), None if self._run is None else find_index(self._run))

    def plot_maps(self, songs: "Embedded", data: Dataset, path: PathLike) -> None:
        """Draws each sub-space (row) in two dimensions, coloured by each condition's label (column).

        >>> model, data = dmml.load("runs/mine"), dmml.Dataset.load("data/mine")
        >>> model.plot_maps(model.embed_split(data, "test"), data, "maps.png")

        Args:
            songs: from `embed_split`.
            data: whose split it was; names the tags.
            path: of the PNG.
        """
        from dmml_tf.pictures.plots import plot_map_grid

        vectors = search_vectors(songs.vectors, self.conditions)
        plot_map_grid(vectors, self.conditions, songs.labels, data.schema.vocabularies, Path(path))

    def export(self, folder: PathLike | None = None) -> Path:
        """Writes a SavedModel that embeds audio without this package; returns its folder.

        >>> print(dmml.load("runs/mine").export())
        runs/mine/export/dmml/1

        Args:
            folder: the served model's; default: where `dmml export` writes it.

        Raises:
            UserError: if the model is of no run, or masks were learned and overlap.
        """
        from dmml_tf.serving.export import EXPORT_FOLDER, export_served

        self.run.require_slices()
        return export_served(self.run, self.folder / EXPORT_FOLDER if folder is None else Path(folder))

    def _heard_as(self) -> HeardAs | None:
        return None if self._run is None else find_heard_as(self._run.folder, self._weights)

    def _hear(self, path: PathLike) -> npt.NDArray[np.float32]:
        vector: npt.NDArray[np.float32] = embed_audio(path, self._embedder)
        return vector

    def _dataset(self, data: Dataset | PathLike) -> Dataset:
        return data if isinstance(data, Dataset) else Dataset.load(data, self._embedder.signal.features)

    @functools.cached_property
    def _weights(self) -> str:
        return "" if self._run is None else self._run.weights_sha256()

    def _indexed(self, data: Dataset | PathLike, workers: int, windows: bool) -> Index:
        if isinstance(data, Dataset) or Path(data, FILE_NAME).exists() or not Path(data).is_dir():
            return index_dataset(self._embedder, self.conditions, self._dataset(data), self._weights, windows)
        return index_music(self._embedder, self.conditions, data, self._weights, workers, windows)


def _no_file(track_id: str) -> Path:
    raise UserError(f"{track_id}: its audio file is not known; name a file, or search a library")
