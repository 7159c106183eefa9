"""A track to show a search with."""

from collections.abc import Mapping, Sequence

from dmml_tf.conditions import Condition
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_tracks


def clearest(index: Index, conditions: Sequence[Condition], k: int) -> Mapping[str, str]:
    """The held-out track whose k results, weighted on each condition alone, agree with it most often.

    An example for readers, chosen because it is clear: it says nothing of how good the searches are on average.

    Args:
        index: whose tracks of the test split, or all if there are none, are tried.
        conditions: each has a slice of the index; a result agrees with the query by the condition's own rule.
        k: results a search.
    """
    tracks = [track for track in index.tracks if track["split"] == "test"] or list(index.tracks)

    def agreements(track: Mapping[str, str]) -> int:
        query = by_tracks(index, [track["id"]])
        return sum(
            agree(condition, track, hit.track)
            for condition in conditions
            for hit in index.search(query, {condition.name: 1.0}, k)
        )

    return max(tracks, key=agreements)


def agree(condition: Condition, track: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two rows of metadata are similar by the condition's rule; two of which either is unlabelled are not."""
    return condition.agree(track.get(condition.column, ""), other.get(condition.column, ""))
