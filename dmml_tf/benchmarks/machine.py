"""What a figure of time was measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

_VERSIONS = ("tensorflow", "keras", "numpy", "numba", "faiss-cpu", "ai-edge-litert", "onnxruntime", "torch")


def machine_line() -> str:
    """One line: cores that this process may use, processor, load of the last minute, and versions.

    A load that is near the cores or above them says that other work took part of the time.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    versions = [f"{name} {version}" for name in _VERSIONS if (version := _version(name))]
    return f"{cores} cores of {_processor()}, {load}; Python {platform.python_version()}, {', '.join(versions)}"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
