"""Runs a SavedModel through TensorFlow's C API: the session loader that TensorFlow Serving uses.

A program of its own, since it must not import tensorflow:

    python savedmodel_loader.py SAVED_MODEL INPUT.npy OUTPUTS.npz TENSOR_IN name=TENSOR_OUT ...

TENSOR_IN and TENSOR_OUT are names in the graph, such as `serving_default_audio:0`.
"""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

import numpy as np

TF_FLOAT = 1
POINTER = ctypes.c_void_p


class Output(ctypes.Structure):
    """TF_Output: one output of one operation."""

    _fields_ = [("operation", POINTER), ("index", ctypes.c_int)]


class Api:
    """The few functions of the C API that loading and running need."""

    def __init__(self):
        folder = Path(importlib.util.find_spec("tensorflow").submodule_search_locations[0])
        ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), mode=ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), mode=ctypes.RTLD_GLOBAL)
        self.status = self.call("TF_NewStatus", POINTER)

    def call(self, name: str, result, *arguments):
        """Calls `name`; `result` is the ctypes type it returns."""
        function = getattr(self._library, name)
        function.restype = result
        return function(*arguments)

    def check(self) -> None:
        """Ends the program with the status's message unless it is OK."""
        if self.call("TF_GetCode", ctypes.c_int, POINTER(self.status)):
            sys.exit(self.call("TF_Message", ctypes.c_char_p, POINTER(self.status)).decode())


def load(api: Api, folder: str) -> tuple:
    """(session, graph) of the SavedModel's `serve` tag."""
    graph = POINTER(api.call("TF_NewGraph", POINTER))
    options = POINTER(api.call("TF_NewSessionOptions", POINTER))
    tags = (ctypes.c_char_p * 1)(b"serve")
    session = POINTER(api.call("TF_LoadSessionFromSavedModel", POINTER, options, None, os.fsencode(folder), tags, 1,
                               graph, None, POINTER(api.status)))
    api.check()
    return session, graph


def endpoint(api: Api, graph, tensor_name: str) -> Output:
    """The `TF_Output` that `operation:index` names."""
    operation, index = tensor_name.split(":")
    found = api.call("TF_GraphOperationByName", POINTER, graph, operation.encode())
    return Output(found, int(index)) if found else sys.exit(f"no operation {operation}")


def to_tensor(api: Api, array: np.ndarray):
    """A TF_Tensor with a copy of a float32 array."""
    dims = (ctypes.c_int64 * array.ndim)(*array.shape)
    tensor = POINTER(api.call("TF_AllocateTensor", POINTER, TF_FLOAT, dims, array.ndim, ctypes.c_size_t(array.nbytes)))
    ctypes.memmove(api.call("TF_TensorData", POINTER, tensor), array.ctypes.data, array.nbytes)
    return tensor


def to_array(api: Api, tensor) -> np.ndarray:
    """A copy of a float32 TF_Tensor."""
    shape = [api.call("TF_Dim", ctypes.c_int64, tensor, i) for i in range(api.call("TF_NumDims", ctypes.c_int, tensor))]
    data = ctypes.cast(api.call("TF_TensorData", POINTER, tensor), ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(data, shape).copy()


def run(api: Api, session, source: Output, value: np.ndarray, targets: list[Output]) -> list[np.ndarray]:
    """Feeds `value` to `source` and fetches `targets`."""
    results = (POINTER * len(targets))()
    api.call("TF_SessionRun", None, session, None, (Output * 1)(source), (POINTER * 1)(to_tensor(api, value)), 1,
             (Output * len(targets))(*targets), results, len(targets), None, 0, None, POINTER(api.status))
    api.check()
    return [to_array(api, POINTER(result)) for result in results]


def main(folder: str, source: str, out: str, tensor_in: str, *outputs: str) -> None:
    """Loads, runs, writes the outputs by name."""
    api = Api()
    session, graph = load(api, folder)
    named = dict(pair.split("=", 1) for pair in outputs)
    targets = [endpoint(api, graph, tensor) for tensor in named.values()]
    arrays = run(api, session, endpoint(api, graph, tensor_in), np.load(source), targets)
    np.savez(out, **dict(zip(named, arrays)))
    if "tensorflow" in sys.modules:
        sys.exit("this process was meant to do without tensorflow")


if __name__ == "__main__":
    main(*sys.argv[1:])
