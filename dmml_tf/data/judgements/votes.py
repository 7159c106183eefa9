"""Votes on triplets of clips: counts as dim-sim publishes them, or a row for each vote as `dmml judge` writes them.

A row of either has dim-sim's columns (Lee et al., ICASSP 2020; Zenodo record 3889149). A row of one vote has those of
`FURTHER` too. Of a listener's repeats the vote columns are zero, so that whoever adds votes up counts nobody twice.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dmml_tf.data.judgements.table import number_of, table_rows, text_of
from tfrecords_tools.errors import UserError

ROLES = ("anchor", "song1", "song2")
DIM_SIM = (
    "triplet_id",
    *(f"{role}_{field}" for role in ROLES for field in ("id", "start_seconds", "start_samples")),
    "sampling_rate",
    "clip_lengths_seconds",
    "clip_lengths_samples",
    "song1_vote",
    "song2_vote",
)
FURTHER = (
    "vote_id",
    "listener",
    "answer",
    "song1_side",
    "repeat_of",
    "why_asked",
    "times_as_likely",
    "disagreement",
    "plays",
    "seconds",
    "answered_at",
)
# What a listener may answer: which song is closer to the anchor, that both are alike, or that it cannot be told.
ANSWERS = (SONG1, SONG2, SAME, NEITHER) = ("song1", "song2", "same", "neither")
# Why a triplet is asked: drawn as dim-sim's were, or because systems or sub-spaces disagree about it.
RANDOM, DISAGREEING = "random", "disagreeing"


@dataclasses.dataclass(frozen=True)
class Clip:
    """A stretch of a song.

    Attributes:
        song: its id, which names its file.
        start: seconds into the song.
        seconds: length; None takes what the file holds.
        file: path of its audio inside the folder of clips, where the judgements name one; else empty.
    """

    song: str
    start: float = 0.0
    seconds: float | None = None
    file: str = ""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A triplet and all that was answered.

    Attributes:
        clips: anchor, song1, song2.
        counts: votes for each of `ANSWERS`, without repeats.
        why: `RANDOM` or `DISAGREEING`.
        times_as_likely: how many times as likely it was asked as a triplet is that is drawn at random; what lies in
            the part of the triplets that is asked more often has a number above 1, the rest one below.
    """

    clips: tuple[Clip, Clip, Clip]
    counts: tuple[float, ...]
    why: str = RANDOM
    times_as_likely: float = 1.0

    def closer(self, agreement: float) -> int | None:
        """0 if the first song has the majority, 1 if the second has; None without one, or with a share below."""
        # Who answered neither has voted against both: one who hears it and nine who do not are no agreement.
        return majority(self.counts[:2], agreement, sum(self.counts))


@dataclasses.dataclass(frozen=True)
class Answer:
    """One listener's answer to one showing of a triplet.

    Attributes:
        asked: place of the triplet in `Votes.asked`.
        listener: code.
        answer: one of `ANSWERS`.
        song1_at_a: whether the first song was the one called A.
        repeat_of: place in `Votes.answers` of the same listener's first answer to it; None for a first one.
    """

    asked: int
    listener: str
    answer: str
    song1_at_a: bool
    repeat_of: int | None = None


@dataclasses.dataclass(frozen=True)
class Votes:
    """A file of votes.

    Attributes:
        asked: the triplets, each once.
        answers: in the file's order; empty where it holds counts alone.
    """

    asked: tuple[Asked, ...]
    answers: tuple[Answer, ...] = ()


def read_votes(path: str | os.PathLike[str]) -> Votes:
    """Reads counts of votes, single votes, or both in one file; CSV or JSON.

    Rows of one `triplet_id` and the same clips are one triplet: their votes are added up. A row without that id is a
    triplet of its own.

    Raises:
        UserError: naming the file, the row and the field that cannot be read.
    """
    asked: list[Asked] = []
    places: dict[tuple[str, tuple[Clip, ...]], int] = {}
    answers: list[Answer] = []
    by_id: dict[str, int] = {}  # vote id -> place among the answers
    for number, (place, row) in enumerate(table_rows(Path(path))):
        clips = _clips(row, place)
        given = _answer(row, place)
        votes = [number_of(row, f"{role}_vote", place) for role in ROLES[1:]]
        first = given is None or not str(row.get("repeat_of") or "").strip()
        counts = (*votes, *(float(first and given == answer) for answer in ANSWERS[2:]))
        key = (str(row.get("triplet_id") or f"row {number}"), clips)
        if key not in places:
            places[key] = len(asked)
            asked.append(Asked(clips, (0.0,) * 4, *_why(row, place)))
        at = places[key]
        asked[at] = dataclasses.replace(asked[at], counts=tuple(map(sum, zip(asked[at].counts, counts))))
        if given is not None:
            by_id[text_of(row, "vote_id", place)] = len(answers)
            repeat_of = None if first else _first(row, place, by_id)
            side = _one_of(row, "song1_side", ("A", "B"), place)
            answers.append(Answer(at, text_of(row, "listener", place), given, side == "A", repeat_of))
    return Votes(tuple(asked), tuple(answers))


def majority(votes: Sequence[float], agreement: float, total: float | None = None) -> int | None:
    """Position of the most votes; None on a tie for the most, no vote, or a share of `total` below `agreement`.

    `total` is the sum of the votes, if it is not given.
    """
    most = max(votes)
    total = sum(votes) if total is None else total
    # A share such as 9 of 10 must not fail by rounding.
    if most <= 0 or list(votes).count(most) > 1 or most < agreement * total - 1e-9:
        return None
    return list(votes).index(most)


def _clips(row: Mapping[str, Any], place: str) -> tuple[Clip, Clip, Clip]:
    anchor, song1, song2 = (
        Clip(
            text_of(row, f"{role}_id", place),
            number_of(row, f"{role}_start_seconds", place),
            number_of(row, "clip_lengths_seconds", place),
        )
        for role in ROLES
    )
    return anchor, song1, song2


def _answer(row: Mapping[str, Any], place: str) -> str | None:
    return _one_of(row, "answer", ANSWERS, place) if "answer" in row else None


def _why(row: Mapping[str, Any], place: str) -> tuple[str, float]:
    if "why_asked" not in row:
        return RANDOM, 1.0
    likely = number_of(row, "times_as_likely", place)
    if not likely:
        raise UserError(f"{place}: 'times_as_likely' is 0; what was asked was likely, so it must be above 0")
    return _one_of(row, "why_asked", (RANDOM, DISAGREEING), place), likely


def _first(row: Mapping[str, Any], place: str, by_id: Mapping[str, int]) -> int:
    name = text_of(row, "repeat_of", place)
    if name not in by_id:
        raise UserError(f"{place}: 'repeat_of' is '{name[:40]}', and no row above has that 'vote_id'")
    return by_id[name]


def _one_of(row: Mapping[str, Any], field: str, known: Sequence[str], place: str) -> str:
    text = text_of(row, field, place)
    if text not in known:
        raise UserError(f"{place}: '{field}' is '{text[:40]}'; it must be one of {', '.join(known)}")
    return text
