"""Shared fixtures."""

import os
import signal

# Started in the background of a shell, the tests and all programs that they start would ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core: threads of their own would only take turns.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import tfrecords_tools  # isort: skip  # noqa: F401  It sets how TensorFlow computes: before anything imports that.

import pytest

from tests.eager import eager_functions
from tests.in_this_process import map_here
from tests.object_store import s3_proxy, s3_server, store  # noqa: F401
from tests.synthetic import write_dataset

ON_REQUEST = {
    "realaudio": "fetches music packages; select it with -m realaudio",
    "soak": "takes minutes; select it with -m soak",
}


# Files of such tests come first, so that no worker is left with a long one at the end.
LONG = ("notebook", "wheel", "trains", "browser", "spawns", "slow")


def pytest_collection_modifyitems(config, items):
    """What fetches from outside or takes minutes runs only when it is asked for; long files run first."""
    ranks: dict = {}
    for item in items:
        rank = min((LONG.index(mark.name) for mark in item.iter_markers() if mark.name in LONG), default=len(LONG))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])
    for marker, reason in ON_REQUEST.items():
        for item in items if marker not in config.getoption("-m") else ():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def eagerly():
    """For tests that train a few steps, where the graph is not what they are about."""
    with eager_functions():
        yield


@pytest.fixture
def in_this_process(monkeypatch):
    """For what is not about processes: a worker takes seconds to start."""
    users = (
        "tfrecords_tools.build.pool",
        "dmml_tf.embed.sounds",
        "dmml_tf.library.duplicates",
        "dmml_tf.library.steps",
    )
    for user in users:
        monkeypatch.setattr(f"{user}.ordered_map", map_here)


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """A read-only dataset of 40 / 12 / 16 made tracks of 10 s."""
    return write_dataset(tmp_path_factory.mktemp("synthetic"), {"train": 40, "valid": 12, "test": 16})
