"""Fixtures of the tests of libraries."""

import sys
import types

import pytest

from tests.dmml_tf.library.made import Projection
from tests.in_this_process import map_here


@pytest.fixture
def here(monkeypatch):
    """Scans in this process, with a model that costs nothing."""
    use_here(monkeypatch)


def use_here(patch: pytest.MonkeyPatch) -> None:
    """Has scans read, decode and embed here, without TensorFlow."""
    patch.setattr("dmml_tf.library.steps.ordered_map", map_here)
    embedder = types.SimpleNamespace(Embedder=Projection, mean_of_windows=lambda windows: windows.mean(axis=0))
    patch.setitem(sys.modules, "dmml_tf.embed.embedder", embedder)
