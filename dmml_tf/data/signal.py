"""What a window is made of: the record's log-mel, or its samples for the frontends that take those."""

import abc
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dmml_tf.conditions.labels import Array
from tfrecords_tools.audio.extract import PCM_UNIT, as_pcm, from_pcm
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN, LogMel, hz_to_mel

if TYPE_CHECKING:  # a search by audio does not wait for TensorFlow: what computes in its graphs imports it
    import tensorflow as tf
    from tensorflow import keras

SOUND = ("log_mel", "audio")  # a record's fields that are sound
_LN_10 = math.log(10.0)


@dataclasses.dataclass(frozen=True)
class Signal(abc.ABC):
    """One of a record's two forms of sound, cut by frames in either.

    A `sound` below is a mapping that holds `field` as a record does: the record's own row, or what `read` gives.

    Attributes:
        features: the signal chain.
        field: the record's field and the network's input.
        dtype: of that field.
        optional: which of a record's optional fields must be decoded.
        takes_samples: whether a window is samples, not log-mel.
    """

    features: LogMel
    field: ClassVar[str]
    dtype: ClassVar[str]
    optional: ClassVar[tuple[str, ...]]
    takes_samples: ClassVar[bool]

    @staticmethod
    def from_config(network: Mapping[str, Any], features: LogMel) -> "Signal":
        """What a network takes that is built with these arguments of `dmml_tf.models.embedding.build_embedding`."""
        return LogMelSignal(features) if network.get("frontend", "log_mel") == "log_mel" else SampleSignal(features)

    @staticmethod
    def from_model(network: "keras.Model", features: LogMel) -> "Signal":
        """What a network takes, by the shape of its input: [batch, 129, 128] or [batch, 66150]."""
        return LogMelSignal(features) if len(network.input_shape) == 3 else SampleSignal(features)

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one window."""

    @property
    @abc.abstractmethod
    def step(self) -> int:
        """Rows of the sound that one frame stands for."""

    def cut(self, sound: Mapping[str, Any], start: int) -> Array:
        """float32 window of `shape` from frame `start`; a track that ends before is filled up with silence."""
        window: Array = self.decode(self.cut_all([sound], [start]))[0]
        return window

    def cut_all(
        self,
        sounds: Sequence[Mapping[str, Any]],
        starts: Sequence[int] | Array,
        empty: Callable[[tuple[int, ...], np.dtype[Any]], Array] = np.empty,
    ) -> Array:
        """[B, *shape]: the windows of B sounds, each at its start, as the sounds hold them; `empty` gives the array."""
        like = sounds[0][self.field] if sounds else np.zeros((0, *self.shape[1:]), self.dtype)
        length, step = self.shape[0], self.step
        windows = empty((len(sounds), length, *like.shape[1:]), like.dtype)
        for window, sound, start in zip(windows, sounds, np.asarray(starts).tolist()):
            # Of samples, the first is the middle of the window's first frame, as the frontends expect it.
            held = sound[self.field][start * step : start * step + length]
            window[: len(held)] = held
            window[len(held) :] = 0
        return windows

    @abc.abstractmethod
    def decode(self, held: Array) -> Array:
        """Windows as sounds hold them, `dtype` [B, ...] -> float32 [B, ...], as networks take them."""

    @abc.abstractmethod
    def read(self, blocks: Iterable[Array]) -> tuple[dict[str, Array], int, float]:
        """Blocks of samples, float32 at the chain's rate, as a sound.

        Returns:
            The sound as a record holds it, the number of samples read, and their loudness in LUFS
            (`tfrecords_tools.loudness.SILENT` where there is none).
        """

    @abc.abstractmethod
    def places(self) -> Array:
        """float [K] in 0..1: where each of the K gains of `amplify` lies between lowest and highest pitch, in mel."""

    @abc.abstractmethod
    def decode_in_graph(self, held: "tf.Tensor") -> "tf.Tensor":
        """`decode`, of tensors."""

    @abc.abstractmethod
    def amplify(self, windows: "tf.Tensor", gain: "tf.Tensor") -> "tf.Tensor":
        """Windows float32 [B, ...] whose magnitudes at the `places` are multiplied by `gain`, float32 [B, K]."""

    def require(self, dataset: Dataset) -> None:
        """Checks that the records hold this form of sound.

        Raises:
            UserError: if they do not.
        """
        for name in set(self.optional) - set(dataset.schema.optional):
            raise UserError(
                f"{dataset.folder}: the network takes samples and the records hold none; build them with "
                f"--features=log_mel,{name}"
            )

    def frames(self, sound: Mapping[str, Any]) -> int:
        """Frames of a whole track."""
        return len(sound[self.field]) // self.step

    def starts(self, sound: Mapping[str, Any], hop: int | None = None) -> Array:
        """First frames, int32 [W], of a track's windows, see `whole_windows`; `hop` None: side by side."""
        length = self.features.window_frames
        return whole_windows(self.frames(sound), length, hop or length)

    def stretch(self, sound: Mapping[str, Any], start: int, frames: int) -> Array:
        """A copy of `frames` frames from `start`, as the record holds them; samples reach on to the last window's end.

        A copy, since a view would hold the whole track in memory.
        """
        over = self.shape[0] - self.features.window_frames * self.step
        return np.array(sound[self.field][start * self.step : (start + frames) * self.step + over])


