"""Says of results that carry no label what the model's sub-spaces hear in them."""

import dataclasses
from collections.abc import Mapping, Sequence

from dmml_tf.heard.heard_as import HeardAs
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
    asked = [hit for hit in hits if everywhere or unlabelled(hit.track)]
    if heard_as is None or not asked:
        return list(hits)
    rows = [index.positions[hit.track["id"]] for hit in asked]
    said = dict(zip([hit.track["id"] for hit in asked], heard_as.heard(index.vectors[rows])))
    return [dataclasses.replace(hit, heard=said.get(hit.track["id"], {})) for hit in hits]


def unlabelled(track: Mapping[str, str]) -> bool:
    """Whether a row of metadata has no label."""
    return not any(labels_of(track).values())
