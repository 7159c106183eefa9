"""Windows that no song holds, made of those that songs hold: played faster or slower, higher or lower, two at once.

With few songs a network soon knows each by heart. What is varied here does not change what the song is, or changes it
in a way that is known: its tempo by the speed, what was heard in two songs to the mean of both.
"""

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import librosa
import numpy as np

from dmml_tf.conditions import Labels
from dmml_tf.conditions.labels import Array
from dmml_tf.conditions.tags import share_a_tag
from dmml_tf.data.signal import Signal
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

_TEMPO = "tempo"  # the one value that a song's speed changes
_SHIFT_STEP = 0.5  # semitones between two shifts: less than a band of the paper's chain below 1 kHz


@dataclasses.dataclass(frozen=True)
class Variation:
    """How far windows are varied; each limit at 0 leaves out its variation.

    >>> plan = dmml.BatchPlan(variation={"speed": 0.25, "pitch": 4, "mixed": 0.5})    # config.batch.variation

    Attributes:
        speed: limit of the natural logarithm of the speed, at the same pitch; .25 is from .78 to 1.28 times.
        pitch: semitones at most, up or down, at the same speed.
        mixed: share of the windows that have another one of the batch mixed into them.
        mixed_db: the softest level, in dB, of that other one; the loudest is that of the window itself.
        mixed_within: a column of tags; only windows that share one of them are mixed. Empty: any two of two tracks.
        blanked: at most this share of the bands, side by side, is silent throughout, and of the frames in all bands
            (Park et al., Interspeech 2019, without their warp).
    """

    speed: float = 0.0
    pitch: float = 0.0
    mixed: float = 0.0
    mixed_db: float = -18.0
    mixed_within: str = ""
    blanked: float = 0.0

    def __post_init__(self) -> None:
        if (
            not 0 <= self.speed <= 1
            or not 0 <= self.pitch <= 24
            or not 0 <= self.mixed <= 1
            or self.mixed_db > 0
            or not 0 <= self.blanked < 1
        ):
            raise UserError(
                "config.batch.variation: speed and mixed lie in 0..1, pitch in 0..24 semitones, mixed_db is not above "
                f"0, blanked is below 1; got {self}"
            )

    @classmethod
    def of(cls, fields: "Variation | Mapping[str, Any]") -> "Variation":
        """A variation as it is, or of its fields.

        Raises:
            UserError: on a field that is none.
        """
        if isinstance(fields, Variation):
            return fields
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := [name for name in fields if name not in known]:
            raise UserError(f"config.batch.variation has no field '{unknown[0]}'; known are: {', '.join(known)}")
        return cls(**fields)

    def require(self, signal: Signal, tags: Collection[str]) -> None:
        """Refuses networks that take samples, of which nothing here is varied, and a column that there is not.

        Args:
            signal: what a window is made of.
            tags: the records' columns of tags.

        Raises:
            UserError: with the mend.
        """
        if signal.takes_samples and self != Variation():
            raise UserError("config.batch.variation varies log-mels and this network takes samples; leave it out")
        if self.mixed_within and self.mixed_within not in tags:
            raise UserError(
                f"config.batch.variation.mixed_within: the records have no column '{self.mixed_within}' of tags; they "
                f"have: {', '.join(tags) or 'none'}"
            )

    def draw_speeds(self, track: Array, rng: np.random.Generator) -> Array:
        """float64 [B]: how many times faster each window is; without any variation all 1, and `rng` is not used.

        Args:
            track: int [B], the windows' tracks. Two windows of each are of one speed, so that they are known to be of
                one tempo, whatever it is.
            rng: source of every choice.
        """
        if self == NONE:
            return np.ones(len(track))
        speeds: Array = np.exp(rng.uniform(-self.speed, self.speed, len(track)))
        same = np.flatnonzero(track[1::2] == track[:-1:2]) * 2
        speeds[same + 1] = speeds[same]
        return speeds


NONE = Variation()


def cut_varied(
    rows: Sequence[Mapping[str, Any]],
    starts: Array,
    labels: Labels,
    speeds: Array,
    variation: Variation,
    rng: np.random.Generator,
    signal: Signal,
    empty: Callable[[tuple[int, ...], np.dtype[Any]], Array] = np.empty,
) -> tuple[Array, dict[str, Array]]:
    """Cuts one window of each row and varies it.

    Args:
        rows: B tracks as the pool holds them.
        starts: int [B], first frame of each window in its row.
        labels: columns of the windows, with `track`.
        speeds: float [B], of `Variation.draw_speeds`.
        variation: how; without any, `rng` is not used.
        rng: source of every choice.
        signal: what a window is made of.
        empty: gives the array of windows that are not varied.

    Returns:
        The windows [B, ...], float32, or without any variation as the rows hold them; and their labels: the tempo times
        the speed, NaN where another song is mixed in, and three columns more where any of this is varied:
        `speed` float32 [B]; `mixed_with` int32 [B], the window that is mixed in, and `mixed_share` float32 [B], its
        share. Any other label is that of the window itself, which is at least as loud.
    """
    if variation == NONE:
        return signal.cut_all(rows, starts, empty), dict(labels)
    length = signal.shape[0]
    windows = np.stack(
        [cut_at_speed(row[signal.field], int(start), speed, length) for row, start, speed in zip(rows, starts, speeds)]
    )
    if variation.pitch:
        windows = shift_pitch(windows, variation.pitch, signal.features, rng)
    able = _mixable(labels, variation.mixed_within)
    windows, other, share = mix_windows(windows, variation.mixed, variation.mixed_db, able, rng)
    if variation.blanked:
        blank(windows, variation.blanked, rng)
    varied = {"speed": speeds.astype(np.float32), "mixed_with": other.astype(np.int32), "mixed_share": share}
    if _TEMPO in labels:
        varied[_TEMPO] = np.where(share > 0, np.nan, labels[_TEMPO] * speeds).astype(np.float32)
    return windows, {**labels, **varied}


