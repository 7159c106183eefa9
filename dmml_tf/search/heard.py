"""Says of results that carry no label what the model's sub-spaces hear in them."""

import dataclasses
from collections.abc import Mapping, Sequence

from dmml_tf.heard.heard_as import HeardAs
from dmml_tf.heard.said import Heard
from dmml_tf.search.index import Hit, Index
from dmml_tf.search.show import labels_of


def with_heard(hits: Sequence[Hit], index: Index, heard_as: HeardAs | None, everywhere: bool = False) -> list[Hit]:
    """The hits, with what is heard in those without labels, or in all of them.

    Args:
        hits: of the index.
        index: holds their vectors.
        heard_as: of the weights that made the index; None hears nothing.
        everywhere: also in tracks that have labels.
    """
    said = heard_in(index, [hit.track["id"] for hit in hits], heard_as, everywhere)
    return [dataclasses.replace(hit, heard=heard) if heard else hit for hit, heard in zip(hits, said)]


def heard_in(index: Index, ids: Sequence[str], heard_as: HeardAs | None, everywhere: bool = False) -> list[Heard]:
    """What is heard in each of some tracks; empty where `with_heard` says nothing.

    Raises:
        UserError: on an id that the index has not.
    """
    rows = [index.position(track_id) for track_id in ids]
    asked = [place for place, row in enumerate(rows) if everywhere or unlabelled(index.tracks[row])]
    said: list[Heard] = [{} for _ in rows]
    if heard_as is not None and asked:
        for place, heard in zip(asked, heard_as.heard(index.vectors[[rows[place] for place in asked]])):
            said[place] = heard
    return said


def unlabelled(track: Mapping[str, str]) -> bool:
    """Whether a row of metadata has no label."""
    return not any(labels_of(track).values())
