"""Songs in an order, as the API gives them: a path from one song to another, or a playlist."""

import itertools

from dmml_tf.explore.ask import Asker, agreeing, rules_of
from dmml_tf.explore.schemas import Listed, PathAnswer, PathQuestion, PlaylistAnswer, PlaylistQuestion, Stop
from dmml_tf.library.path import song_path
from dmml_tf.library.playlist import Taste, make_playlist
from dmml_tf.search.query import cosines_between, of_row


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


def playlist_answer(asker: Asker, asked: PlaylistQuestion) -> PlaylistAnswer:
    """The songs of a playlist, its seeds first where they are of the index.

    Raises:
        UserError: if a song is not known, or as `make_playlist`.
    """
    index, rules = asker.songs.index, rules_of(asked)
    groups = [[asker.example(ref).query for ref in refs] for refs in (asked.seeds, asked.likes, asked.dislikes)]
    taste = Taste(*groups)
    searched = asker.songs.searched(demand.column for demand in rules.filters)
    found = make_playlist(searched, taste, asked.songs, asked.minutes, asked.weights, asked.variety, rules)
    query, shown = taste.query(index), []
    for rank, listed in enumerate(found, 1):
        if listed.track is None:
            continue
        row = index.position(listed.track["id"])
        shown.append(
            Listed(
                **asker.songs.song(row),
                rank=rank,
                likeness=listed.likeness,
                nearest=listed.nearest,
                cosines=cosines_between(index, of_row(index, row), query),
                near=asker.near(row),
            )
        )
    refs = dict.fromkeys([*asked.seeds, *asked.likes, *asked.dislikes])
    return PlaylistAnswer(songs=shown, asked=[asker.asked_by(ref) for ref in refs])
