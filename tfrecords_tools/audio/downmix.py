"""Channels -> mono, by ITU-R BS.775, without losing a song whose channels cancel or of which one channel sounds alone.

The law is BS.775-3, annex 4, table 2 (3/2 to 2/0), and the mean of its two sides: L' = L + .7071 C + .7071 Ls and
R' = R + .7071 C + .7071 Rs, mono = (L' + R') / 2, without the low-frequency channel. So stereo is the plain mean, and
stereo in a file of six channels sounds as it does in a file of two. A single channel is taken as it is.

Some files hold one side upside down, of which the mean is silence, or one side alone, of which the mean is 6 dB too
quiet. Each stretch of 10 s is therefore mixed once its channels' powers are known: whether one sounds alone is said of
the stretch, as many a song begins on one side; whether they cancel of each second in it.
"""

import functools
from collections.abc import Iterator, Sequence

import numpy as np

from tfrecords_tools.notes import Note

# Seconds of sound that are mixed together: more would leave the processor's cache before they are read again.
STRETCH_SECONDS = 10
# The channels cancel where the mix has less than this share of the power that it would have if they had nothing in
# common: correlated by less than -.9, which a wide stereo image does not reach.
CANCELLED_SHARE = 0.1
# A channel is silent that has less than this share of the loudest one's power (-60 dB) ...
SILENT_SHARE = 1e-6
# ... and nothing is judged where the loudest is below -70 dB of full scale: noise of converters.
LEAST_POWER = 1e-7
# Seconds that are worth a note: fewer are the end of an echo on one side.
_NOTED_SECONDS = 0.5
_SIDE = 0.5
_CENTRE = 0.7071  # half of .7071 on either side
_SURROUND = 0.3536
_REAR_CENTRE = 0.5
# Share of each channel in the mix, by FFmpeg's name of it; also the order of WAVEFORMATEXTENSIBLE's channel mask.
WEIGHTS = {
    "FL": _SIDE,
    "FR": _SIDE,
    "FC": _CENTRE,
    "LFE": 0.0,
    "BL": _SURROUND,
    "BR": _SURROUND,
    "FLC": _SIDE,
    "FRC": _SIDE,
    "BC": _REAR_CENTRE,
    "SL": _SURROUND,
    "SR": _SURROUND,
    "TC": _REAR_CENTRE,
    "TFL": _SURROUND,
    "TFC": _REAR_CENTRE,
    "TFR": _SURROUND,
    "TBL": _SURROUND,
    "TBC": _REAR_CENTRE,
    "TBR": _SURROUND,
    # Beyond the mask: stereo that was mixed down before, wide sides, a second low-frequency channel.
    "DL": _SIDE,
    "DR": _SIDE,
    "WL": _SIDE,
    "WR": _SIDE,
    "LFE2": 0.0,
}
# What the channels of a file are that names none, by their number (order of WAV, FLAC and FFmpeg).
USUAL_CHANNELS = {
    1: ("FC",),
    2: ("FL", "FR"),
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}


def mono_weights(names: Sequence[str]) -> np.ndarray:
    """Share of each channel in the mono mix.

    Args:
        names: of the channels, as FFmpeg has them (`FL`, `FR`, `FC`, `LFE`, ...); an unknown one makes all alike.

    Returns:
        float32 [channels]; 1 for a single channel, 1/2 each for stereo, 1/channels each where nothing is known.
    """
    if len(names) == 1:
        return np.ones(1, np.float32)
    weights = [WEIGHTS.get(name) for name in names]
    if None in weights or not any(weights):
        return np.full(len(names), 1 / len(names), np.float32)
    return np.array(weights, np.float32)


