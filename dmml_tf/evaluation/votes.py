"""How systems agree with people's votes, and people with each other.

Strata: triplets that were drawn at random, those that were asked because systems disagree, and all of them, each
weighted by one over how likely it was asked, so that a rate is what random triplets alone would give.

Source: Lee et al., ICASSP 2020, section 4.3, for agreement with the majority.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dmml_tf.data.judgements.votes import ANSWERS, DISAGREEING, RANDOM, Votes
from dmml_tf.data.signal import Signal
from dmml_tf.evaluation.accuracy import Score, interval, resampled_weights
from dmml_tf.evaluation.alpha import alpha
from dmml_tf.evaluation.human import (
    Embed,
    EmbeddedClips,
    SoundOf,
    clip_log_mel,
    embed_judged,
    sound_of_records,
)
from dmml_tf.evaluation.listeners import listening
from dmml_tf.evaluation.views import Views
from dmml_tf.evaluation.vote_weights import as_sliders, fit_weights, halves
from dmml_tf.spaces import WHOLE
from tfrecords_tools.dataset import Dataset

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)  # least share of the votes for a majority
ALL = "all"
NOBODY = -1  # without a majority


@dataclasses.dataclass(frozen=True)
class VotingSystem:
    """A system that people are compared with.

    Attributes:
        embed: a clip's sound -> vector.
        signal: the form of that sound.
        views: how vectors are compared.
    """

    embed: Embed
    signal: Signal
    views: Views


def score_votes(
    votes: Votes,
    systems: Mapping[str, VotingSystem],
    sounds: Callable[[Signal], SoundOf],
    seed: int = 0,
    rounds: int = 1000,
) -> dict[str, Any]:
    """All figures of a file of votes, as `evaluation.json` holds them.

    Args:
        votes: from `dmml_tf.data.judgements.votes.read_votes`.
        systems: by name; the weights of the first one's sub-spaces are fitted.
        sounds: form of sound -> where clips of it are found.
        seed, rounds: of the bootstrap over songs, and of the halves.
    """
    listeners = sorted({answer.listener for answer in votes.answers})
    repeats = sum(answer.repeat_of is not None for answer in votes.answers)
    counts = np.array([asked.counts for asked in votes.asked])
    content: dict[str, Any] = {
        "triplets": len(votes.asked),
        "votes": int(counts.sum()),
        "repeats": repeats,
        "answers": dict(zip(ANSWERS, counts.sum(axis=0).tolist())),
        "all_listeners": dataclasses.asdict(listening(votes)),
        "listeners": {code: dataclasses.asdict(listening(votes, code)) for code in listeners},
        "alpha": _alpha_by_stratum(votes, seed, rounds),
        "majorities": {f"{t:g}": int((closer_songs(votes, t) != NOBODY).sum()) for t in THRESHOLDS},
        "agreement": {},
        "missing": {},
        "without_clips": 0,
    }
    for name, system in systems.items():
        triplets = [asked.clips for asked in votes.asked]
        judged = embed_judged(triplets, sounds(system.signal), system.embed)
        scored = ScoredVotes.of(votes, judged, system.views, seed, rounds)
        content["agreement"][name] = scored.agreement()
        content["missing"] |= judged.missing
        content["without_clips"] = max(content["without_clips"], judged.without_clips)
        if "weights" not in content:
            content["weights"] = scored.fitted_weights(seed)
    return content


def clip_sounds(votes: Votes, dataset: Dataset, folder: str | None) -> Callable[[Signal], SoundOf]:
    """Where the sound of the voted clips comes from, in the form that a system takes.

    Args:
        votes: whose clips are asked for.
        dataset: the records, which clips are cut from where there is no folder.
        folder: of the clips as audio or mel arrays (`dmml_tf.evaluation.human.clip_log_mel`); None takes the records.

    Raises:
        UserError: what is returned does, as `dmml_tf.evaluation.human.sound_of_records`.
    """
    if folder is not None:
        below = Path(folder)
        return lambda signal: lambda clip: clip_log_mel(clip, below, signal.features)
    clips = {clip for asked in votes.asked for clip in asked.clips}
    found: dict[str, SoundOf] = {}

    def sounds(signal: Signal) -> SoundOf:
        if signal.field not in found:
            found[signal.field] = sound_of_records(dataset, clips, signal)
        return found[signal.field]

    return sounds


def closer_songs(votes: Votes, threshold: float) -> np.ndarray:
    """int [T]: 0 where the first song has that share of the votes, 1 where the second, `NOBODY` elsewhere."""
    closer = [asked.closer(threshold) for asked in votes.asked]
    return np.array([NOBODY if song is None else song for song in closer], np.int64)


def strata(votes: Votes) -> dict[str, np.ndarray]:
    """Stratum -> float [T], how much each triplet counts in it; only `ALL` where all were drawn at random.

    `ALL` counts each by one over how likely it was asked.
    """
    why = np.array([asked.why for asked in votes.asked])
    likely = np.array([asked.times_as_likely for asked in votes.asked])
    parts = {ALL: 1 / likely}
    if (why == DISAGREEING).any():
        parts = {name: (why == name).astype(np.float64) for name in (RANDOM, DISAGREEING)} | parts
    return parts


def margins(space: np.ndarray, triplets: np.ndarray) -> np.ndarray:
    """float64 [n]: half the difference of the squared distances, above 0 where the second row is closer to the first.

    Args:
        space: float [N, D], vectors whose Euclidean distances are compared.
        triplets: int [n, 3], rows of it. Of vectors of unit length it is the difference of their cosines.
    """
    anchor, one, other = (space[triplets[:, k]].astype(np.float64) for k in range(3))
    return (np.square(anchor - other).sum(axis=1) - np.square(anchor - one).sum(axis=1)) / 2


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredVotes:
    """One system's distances beside the votes, of the T triplets whose clips could be used.

    Attributes:
        closer: threshold -> int [T], see `closer_songs`.
        margins: space -> float [T], how much closer the first song is.
        strata: stratum -> float [T].
        rounds: float [rounds, T], how often each triplet counts in each round of the bootstrap.
    """

    closer: Mapping[float, np.ndarray]
    margins: Mapping[str, np.ndarray]
    strata: Mapping[str, np.ndarray]
    rounds: np.ndarray

    @classmethod
    def of(cls, votes: Votes, judged: EmbeddedClips, views: Views, seed: int, rounds: int) -> "ScoredVotes":
        """From the clips under a system."""
        kept = judged.kept
        masks = {WHOLE: None, **views.subspaces} if len(kept) else {}
        return cls(
            {t: closer_songs(votes, t)[kept] for t in THRESHOLDS},
            {name: margins(views.space(judged.vectors, mask), judged.triplets) for name, mask in masks.items()},
            {name: weights[kept] for name, weights in strata(votes).items()},
            _rounds(judged.songs[judged.triplets], seed, rounds),
        )

    def agreement(self) -> dict[str, dict[str, dict[str, dict | None]]]:
        """{stratum: {space: {threshold: `Score` as a dictionary, or None without a majority}}}."""
        return {
            stratum: {
                space: {f"{t:g}": _as_dict(self.score(margin, t, stratum)) for t in THRESHOLDS}
                for space, margin in self.margins.items()
            }
            for stratum in self.strata
        }

    def score(
        self, margin: np.ndarray, threshold: float, stratum: str, among: np.ndarray | None = None
    ) -> Score | None:
        """Share of the majorities that a space agrees with, with its 95 % interval over songs.

        Args:
            margin: float [T]. Songs that are equally close agree with nobody.
            threshold: one of `THRESHOLDS`.
            stratum: which triplets, and how much each counts.
            among: int [n], the triplets that are looked at; None looks at all.
        """
        right, weights, rounds = self._right(margin, threshold, stratum, among)
        if not len(right):
            return None
        return Score(float(np.average(right, weights=weights)), *interval(_shares(right, rounds)), len(right))

    def fitted_weights(self, seed: int) -> dict[str, Any] | None:
        """Weights of the sub-spaces from one half of the majorities, and the other half's agreement under them.

        Returns:
            None of fewer than two sub-spaces or too few triplets; else the weights, how many triplets they were fitted
            on, and agreement on the others under them, under equal ones and of the whole space, and the difference
            between the first two.
        """
        names = [name for name in self.margins if name != WHOLE]
        voted = np.flatnonzero(self.closer[THRESHOLDS[0]] != NOBODY)
        parts = halves(len(voted), seed)
        if len(names) < 2 or parts is None:
            return None
        fit, rest = voted[parts[0]], voted[parts[1]]
        each = np.stack([self.margins[name] for name in names], axis=1)
        weights = fit_weights(each[fit], self.closer[THRESHOLDS[0]][fit] == 0, self.strata[ALL][fit])
        systems = {"fitted": each @ weights, "equal": each.sum(axis=1), "whole": self.margins[WHOLE]}
        scores = {name: _as_dict(self.score(m, THRESHOLDS[0], ALL, rest)) for name, m in systems.items()}
        return {
            "weights": as_sliders(names, weights),
            "fitted_on": len(fit),
            "scored_on": len(rest),
            **scores,
            "gain": self._difference(systems["fitted"], systems["equal"], rest),
        }

    def _difference(self, one: np.ndarray, other: np.ndarray, among: np.ndarray) -> dict[str, float]:
        pairs = [self._right(margin, THRESHOLDS[0], ALL, among) for margin in (one, other)]
        value, shares = (
            [np.average(right, weights=weights) for right, weights, _ in pairs],
            [_shares(right, rounds) for right, _, rounds in pairs],
        )
        low, high = interval(shares[0] - shares[1])
        return {"value": float(value[0] - value[1]), "low": low, "high": high}

    def _right(
        self, margin: np.ndarray, threshold: float, stratum: str, among: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the triplets with a majority: whether it is agreed with, how much each counts, and that in each round."""
        closer, weights = self.closer[threshold], self.strata[stratum]
        looked_at = np.arange(len(closer)) if among is None else among
        looked_at = looked_at[(closer[looked_at] != NOBODY) & (weights[looked_at] > 0)]
        right = np.where(closer == 0, margin > 0, margin < 0)[looked_at].astype(np.float64)
        return right, weights[looked_at], self.rounds[:, looked_at] * weights[looked_at]