def _mixable(labels: Labels, within: str) -> Array:
    """bool [B, B]: which two windows may be mixed: those of two tracks that share a tag of the column `within`."""
    track = labels["track"]
    able: Array = track[:, None] != track[None]
    if within:
        able &= share_a_tag(labels[within][:, None], labels[within][None])
    return able


def cut_at_speed(frames: Array, start: int, speed: float, length: int) -> Array:
    """A window of a song that is played at another speed and the same pitch: its frames are interpolated in time.

    Args:
        frames: float [N, bands] of the song.
        start: its first frame.
        speed: times faster.
        length: frames of the window.

    Returns:
        float32 [length, bands]; what lies behind the song's end is silence.
    """
    reach = int(np.ceil((length - 1) * speed)) + 2
    held = frames[start : start + reach].astype(np.float32)
    held = np.pad(held, ((0, reach - len(held)), (0, 0)))
    whole, part = np.divmod(np.arange(length) * speed, 1)
    before, share = whole.astype(int), part[:, None].astype(np.float32)
    window: Array = held[before] * (1 - share) + held[before + 1] * share
    return window


def shift_pitch(windows: Array, semitones: float, features: LogMel, rng: np.random.Generator) -> Array:
    """Each window higher or lower by a random number of half semitones: its bands are moved along the mel scale.

    Args:
        windows: float32 [B, frames, bands].
        semitones: limit, up and down.
    """
    steps = int(semitones / _SHIFT_STEP)
    drawn = rng.integers(-steps, steps + 1, len(windows))
    shifted = np.empty_like(windows)
    for window, step, moved in zip(windows, drawn, shifted):
        (below, above), (share_below, share_above) = _moved_bands(int(step), features)
        # Two reads are ten times as fast as a product with a matrix that is nearly all zeros.
        moved[:] = window[:, below] * share_below + window[:, above] * share_above
    return shifted


@functools.cache
def _moved_bands(step: int, features: LogMel) -> tuple[Array, Array]:
    """Each band of a window whose pitch is shifted by `step` half semitones: which two bands it is made of, and how.

    Returns:
        int [2, bands], and their shares float32 [2, bands].
    """
    bands = features.n_mels
    centres = librosa.mel_frequencies(bands + 2, fmin=0.0, fmax=features.sample_rate / 2)[1:-1]
    source = np.interp(centres / 2 ** (step * _SHIFT_STEP / 12), centres, np.arange(bands), right=-1)
    known = source >= 0  # above the highest band nothing is known: silence
    below, share = np.divmod(np.maximum(source, 0), 1)
    places = np.stack([below, np.minimum(below + 1, bands - 1)]).astype(int)
    return places, (np.stack([1 - share, share]) * known).astype(np.float32)


def mix_windows(
    windows: Array, share: float, softest_db: float, able: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Mixes into some of the windows another one of the batch, of another track: powers of the bands are added.

    Args:
        windows: float32 [B, frames, bands] of log10(1 + 10 S).
        share: of the windows that are mixed.
        softest_db: level of the other one, drawn between this and 0 dB.
        able: bool [B, B], which two may be mixed.

    Returns:
        The windows; int [B], the other one of each; float32 [B], the other's share in the sum of both magnitudes, at
        most a half and 0 where nothing is mixed in.
    """
    count = len(windows)
    other = (np.arange(count) + rng.integers(1, max(count, 2), count)) % count
    level = 10 ** (rng.uniform(softest_db, 0, count) / 20)
    level[(rng.random(count) >= share) | ~able[np.arange(count), other]] = 0
    magnitudes = np.power(np.float32(10), windows) - 1  # 10 S
    mixed = np.log10(1 + magnitudes + level[:, None, None].astype(np.float32) * magnitudes[other])
    return mixed, other, (level / (1 + level)).astype(np.float32)


def blank(windows: Array, share: float, rng: np.random.Generator) -> None:
    """Silences a run of bands and a run of frames of each window, of random length and place; in the array itself.

    Args:
        windows: float32 [B, frames, bands].
        share: of the bands, and of the frames, at most.
    """
    for axis in (1, 2):
        size = windows.shape[axis]
        length = rng.integers(int(share * size) + 1, size=len(windows))[:, None]
        first = rng.integers(size - length[:, 0] + 1)[:, None]
        place = np.arange(size)
        silent = (place >= first) & (place < first + length)
        windows *= ~np.expand_dims(silent, 3 - axis)