class Downmix:
    """Mixes one stream's blocks down, a stretch of 10 s at a time.

    Args:
        names: of the channels, see `mono_weights`.
        rate: Hz.
    """

    def __init__(self, names: Sequence[str], rate: float):
        self._weights = mono_weights(names)
        self._rate = rate
        self._second = max(1, int(rate))
        self._cancelled = self._alone = 0
        self._begin()

    def _begin(self) -> None:
        """Begins a stretch: its blocks, their mixes, and each second's sums of squares, of its channels and the mix."""
        self._blocks: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._frames = 0
        self._squares = np.zeros((STRETCH_SECONDS, len(self._weights) + 1))

    def add(self, block: np.ndarray) -> Iterator[np.ndarray]:
        """Takes float32 [frames, channels]; yields the mono blocks, float32 [frames], of each stretch that is full."""
        if len(self._weights) == 1:
            yield block[:, 0]
            return
        while len(block):
            # Cut only where the stretch ends: each piece costs a call of the resampler.
            taken, block = np.split(block, [STRETCH_SECONDS * self._second - self._frames])
            mix = _weighted(taken.T, self._weights)
            for place, frames in self._seconds(self._frames, len(taken)):
                signals = (*taken[frames].T, mix[frames])
                self._squares[place] += [np.dot(signal, signal) for signal in signals]
            self._blocks.append((self._frames, taken, mix))
            self._frames += len(taken)
            if self._frames == STRETCH_SECONDS * self._second:
                yield from self._stretch_mixed()

    def end(self) -> Iterator[np.ndarray]:
        """Yields what is left of the stream."""
        yield from self._stretch_mixed()

    def notes(self) -> Iterator[Note]:
        """What was odd in the channels so far."""
        if self._cancelled >= _NOTED_SECONDS * self._rate:
            yield Note(
                "channels",
                f"its channels cancel each other for {self._cancelled / self._rate:.1f} s",
                "took the loudest channel there",
            )
        if self._alone >= _NOTED_SECONDS * self._rate:
            yield Note(
                "channels",
                f"one of its {len(self._weights)} channels sounds alone for {self._alone / self._rate:.1f} s",
                "took that channel there",
            )

    def _seconds(self, first: int, count: int) -> Iterator[tuple[int, slice]]:
        """The seconds of the stretch in which `count` frames from `first` on lie, and which of those frames do."""
        for place in range(first // self._second, -(-(first + count) // self._second)):
            start = place * self._second - first
            yield place, slice(max(0, start), start + self._second)

    def _stretch_mixed(self) -> Iterator[np.ndarray]:
        """The mono blocks of the stretch that has come; the next one begins."""
        blocks, taken = self._blocks, self._judge()
        self._begin()
        for first, block, mix in blocks:
            for place, frames in self._seconds(first, len(mix)):
                if taken[place] >= 0:
                    mix[frames] = block[frames, taken[place]]
            yield mix

    def _judge(self) -> np.ndarray:
        """For each second the channel that stands for all, where one sounds alone or they cancel; -1 for the mix."""
        *stretch, _ = self._squares.sum(0) / max(1, self._frames)
        if max(stretch) > LEAST_POWER and np.count_nonzero(stretch >= SILENT_SHARE * max(stretch)) == 1:
            self._alone += self._frames
            return np.full(STRETCH_SECONDS, np.argmax(stretch))
        lengths = np.clip(self._frames - self._second * np.arange(STRETCH_SECONDS), 0, self._second)
        powers = self._squares / np.maximum(1, lengths)[:, None]
        # Each channel's power in a mix of channels that have nothing in common.
        shares = np.square(self._weights) * powers[:, :-1]
        cancelled = (powers[:, :-1].max(1) > LEAST_POWER) & (powers[:, -1] < CANCELLED_SHARE * shares.sum(1))
        self._cancelled += int(lengths[cancelled].sum())
        # To go from one side to the other, which is it upside down, would be heard: the stretch's loudest is favoured.
        favoured = np.where(np.arange(len(stretch)) == np.argmax(np.square(self._weights) * stretch), 2.0, 1.0)
        return np.where(cancelled, np.argmax(shares * favoured, axis=1), -1)


def _weighted(channels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float32 [frames]: sum of the channels that count, float32 [channels, frames], times their weights."""
    if len(weights) == 2 and weights[0] == weights[1]:
        mix = channels[0] + channels[1]
        mix *= weights[0]
        return mix
    return functools.reduce(np.add, [channel * weight for channel, weight in zip(channels, weights) if weight])