def _alpha_by_stratum(votes: Votes, seed: int, rounds: int) -> dict[str, dict | None]:
    counts = np.array([asked.counts for asked in votes.asked])
    names = {song: number for number, song in enumerate(sorted({c.song for a in votes.asked for c in a.clips}))}
    songs = np.array([[names[clip.song] for clip in asked.clips] for asked in votes.asked])
    resampled = _rounds(songs, seed, rounds)

    def figure(weights: np.ndarray) -> dict | None:
        value, paired = float(alpha(counts, weights)), int(((counts.sum(axis=1) > 1) & (weights > 0)).sum())
        if np.isnan(value):
            return None
        known = alpha(counts, resampled * weights)
        known = known[~np.isnan(known)]
        low, high = interval(known) if len(known) else (-1.0, 1.0)
        return {"value": value, "low": low, "high": high, "n": paired}

    return {name: figure(weights) for name, weights in strata(votes).items()}


def _rounds(songs: np.ndarray, seed: int, rounds: int) -> np.ndarray:
    if not len(songs):
        return np.zeros((rounds, 0))
    return np.stack(list(resampled_weights(songs, int(songs.max()) + 1, seed, rounds)))


def _shares(right: np.ndarray, rounds: np.ndarray) -> np.ndarray:
    """float [rounds]: the weighted share that is right in each; NaN where a round drew no whole triplet."""
    total = rounds.sum(axis=1)
    return np.divide(rounds @ right, total, out=np.full(len(rounds), np.nan), where=total > 0)


def _as_dict(score: Score | None) -> dict | None:
    return None if score is None else dataclasses.asdict(score)
