"""Shared fixtures."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from tests.synthetic import write_dataset


def pytest_collection_modifyitems(config, items):
    """What fetches from outside runs only when it is asked for."""
    if "realaudio" not in config.getoption("-m"):
        for item in items:
            if item.get_closest_marker("realaudio"):
                item.add_marker(pytest.mark.skip(reason="fetches music packages; select it with -m realaudio"))


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """A read-only dataset of 40 / 12 / 16 made tracks of 10 s."""
    return write_dataset(tmp_path_factory.mktemp("synthetic"), {"train": 40, "valid": 12, "test": 16})
