"""Arrays whose memory serves again once nobody holds them."""

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from dmml_tf.conditions.labels import Array

_MOST = 8  # arrays kept; a pipeline has fewer batches under way, and who keeps all of them gets memory of their own
_OURS = 3  # references to an array that nobody else holds: the list's, the loop's, the argument's


class ReusedArrays:
    """Gives arrays as `numpy.empty` does, in memory of earlier ones where that is free.

    The windows of a batch are some megabytes. TensorFlow 2.21 reads them where NumPy has written them, and another
    thread lets go of them, so that the system would give new pages for each batch: twice the time of the copy itself.

    >>> arrays = ReusedArrays()
    >>> first = arrays.empty((2, 3), "float32")
    >>> address, part = first.ctypes.data, first[1:]
    >>> del first
    >>> arrays.empty((2, 3), "float32").ctypes.data == address  # a part of it is still held
    False
    """

    def __init__(self) -> None:
        self._arrays: list[Array] = []

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Array:
        """An array of any content, which no one else holds nor any part of it."""
        for array in self._arrays:
            # A view's base is the array that owns the memory, whatever it is a view of: it counts as a holder.
            if sys.getrefcount(array) == _OURS and array.shape == tuple(shape) and array.dtype == dtype:
                return array
        new = np.empty(shape, dtype)
        self._arrays = [*self._arrays[1 - _MOST :], new]
        return new
