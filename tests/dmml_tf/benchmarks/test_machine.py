"""The line that says what a time was measured on."""

import os
import platform

import numpy as np

from dmml_tf.benchmarks.machine import machine_line


def test_it_says_cores_load_and_versions(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (1.26, 0, 0))
    line = machine_line()
    assert "\n" not in line and ", load 1.3; Python " + platform.python_version() in line
    assert line.startswith(f"{len(os.sched_getaffinity(0))} cores of ") and f"numpy {np.__version__}" in line
