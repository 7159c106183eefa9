"""Songs in an order, as the API gives them: a path from one song to another."""

import itertools

from dmml_tf.explore.ask import Asker, agreeing, rules_of
from dmml_tf.explore.schemas import PathAnswer, PathQuestion, Stop
from dmml_tf.library.path import song_path


def path_answer(asker: Asker, asked: PathQuestion) -> PathAnswer:
    """The songs of the index on the way, both ends included where they are of it.

    Raises:
        UserError: if an end is not known, or as `song_path`.
    """
    index, rules = asker.songs.index, rules_of(asked)
    start, end = asker.example(asked.start), asker.example(asked.end)
    searched = asker.songs.searched(demand.column for demand in rules.filters)
    found = song_path(searched, start.query, end.query, asked.steps, asked.weights, asked.keep, rules)
    pairs = itertools.pairwise([None, *found.stops])
    shown = []
    for rank, (before, stop) in enumerate(pairs, 1):
        if stop is None or stop.track is None:
            continue
        row = index.position(stop.track["id"])
        shown.append(
            Stop(
                **asker.songs.song(row),
                rank=rank,
                step=stop.step,
                progress=stop.progress,
                cosines=dict(stop.cosines),
                agrees=agreeing(index, dict.fromkeys(index.names, before.track if before else None), stop.track),
                near=asker.near(row),
            )
        )
    return PathAnswer(
        songs=shown,
        asked=[asker.asked_by(ref) for ref in dict.fromkeys([asked.start, asked.end])],
        apart=found.apart,
        largest=found.largest,
        mean=found.mean,
    )
