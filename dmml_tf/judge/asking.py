"""From a run and its records to questions that are ready to be asked."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from dmml_tf.judge.disagreement import disagreement, margins_by_space
from dmml_tf.judge.questions import Question, draw_questions
from dmml_tf.judge.sessions import Sessions
from dmml_tf.judge.songs import songs_to_play
from dmml_tf.judge.sound import clip_bytes
from dmml_tf.judge.votes_file import VotesFile
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset


@dataclasses.dataclass(frozen=True)
class Options:
    """What is asked.

    Attributes:
        split: of the songs.
        triplets: questions, which every listener gets.
        disagreeing: share of them that are asked because systems or sub-spaces disagree, below 1.
        repeats: share of them that a listener gets twice.
        seed: of the draw of triplets; orders and sides are drawn anew for each listener.
    """

    split: str = "test"
    triplets: int = 100
    disagreeing: float = 0.0
    repeats: float = 0.1
    seed: int = 0


@contextlib.contextmanager
def asking(runs: Sequence[Run], dataset: Dataset, out: Path, options: Options) -> Iterator[Sessions]:
    """Questions about a dataset's songs, and a file that takes the votes while the block lasts.

    Args:
        runs: whose spaces may disagree; asked only if `options.disagreeing` takes a question.
        dataset: the records, whose table says where the audio is.
        out: the file, which is added to.
        options: what is asked.

    Raises:
        UserError: if there is no audio to play, the file cannot take votes, or the records cannot be read.
    """
    songs = songs_to_play(dataset, options.split)
    by_id = {song.track_id: song for song in songs}

    def sounds(question: Question) -> list[bytes]:
        return clip_bytes([(by_id[clip.song], clip) for clip in question.clips])

    with VotesFile(out) as votes:
        questions = draw_questions(
            songs,
            dataset.features,
            options.triplets,
            options.disagreeing,
            lambda triplets: disagreement(margins_by_space(runs, dataset, triplets)),
            options.seed,
        )
        yield Sessions(questions, votes, sounds, options.repeats)
