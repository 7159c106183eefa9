"""Runs a SavedModel through TensorFlow's C API: the session loader that TensorFlow Serving uses.

A program of its own, since it must not import tensorflow:

    python savedmodel_loader.py SAVED_MODEL CALLS.json OUTPUTS.npz THREADS

CALLS.json: name of a call -> {"input": TENSOR, "outputs": {name: TENSOR}, "array": FILE.npy} for float32, or
"files": [FILE, ...] in its place for strings. TENSOR is a name in the graph, such as `serving_default_audio:0`.
OUTPUTS.npz holds each output under "CALL/NAME".
"""

import ctypes
import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np

TF_FLOAT, TF_STRING = 1, 7
TSTRING_BYTES = 24  # sizeof(TF_TString)
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


def load(api: Api, folder: str, threads: int) -> tuple:
    """(session, graph) of the SavedModel's `serve` tag, on that many threads."""
    graph = POINTER(api.call("TF_NewGraph", POINTER))
    options = POINTER(api.call("TF_NewSessionOptions", POINTER))
    # ConfigProto in bytes: intra_op_parallelism_threads is field 2, inter_op_parallelism_threads field 5.
    config = bytes([2 << 3, threads, 5 << 3, threads])
    api.call("TF_SetConfig", None, options, config, ctypes.c_size_t(len(config)), POINTER(api.status))
    api.check()
    tags = (ctypes.c_char_p * 1)(b"serve")
    session = POINTER(
        api.call(
            "TF_LoadSessionFromSavedModel",
            POINTER,
            options,
            None,
            os.fsencode(folder),
            tags,
            1,
            graph,
            None,
            POINTER(api.status),
        )
    )
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


def to_strings(api: Api, values: list[bytes]):
    """A TF_Tensor of strings, [len(values)]."""
    tensor = POINTER(
        api.call(
            "TF_AllocateTensor",
            POINTER,
            TF_STRING,
            (ctypes.c_int64 * 1)(len(values)),
            1,
            ctypes.c_size_t(TSTRING_BYTES * len(values)),
        )
    )
    start = api.call("TF_TensorData", POINTER, tensor)
    for number, value in enumerate(values):
        place = POINTER(start + TSTRING_BYTES * number)
        api.call("TF_StringInit", None, place)
        api.call("TF_StringCopy", None, place, value, ctypes.c_size_t(len(value)))
    return tensor


def to_array(api: Api, tensor) -> np.ndarray:
    """A copy of a float32 TF_Tensor."""
    shape = [api.call("TF_Dim", ctypes.c_int64, tensor, i) for i in range(api.call("TF_NumDims", ctypes.c_int, tensor))]
    data = ctypes.cast(api.call("TF_TensorData", POINTER, tensor), ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(data, shape).copy()


def run(api: Api, session, source: Output, tensor, targets: list[Output]) -> list[np.ndarray]:
    """Feeds `tensor` to `source` and fetches `targets`."""
    results = (POINTER * len(targets))()
    api.call(
        "TF_SessionRun",
        None,
        session,
        None,
        (Output * 1)(source),
        (POINTER * 1)(tensor),
        1,
        (Output * len(targets))(*targets),
        results,
        len(targets),
        None,
        0,
        None,
        POINTER(api.status),
    )
    api.check()
    return [to_array(api, POINTER(result)) for result in results]


def fed(api: Api, call: dict):
    """The TF_Tensor that a call feeds."""
    if "files" in call:
        return to_strings(api, [Path(file).read_bytes() for file in call["files"]])
    return to_tensor(api, np.load(call["array"]))


def main(folder: str, calls: str, out: str, threads: str) -> None:
    """Loads, makes the calls, writes their outputs by name."""
    api, results = Api(), {}
    session, graph = load(api, folder, int(threads))
    for name, call in json.loads(Path(calls).read_text()).items():
        targets = [endpoint(api, graph, tensor) for tensor in call["outputs"].values()]
        arrays = run(api, session, endpoint(api, graph, call["input"]), fed(api, call), targets)
        results.update({f"{name}/{output}": array for output, array in zip(call["outputs"], arrays)})
    np.savez(out, **results)
    if "tensorflow" in sys.modules:
        sys.exit("this process was meant to do without tensorflow")


if __name__ == "__main__":
    main(*sys.argv[1:])