class LogMelSignal(Signal):
    """The log-mel: a window is float32 [129, 128]."""

    field = "log_mel"
    dtype = "float16"
    optional = ()
    takes_samples = False

    @property
    def shape(self) -> tuple[int, ...]:
        """(129, 128)."""
        return (self.features.window_frames, self.features.n_mels)

    @property
    def step(self) -> int:
        """1: a row is a frame."""
        return 1

    def decode(self, held: Array) -> Array:
        """See `Signal`."""
        return held.astype(np.float32)

    def decode_in_graph(self, held: "tf.Tensor") -> "tf.Tensor":
        """See `Signal`."""
        import tensorflow as tf

        return tf.cast(held, tf.float32)

    def read(self, blocks: Iterable[Array]) -> tuple[dict[str, Array], int, float]:
        """See `Signal`: {"log_mel": float16 [frames, 128]}."""
        log_mel, samples, loudness = self.features.extract_blocks(blocks, "float16")
        return {self.field: log_mel}, samples, loudness

    def places(self) -> Array:
        """The places of the bands; see `Signal`."""
        return np.linspace(0, 1, self.features.n_mels)

    def amplify(self, windows: "tf.Tensor", gain: "tf.Tensor") -> "tf.Tensor":
        """See `Signal`."""
        import tensorflow as tf

        # The compression's own factor cancels: 10^x - 1 is 10 S. Exponential and logarithm to the base e, since a
        # power costs ten times as much; 1 - gain apart, which saves a pass over the windows.
        gain = gain[:, None]
        return tf.math.log(gain * tf.exp(windows * _LN_10) + (1 - gain)) * (1 / _LN_10)


class SampleSignal(Signal):
    """The samples: a window is float32 [66150] in -1..1."""

    field = "audio"
    dtype = "int16"
    optional = ("audio",)
    takes_samples = True

    @property
    def shape(self) -> tuple[int, ...]:
        """(66150,)."""
        return (self.features.excerpt_samples,)

    @property
    def step(self) -> int:
        """The chain's hop."""
        return self.features.hop

    def decode(self, held: Array) -> Array:
        """See `Signal`."""
        return from_pcm(held)

    def decode_in_graph(self, held: "tf.Tensor") -> "tf.Tensor":
        """See `Signal`."""
        import tensorflow as tf

        return tf.cast(held, tf.float32) * PCM_UNIT

    def read(self, blocks: Iterable[Array]) -> tuple[dict[str, Array], int, float]:
        """See `Signal`: {"audio": int16 [samples]}."""
        samples = np.concatenate([np.zeros(0, np.float32), *blocks])
        loudness = self.features.measure_loudness([samples])
        return {self.field: as_pcm(samples, self.features.gain_of(loudness))}, len(samples), loudness

    def places(self) -> Array:
        """The places of a window's frequencies; see `Signal`."""
        chain = self.features
        mel = hz_to_mel(np.fft.rfftfreq(chain.excerpt_samples, 1 / chain.sample_rate))
        return np.asarray(mel / mel[-1])

    def amplify(self, windows: "tf.Tensor", gain: "tf.Tensor") -> "tf.Tensor":
        """See `Signal`."""
        import tensorflow as tf

        spectrum = tf.signal.rfft(windows) * tf.cast(gain, tf.complex64)
        return tf.signal.irfft(spectrum, [self.features.excerpt_samples])


LOG_MEL, AUDIO = LogMelSignal(PAPER_CHAIN), SampleSignal(PAPER_CHAIN)


def whole_windows(frames: int, length: int, hop: int) -> Array:
    """First frames, int32 [W], of the windows of `length` frames that lie whole in a track, every `hop` frames.

    The windows of a network that takes samples begin at the same frames, so that both are scored on the same ones.

    What is left at the end is dropped, but a track shorter than one window has the window at 0, which
    `Signal.cut` fills up with silence: every track has a vector.
    """
    return np.arange(0, max(frames - length, 0) + 1, hop, dtype=np.int32)
