"""What "similar" means: named conditions, each with a rule and a slice of the embedding.

Nothing outside this room knows "genre" or "tempo", nor compares kinds: samplers, masks, metrics, signatures, search
weights and plots iterate over a `Conditions` and ask each `Condition`. A further kind is one class; see there.

Source: Lee et al., ICASSP 2020, sections 2.1 to 2.3; labels and rules in section 3.1.
"""

import importlib
import pkgutil

# The kinds become known in this order, in which messages list them.
from dmml_tf.conditions.condition import Condition  # isort: skip
from dmml_tf.conditions.by_label import ByLabel  # isort: skip
from dmml_tf.conditions.shared_tag import SharedTag  # isort: skip
from dmml_tf.conditions.within import Within  # isort: skip
from dmml_tf.conditions.same_track import SameTrack  # isort: skip
from dmml_tf.conditions.judged import ANCHOR, NEGATIVE, POSITIVE, ROLES, Judged  # isort: skip
from dmml_tf.conditions.conditions import Conditions  # isort: skip
from dmml_tf.conditions.labels import Labels  # isort: skip
from dmml_tf.conditions.relevance import Relevance  # isort: skip
from dmml_tf.conditions.rows import class_of_row  # isort: skip
from dmml_tf.conditions.values import value_distance  # isort: skip

# A further kind is one file here: it becomes known without being named above.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "ANCHOR",
    "NEGATIVE",
    "POSITIVE",
    "ROLES",
    "ByLabel",
    "Condition",
    "Conditions",
    "Judged",
    "Labels",
    "Relevance",
    "SameTrack",
    "SharedTag",
    "Within",
    "class_of_row",
    "value_distance",
]
