"""Simulated listeners: is what is measured of votes what was put in?

Their taste is one sub-space of a run: it decides which song is closer. How often they answer so, how often A unheard,
is put in. They answer the questions that people would get, through the same sessions, file and evaluation.
"""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dmml_tf.data.judgements.votes import SONG1, SONG2, read_votes
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.human import network_embed
from dmml_tf.evaluation.tables import format_score, markdown
from dmml_tf.evaluation.views import Views
from dmml_tf.evaluation.votes import ALL, VotingSystem, clip_sounds, score_votes
from dmml_tf.judge.asking import Options
from dmml_tf.judge.disagreement import disagreement, margins_by_space
from dmml_tf.judge.questions import Triplet, draw_questions
from dmml_tf.judge.sessions import A, B, Sessions
from dmml_tf.judge.songs import songs_to_play
from dmml_tf.judge.votes_file import VotesFile
from dmml_tf.run import Run
from dmml_tf.spaces import WHOLE
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

_POPULATION = 1000  # random triplets that stand for all


@dataclasses.dataclass(frozen=True)
class Listener:
    """A listener who is simulated.

    Attributes:
        towards_a: share of the answers that are A unheard.
        constant: share of them that are by taste; the rest is a coin's.
    """

    towards_a: float = 0.0
    constant: float = 1.0

    def answer(self, taste: str, song1_at_a: bool, rng: np.random.Generator) -> str:
        """`SONG1` or `SONG2`, where `taste` is the one that the listener finds closer."""
        drawn = rng.random()
        if drawn < self.towards_a:
            return SONG1 if song1_at_a else SONG2
        if drawn < self.towards_a + self.constant:
            return taste
        return SONG1 if rng.random() < 0.5 else SONG2

    @property
    def repeats_alike(self) -> float:
        """How often a repeat is answered as the first time: A unheard is a coin, since sides are drawn anew."""
        return self.constant**2 + (1 - self.constant**2) / 2


PANEL = {
    "constant": Listener(),
    "steady": Listener(0.0, 0.8),
    "half": Listener(0.0, 0.5),
    "leaning": Listener(0.2, 0.7),
    "left": Listener(0.5, 0.4),
}


def simulate(
    run: Run, dataset: Dataset, taste: str, options: Options, panel: Mapping[str, Listener] = PANEL
) -> dict[str, Any]:
    """Has simulated listeners answer, and measures.

    Args:
        run: whose sub-spaces are the taste and are scored.
        dataset: of the songs.
        taste: the sub-space that decides.
        options: what is asked.
        panel: code -> listener.

    Returns:
        `put_in`: code -> listener; `agreement_put_in`: space -> share of random triplets that it orders as the taste;
        `measured`: as `score_votes`.

    Raises:
        UserError: as `dmml_tf.judge.asking.asking`, or if the run has no such sub-space.
    """
    embedder = Embedder.of_run(run)
    views = Views.of_conditions(run.conditions, embedder.size, run.norm_order, run.masks)
    names = [WHOLE, *views.subspaces]
    if taste not in names:
        raise UserError(f"--taste: no sub-space '{taste}'; this run has: {', '.join(names)}")
    songs = songs_to_play(dataset, options.split)

    def margins(triplets: Sequence[Triplet]) -> np.ndarray:
        return margins_by_space([run], dataset, triplets)

    questions = draw_questions(
        songs,
        dataset.features,
        options.triplets,
        options.disagreeing,
        lambda triplets: disagreement(margins(triplets)),
        options.seed,
    )
    closer = margins([question.clips for question in questions])[:, names.index(taste)] > 0
    tastes = {question.triplet_id: SONG1 if first else SONG2 for question, first in zip(questions, closer)}
    # One over the seed: triplets that nobody was asked about.
    others = draw_questions(songs, dataset.features, _POPULATION, 0.0, lambda _: np.zeros(0), options.seed + 1)
    sides = margins([question.clips for question in others]) > 0
    alike = (sides == sides[:, [names.index(taste)]]).mean(axis=0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "votes.csv")
        with VotesFile(file) as votes:
            rng = np.random.default_rng([options.seed, 0x6C697374])
            sessions = Sessions(questions, votes, lambda _: [b""] * 3, options.repeats, rng)
            for code, listener in panel.items():
                _answer_all(sessions, code, listener, tastes, rng)
        read = read_votes(file)
    system = VotingSystem(network_embed(embedder), embedder.signal, views)
    measured = score_votes(read, {run.name: system}, clip_sounds(read, dataset, None), options.seed)
    return {
        "put_in": {code: dataclasses.asdict(listener) for code, listener in panel.items()},
        "agreement_put_in": {name: float(share) for name, share in zip(names, alike)},
        "measured": measured,
    }


def _answer_all(
    sessions: Sessions, code: str, listener: Listener, tastes: Mapping[str, str], rng: np.random.Generator
) -> None:
    while (showing := sessions.next(code)) is not None:
        given = listener.answer(tastes[showing.question.triplet_id], showing.song1_at_a, rng)
        sessions.vote(showing.token, A if (given == SONG1) == showing.song1_at_a else B, [1, 1, 1])


def simulation_text(content: Mapping[str, Any]) -> str:
    """Two tables: what was put in of each listener and of each space, and what was measured."""
    measured, put_in = content["measured"], content["put_in"]
    rows = []
    for code, listener in put_in.items():
        figures = measured["listeners"][code]
        cells = (f"{listener['towards_a']:.2f}", format_score(figures["towards_a"]))
        rows.append([code, *cells, f"{Listener(**listener).repeats_alike:.3f}", format_score(figures["repeats"])])
    (scored,) = measured["agreement"].values()
    spaces = [
        [space, f"{share:.3f}", *(format_score(strata[space]["0.5"]) for strata in scored.values())]
        for space, share in content["agreement_put_in"].items()
    ]
    alpha = measured["alpha"][ALL]
    return "\n\n".join(
        [
            markdown(["listener", "leaning put in", "measured", "repeats alike put in", "measured"], rows),
            markdown(["space", "agreement put in", *(f"measured, {stratum}" for stratum in scored)], spaces),
            f"Krippendorff's alpha, all: {format_score(alpha)}",
        ]
    )
