"""What a window is made of: the record's log-mel, or its samples for the frontends that take those."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from tensorflow import keras

from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

SOUND = ("log_mel", "audio")  # a record's fields that are sound
PCM_SCALE = 1 / 2**15  # int16 -> -1..1


@dataclasses.dataclass(frozen=True)
class Signal:
    """One of a record's two forms of sound, cut by frames in either.

    Attributes:
        field: `log_mel` or `audio`, the record's field and the network's input.
        features: the signal chain.
    """

    field: str = "log_mel"
    features: LogMel = LogMel()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one window: (129, 128) of log-mel, or (66150,) samples."""
        chain = self.features
        return (chain.window_frames, chain.n_mels) if self.field == "log_mel" else (chain.excerpt_samples,)

    @property
    def optional(self) -> tuple[str, ...]:
        """Which of a record's optional fields must be decoded."""
        return () if self.field == "log_mel" else (self.field,)

    def require(self, dataset: Dataset) -> None:
        """Checks that the records hold it.

        Raises:
            UserError: if they do not.
        """
        for name in set(self.optional) - set(dataset.schema.optional):
            raise UserError(
                f"{dataset.folder}: the network takes samples and the records hold none; build them with "
                f"--features=log_mel,{name}"
            )

    def frames(self, row: Mapping) -> int:
        """Frames of a whole track."""
        return len(row[self.field]) // self._step

    def stretch(self, row: Mapping, start: int, frames: int) -> np.ndarray:
        """A copy of `frames` frames from `start`, as the record holds them; samples reach on to the last window's end.

        A copy, since a view would hold the whole track in memory.
        """
        over = self.shape[0] - self.features.window_frames * self._step
        return row[self.field][start * self._step : (start + frames) * self._step + over].copy()

    def cut(self, row: Mapping, start: int) -> np.ndarray:
        """float32 window of `shape` from frame `start`; a track that ends before is filled up with silence."""
        sound = row[self.field]
        if self.field == "log_mel":
            return cut_window(sound, start)
        # The window's first sample is the middle of its first frame, as the frontends expect it.
        window = sound[start * self._step : start * self._step + self.shape[0]].astype(np.float32) * PCM_SCALE
        return np.pad(window, (0, self.shape[0] - len(window)))

    @property
    def _step(self) -> int:
        return 1 if self.field == "log_mel" else self.features.hop


LOG_MEL, AUDIO = Signal("log_mel"), Signal("audio")


def signal_of(network: Mapping) -> Signal:
    """What a network takes that is built with these arguments of `dmml_tf.models.embedding.build_embedding`."""
    return LOG_MEL if network.get("frontend", "log_mel") == "log_mel" else AUDIO


def signal_for(embedding: keras.Model) -> Signal:
    """What a network takes, by the shape of its input: [batch, 129, 128] or [batch, 66150]."""
    return LOG_MEL if len(embedding.input_shape) == 3 else AUDIO


def cut_window(log_mel: np.ndarray, start: int) -> np.ndarray:
    """float32 [129, 128] from `start`; a track shorter than that is filled up with silence."""
    length = LogMel().window_frames
    window = log_mel[start : start + length].astype(np.float32)
    return np.pad(window, ((0, length - len(window)), (0, 0))) if len(window) < length else window
