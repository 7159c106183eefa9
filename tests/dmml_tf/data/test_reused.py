"""Memory that serves again: never while someone holds the array or a part of it."""

import numpy as np

from dmml_tf.data.reused import ReusedArrays


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_serves_again_once_it_is_free():
    arrays = ReusedArrays()
    first = arrays.empty((4, 3), np.float16)
    place = address(first)
    assert first.shape == (4, 3) and first.dtype == np.float16
    assert address(arrays.empty((4, 3), np.float16)) != place, "it is held"
    del first
    assert address(arrays.empty((4, 3), np.float16)) == place


def test_a_part_holds_the_whole():
    arrays = ReusedArrays()
    first = arrays.empty((4, 3), np.float16)
    place, part = address(first), memoryview(first[1:][:, :2])
    del first
    second = arrays.empty((4, 3), np.float16)
    assert address(second) != place
    del part, second
    assert place in {address(array) for array in [arrays.empty((4, 3), np.float16), arrays.empty((4, 3), np.float16)]}


def test_another_shape_or_dtype_has_memory_of_its_own():
    arrays = ReusedArrays()
    place = address(arrays.empty((4, 3), np.float16))
    others = [arrays.empty((3, 4), np.float16), arrays.empty((4, 3), np.int16), arrays.empty((4, 3), np.float16)]
    assert [address(array) == place for array in others] == [False, False, True]


def test_who_keeps_every_array_has_them_all():
    arrays = ReusedArrays()
    kept = []
    for number in range(30):
        kept.append(arrays.empty((5,), np.int16))
        kept[-1][:] = number
    assert [array.tolist() for array in kept] == [[number] * 5 for number in range(30)]
