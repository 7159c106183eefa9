"""What labels tell of windows, as numbers that a linear layer can copy: tags as 0 and 1, a tempo as two bumps.

One bump stands at the tempo on a logarithmic scale, so that tempos that are near have numbers that are near; the other
on a circle of one octave, where half and double tempo are the same. With the circle alone no tempo was learned: how
dense the beats are is learned first, and which of them count twice only then.
"""

from collections.abc import Mapping

import numpy as np

from dmml_tf.conditions import Conditions
from dmml_tf.conditions.labels import Array
from dmml_tf.conditions.tags import multi_hot
from dmml_tf.data.windows import Windows
from tfrecords_tools.errors import UserError

CIRCLE = 32  # places on the circle of an octave
SCALE = np.geomspace(45.0, 260.0, 24)  # BPM of the places on the scale; a tempo beyond stands at its end
ON_CIRCLE, ON_SCALE = 0.05, 0.11  # the bumps' deviations in octaves: 5 BPM at 140, and a place of the scale
PLACES = CIRCLE + len(SCALE)


def told_widths(conditions: Conditions, tags: Mapping[str, int], names: Mapping[str, float]) -> dict[str, int]:
    """Condition -> D, the numbers that its labels are told by, in the conditions' order.

    Args:
        conditions: of the model.
        tags: size of the vocabulary of each column of tags.
        names: the conditions that are asked for.

    Raises:
        UserError: on a name that is none, or a condition without tags or a value up to octaves.
    """
    widths = {}
    for condition in conditions:
        if condition.reads_tags and condition.column in tags:
            widths[condition.name] = tags[condition.column]
        elif condition.reads_values and getattr(condition, "octave", False):
            widths[condition.name] = PLACES
    for name in names:
        if name not in widths:
            raise UserError(
                f"config.objective.labels: '{name}' has no labels to copy; those of {', '.join(widths) or 'none'} can "
                "be: tags, and values with octave = True"
            )
    return {name: width for name, width in widths.items() if name in names}


def told_in(windows: Windows, conditions: Conditions, name: str, width: int) -> Array:
    """float32 [B, D]: what a condition's labels tell of each window; NaN where it is unlabelled.

    A tag that a window carries is the square root of D, so that it counts the same in a vocabulary of any size; a
    window that is mixed of two carries those of both, by their shares.

    Args:
        windows: labelled, and varied or not.
        conditions, name: which one's labels.
        width: D, of `told_widths`.
    """
    condition = conditions[conditions.index(name)]
    column = windows.labels[condition.column]
    if condition.reads_values:
        return bumps(column)
    told = multi_hot(column, width).astype(np.float32) * np.float32(np.sqrt(width))
    told[~condition.labelled(windows.labels)] = np.nan
    return mean_of_mixed(told, windows)


def bumps(tempo: Array) -> Array:
    """float32 [B, 56] of tempos [B]: the circle, then the scale, both of mean 0, deviation 1; NaN without a tempo."""
    octaves = np.log2(np.where(tempo > 0, tempo, np.nan))[:, None]
    around = octaves - np.arange(CIRCLE) / CIRCLE
    scale = np.log2(SCALE)
    circle = _bump((around - np.round(around)) / ON_CIRCLE)
    return np.concatenate([circle, _bump((np.clip(octaves, scale[0], scale[-1]) - scale) / ON_SCALE)], axis=1)


def _bump(apart: Array) -> Array:
    """float32 [B, places] of how many deviations each place lies from the tempo."""
    height = np.exp(-0.5 * apart**2)
    level = height - height.mean(axis=1, keepdims=True)
    told: Array = (level / level.std(axis=1, keepdims=True)).astype(np.float32)
    return told


def mean_of_mixed(numbers: Array, windows: Windows) -> Array:
    """float32 [B, D]: those of a window, and in one that is mixed of two the mean of both by their shares."""
    if "mixed_with" not in windows.labels:
        return numbers
    share = windows.labels["mixed_share"][:, None]
    both: Array = numbers * (1 - share) + numbers[windows.labels["mixed_with"]] * share
    return np.where(share > 0, both, numbers)
