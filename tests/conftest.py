"""Shared fixtures."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tfrecords_tools  # isort: skip  # noqa: F401  It sets how TensorFlow computes: before anything imports that.

import pytest

from tests.eager import eager_functions
from tests.synthetic import write_dataset

ON_REQUEST = {
    "realaudio": "fetches music packages; select it with -m realaudio",
    "soak": "takes minutes; select it with -m soak",
}


def pytest_collection_modifyitems(config, items):
    """What fetches from outside or takes minutes runs only when it is asked for."""
    for marker, reason in ON_REQUEST.items():
        for item in items if marker not in config.getoption("-m") else ():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def eagerly():
    """For tests that train a few steps, where the graph is not what they are about."""
    with eager_functions():
        yield


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """A read-only dataset of 40 / 12 / 16 made tracks of 10 s."""
    return write_dataset(tmp_path_factory.mktemp("synthetic"), {"train": 40, "valid": 12, "test": 16})
