"""Which triplets of clips people are asked.

At random as dim-sim's were (Lee et al., ICASSP 2020): an anchor and two other songs, 3 s each from anywhere. Or, for a
share of them, at random among the tenth of such triplets about which systems or sub-spaces disagree most. Every
question says how many times as likely it was asked as at random, so that rates can be weighted back.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from dmml_tf.data.judgements.votes import DISAGREEING, RANDOM, Clip
from dmml_tf.judge.songs import SECONDS, Song
from tfrecords_tools.features import LogMel

MOST_DISAGREED = 0.1  # of all triplets, about which disagreement is largest
_CLIPS = 384  # that triplets are drawn from, or three for each question
_CANDIDATES = 4000  # triplets that are compared, or what the questions take

Triplet = tuple[Clip, Clip, Clip]  # anchor, song1, song2
Disagreement = Callable[[Sequence[Triplet]], np.ndarray]  # float [n]; NaN where it is not known


@dataclasses.dataclass(frozen=True)
class Question:
    """A triplet that people are asked about.

    Attributes:
        clips: anchor, song1, song2.
        why: `RANDOM` or `DISAGREEING`.
        times_as_likely: see `dmml_tf.data.judgements.votes.Asked`.
        disagreement: see `dmml_tf.judge.disagreement.disagreement`; None where it was not asked for.
    """

    clips: Triplet
    why: str = RANDOM
    times_as_likely: float = 1.0
    disagreement: float | None = None

    @property
    def triplet_id(self) -> str:
        """The same for the same clips, whoever draws them."""
        text = "\n".join(f"{clip.song}\t{clip.start:.6f}" for clip in self.clips)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def draw_questions(
    songs: Sequence[Song], features: LogMel, count: int, share: float, disagreement: Disagreement, seed: int
) -> list[Question]:
    """Draws `count` questions, the same ones for the same songs and seed.

    Args:
        songs: three or more.
        features: the signal chain, whose frames clips begin at.
        count: questions.
        share: of them that are asked because systems disagree, below 1: else nothing would be known of the rest.
        disagreement: of triplets; is called if `share` takes a question.
        seed: of the draw.
    """
    rng = np.random.default_rng([seed, 0x6A756467])
    contested = round(share * count)
    clips = draw_clips(songs, features, max(_CLIPS, 3 * count), rng)
    at_random = _draw_triplets(clips, count - contested, rng)
    if not contested:
        return [Question(triplet) for triplet in at_random]
    candidates = _draw_triplets(clips, max(_CANDIDATES, round(2 * contested / MOST_DISAGREED)), rng)
    known = disagreement([*at_random, *candidates])
    # Of a clip that the records end before, nothing is known: no such triplet is asked.
    drawn, others = known[: len(at_random)], known[len(at_random) :]
    # Where fewer than a tenth are disputed at all, those are it.
    least = max(float(np.nanquantile(others, 1 - MOST_DISAGREED)), float(np.finfo(float).tiny))
    part = float((others[~np.isnan(others)] >= least).mean())
    taken = {*at_random}
    most = [place for place in np.flatnonzero(others >= least).tolist() if candidates[place] not in taken]
    chosen = rng.permutation(most)[:contested].tolist()
    asked_more = len(chosen) / (len(chosen) + len(at_random))

    def question(triplet: Triplet, why: str, value: float) -> Question:
        likely = 1 - asked_more + (asked_more / part if value >= least else 0)
        return Question(triplet, why, round(likely, 6), round(value, 6))

    return [question(t, RANDOM, float(value)) for t, value in zip(at_random, drawn) if not np.isnan(value)] + [
        question(candidates[place], DISAGREEING, float(others[place])) for place in chosen
    ]


def draw_clips(songs: Sequence[Song], features: LogMel, count: int, rng: np.random.Generator) -> list[Clip]:
    """Clips of 3 s from anywhere in a song, at frames of the chain; every song as often as another, by one at most."""
    orders = [rng.permutation(len(songs)) for _ in range(-(-count // len(songs)))]
    clips: dict[Clip, None] = {}
    for place in np.concatenate(orders)[:count].tolist():
        samples = int(songs[place].seconds * features.sample_rate) - features.excerpt_samples
        frame = int(rng.integers(max(samples, 0) // features.hop + 1))
        clips[Clip(songs[place].track_id, round(frame * features.hop / features.sample_rate, 6), SECONDS)] = None
    return list(clips)


def _draw_triplets(clips: Sequence[Clip], count: int, rng: np.random.Generator) -> list[Triplet]:
    """Different triplets of three songs each; fewer where so few clips have no more."""
    found: dict[Triplet, None] = {}
    for _ in range(20 * count):
        if len(found) == count:
            break
        anchor, one, other = (clips[place] for place in rng.choice(len(clips), 3, replace=False).tolist())
        if len({anchor.song, one.song, other.song}) == 3:
            # Which is called song1 means nothing: by name, so that one triplet is one.
            first, second = sorted((one, other), key=lambda clip: (clip.song, clip.start))
            found[(anchor, first, second)] = None
    return list(found)
