"""What the exported model computes: from samples, WAV bytes or log-mels to the embedding and its sub-spaces.

A network of log-mels is served with `LogMelFrontend` before it, the layer that the frontend `log_mel_audio` is.
"""

import tensorflow as tf
from tensorflow import keras

from dmml_tf.conditions import Conditions
from dmml_tf.data.signal import Signal
from dmml_tf.models.frontends import LogMelFrontend
from dmml_tf.serving.checks import require_audio, require_log_mel, require_seconds, require_sound, row_name
from dmml_tf.serving.loudness import integrated_power, level
from dmml_tf.serving.wav import decode_mono
from tfrecords_tools.audio.extract import PCM_SCALE, PCM_UNIT
from tfrecords_tools.features import LogMel

EMBEDDING = "embedding"
# Frames between two windows of `embed_windows`: 43 frames of 512 samples are 0.9985 s at 22,050 Hz.
WINDOWS_HOP = 43
# Windows embedded at a time: a long song must not need the memory of all its windows' feature maps at once.
_CHUNK = 64


class ServedGraph:
    """The signatures of the exported model, each a function of one tensor.

    Each returns a dict: `embedding`, float32 [..., size], not normalised, and for each condition that owns a
    sub-space its unit vector, float32 [..., width], under the condition's name (zeros stay zeros).

    Windows are cut as `dmml_tf.embed.split` cuts them: the log-mel is taken of the whole audio, a window is
    129 of its frames, and **what is left at the end and fills no window is dropped**. For a network that takes
    samples the windows begin at the same places and are cut from the audio itself. Log-mel and samples are rounded
    to float16 and 16 bits as in the records, so that a file served finds its own record in the index. Where the chain
    has a loudness, each song is brought to it first; windows of `embed_log_mel` must come from a song that was.

    What is not finite, silent, or not at the level of audio, would be answered with NaN or nonsense: it is refused with
    `InvalidArgumentError` and a line that names the first such row of the batch.

    Args:
        embedding: log-mel float32 [batch, 129, 128], or samples float32 [batch, 66150] -> float32 [batch, size].
        conditions: what the slices of the embedding stand for.
        features: the signal chain that `embedding` was trained on.
    """

    def __init__(self, embedding: keras.Model, conditions: Conditions, features: LogMel):
        self._subspaces, self._features = conditions.subspaces, features
        self._signal = Signal.from_model(embedding, features)
        self._frontend = LogMelFrontend(features)
        self._size = embedding.output_shape[-1]
        window = tf.TensorSpec([None, *self._signal.shape], tf.float32)
        # Traced once for all signatures: each trace of the whole network takes a second or more.
        self._embedding = tf.function(lambda windows: embedding(windows, training=False), [window], autograph=False)

    def signatures(self) -> dict[str, tuple]:
        """Name of a signature -> (function, the `tf.TensorSpec` of its input, whose name clients use).

        There is no `embed_log_mel` of a network that takes samples.
        """
        audio = tf.TensorSpec([None, None], tf.float32, name="audio")
        found = {
            "serving_default": (self.embed_audio, audio),
            "embed_wav": (self.embed_wav, tf.TensorSpec([None], tf.string, name="wav")),
            "embed_windows": (self.embed_windows, audio),
        }
        if not self._signal.takes_samples:
            log_mel = tf.TensorSpec([None, *self._signal.shape], tf.float32, name="log_mel")
            found["embed_log_mel"] = (self.embed_log_mel, log_mel)
        return found

    def embed_log_mel(self, log_mel: tf.Tensor) -> dict[str, tf.Tensor]:
        """Of windows as the network takes them, float32 [batch, 129, 128], `log10(1 + 10 S)`; outputs [batch, .]."""
        return self._outputs(self._embedding(require_log_mel(log_mel, "log_mel", self._features)))

    def embed_audio(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Of songs: the mean over each one's non-overlapping windows (section 3.3 of the paper); outputs [batch, .].

        Args:
            audio: float32 [batch, samples] at 22,050 Hz, at least 3 s; songs in one batch are of one length.
        """
        windows = self._windows_of_batch(audio, self._features.window_frames)
        return self._outputs(tf.reduce_mean(windows, axis=1))

    def embed_windows(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Of each window of songs, one every `WINDOWS_HOP` frames: a song through time; outputs [batch, windows, .].

        Args:
            audio: as `embed_audio`.
        """
        return self._outputs(self._windows_of_batch(audio, WINDOWS_HOP))

    def embed_wav(self, wav: tf.Tensor) -> dict[str, tf.Tensor]:
        """Of encoded files, as `embed_audio`; outputs [batch, .].

        Args:
            wav: string [batch], WAV files of at least 3 s as `read_wav` takes them, any rate, channels and lengths.
        """
        ragged = tf.map_fn(
            lambda row: self._windows_of_wav(*row),
            (wav, tf.range(tf.size(wav))),
            fn_output_signature=tf.RaggedTensorSpec([None, *self._signal.shape], tf.float32, ragged_rank=0),
        )
        embedded = self._embed(ragged.values)
        # Not segment_mean by row ids: a mean of contiguous rows is what reduce_mean on a ragged tensor is.
        return self._outputs(tf.reduce_mean(ragged.with_values(embedded), axis=1))

    def _windows_of_wav(self, wav: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """float32 [windows, ...], non-overlapping, of one file."""
        samples = decode_mono(wav, self._features.sample_rate, row)
        return self._cut(samples[None], self._features.window_frames, "wav", row)[0]

    def _windows_of_batch(self, audio: tf.Tensor, hop: int) -> tf.Tensor:
        """float32 [batch, windows, size]: the embeddings of windows that begin `hop` frames apart."""
        windows = self._cut(require_audio(audio, "audio"), hop, "audio")
        count = tf.shape(windows)[:2]
        flat = tf.reshape(windows, [-1, *windows.shape[2:]])
        return tf.reshape(self._embed(flat), [count[0], count[1], self._size])

    def _cut(self, audio: tf.Tensor, hop: int, name: str, row: tf.Tensor | None = None) -> tf.Tensor:
        """float32 [batch, windows, ...] of audio [batch, samples]: windows as the network takes them.

        `name` is the input's in messages; `row` is the batch's row that the one song is, where they come one by one.
        """
        what = name if row is None else row_name(name, row)
        with require_seconds(tf.shape(audio)[1], self._features.sample_rate, what):
            power = integrated_power(audio, self._features)
        audio = level(audio, require_sound(power, name, 0 if row is None else row), self._features)
        if self._signal.takes_samples:
            rounded = tf.round(tf.clip_by_value(audio, -1.0, 1.0) * PCM_SCALE) * PCM_UNIT
            windows = tf.signal.frame(self._to_last_window(rounded), self._signal.shape[0], hop * self._features.hop)
        else:
            rounded = tf.cast(tf.cast(self._frontend(audio), tf.float16), tf.float32)
            windows = tf.signal.frame(rounded, self._features.window_frames, hop, axis=1)
        return tf.ensure_shape(windows, [None, None, *self._signal.shape])

    def _to_last_window(self, audio: tf.Tensor) -> tf.Tensor:
        """Of audio [batch, samples] as much as its whole frames' windows reach: 3 s are 102 samples more than 129."""
        hop = self._features.hop
        over = self._signal.shape[0] - self._features.window_frames * hop
        length = tf.shape(audio)[1] // hop * hop + over
        return tf.pad(audio, [[0, 0], [0, over]])[:, :length]

    def _embed(self, windows: tf.Tensor) -> tf.Tensor:
        """float32 [windows, size] of windows as the network takes them, `_CHUNK` at a time."""

        def step(start, parts):
            chunk = self._embedding(windows[start : start + _CHUNK])
            return start + _CHUNK, parts.write(start // _CHUNK, chunk)

        count = tf.shape(windows)[0]
        parts = tf.TensorArray(tf.float32, -(-count // _CHUNK), infer_shape=False, element_shape=[None, self._size])
        # One after the other: side by side they would need the memory that chunks are there to spare.
        _, parts = tf.while_loop(lambda start, _: start < count, step, (0, parts), parallel_iterations=1)
        return parts.concat()

    def _outputs(self, whole: tf.Tensor) -> dict[str, tf.Tensor]:
        # l2_normalize guards the zero vector that ReLU can leave in a sub-space.
        parts = {name: tf.math.l2_normalize(whole[..., part], axis=-1) for name, part in self._subspaces.items()}
        return {EMBEDDING: whole, **parts}
