"""Labels of N items, tracks or windows: one array a column.

a tag column:    int32   [N, M], vocabulary ids, padded with -1; a row of -1 is unlabelled
a value column:  float32 [N], NaN where unlabelled
a judged column: int32   [N, M], codes 3 t + role of the judgements t an item takes part in, padded with -1
"track":         int32   [N], which track an item belongs to
"start":         int32   [N], first frame of a window (only where items are windows)
"""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
Labels = Mapping[str, Array]
