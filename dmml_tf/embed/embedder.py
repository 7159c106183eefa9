"""A network as it is used: sound in, embeddings of its 3 s windows and of the whole song out.

Source: Lee et al., ICASSP 2020, section 3.3: a whole song is the mean over time of the embeddings of
its non-overlapping 3 s windows.
"""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dmml_tf.data.signal import Signal
from dmml_tf.embed.light import LightNetwork, light_network
from dmml_tf.run import Run
from tfrecords_tools.features import LogMel

if TYPE_CHECKING:  # who has a LightNetwork does not wait for it
    from tensorflow import keras

BATCH = 64


class Embedder:
    """The one walk from sound to vectors, for records, files, queries, judged clips and traces alike.

    A Keras model is traced at the first call, once for batches of any size, and its weights are looked up at each:
    an embedder made before training follows it. A sound is a mapping that holds the signal's field as a record
    does: a row of `read_tracks`, or what `dmml_tf.embed.audio.read_sound` gives.

    Attributes:
        network: log-mel float32 [batch, 129, 128], or samples float32 [batch, 66150] -> float32 [batch, E].
        signal: what a window is made of, by the network's input.
        batch_size: windows a call, at most.
    """

    def __init__(self, network: "keras.Model | LightNetwork", features: LogMel, batch_size: int = BATCH):
        """`features` is the signal chain that the network was, or is, trained on."""
        self.network, self.signal, self.batch_size = network, Signal.from_model(network, features), batch_size
        self._call = network if isinstance(network, LightNetwork) else _traced(network, self.signal)

    @classmethod
    def of_run(cls, run: Run, batch_size: int = BATCH, threads: int = 0) -> "Embedder":
        """Takes the trained network of a run, in LiteRT where that can be had (`dmml_tf.embed.light`).

        Args:
            run: a trained one.
            batch_size: windows a call, at most.
            threads: of LiteRT; 0 takes one a core.

        Raises:
            UserError: as `Run.embedding`.
        """
        return cls(light_network(run, threads) or run.embedding(), run.features, batch_size)

    @property
    def size(self) -> int:
        """E, the numbers of an embedding."""
        return self.network.output_shape[-1]

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """float32 [B, E] of one batch of windows, float32 [B, 129, 128] or [B, 66150]."""
        return self._call(windows)

    def each(self, sounds: Iterable[Mapping], hop: int | None = None) -> Iterator[np.ndarray]:
        """Embeds the windows of any number of sounds; one batch of windows is in memory at a time.

        Args:
            sounds: read one after the other, a little ahead of what is yielded: batches run on across them.
            hop: frames from window to window; None puts them side by side.

        Yields:
            float32 [W, E] of each sound, W at least 1, in order.
        """
        counts: collections.deque[int] = collections.deque()

        def cut() -> Iterator[np.ndarray]:
            for sound in sounds:
                starts = self.signal.starts(sound, hop)
                counts.append(len(starts))
                yield from (self.signal.cut(sound, start) for start in starts)

        vectors: list[np.ndarray] = []
        for vector in self._vectors(cut()):
            vectors.append(vector)
            if len(vectors) == counts[0]:
                yield np.stack(vectors)
                counts.popleft()
                vectors.clear()

    def windows(self, sound: Mapping, hop: int | None = None) -> np.ndarray:
        """float32 [W, E] of one sound's windows, `hop` frames apart or side by side."""
        return next(self.each([sound], hop))

    def song(self, sound: Mapping) -> np.ndarray:
        """float32 [E] of one whole sound, not normalised."""
        return mean_of_windows(self.windows(sound))

    def _vectors(self, windows: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        while batch := list(itertools.islice(windows, self.batch_size)):
            yield from self(np.stack(batch))


def _traced(network: "keras.Model", signal: Signal) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf

    window = tf.TensorSpec([None, *signal.shape], tf.float32)
    # Not by XLA, which Keras 3 would choose and which is slower on a CPU.
    call = tf.function(lambda batch: network(batch, training=False), [window], jit_compile=False)
    return lambda windows: call(tf.constant(windows)).numpy()


def mean_of_windows(windows: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """A song's embedding, `dtype` [E], of those of its windows, float32 [W, E]; the sum is float64."""
    return windows.mean(axis=0, dtype=np.float64).astype(dtype)
