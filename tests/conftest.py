"""Shared fixtures."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from tests.synthetic import write_dataset


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """A read-only dataset of 40 / 12 / 16 made tracks of 10 s."""
    return write_dataset(tmp_path_factory.mktemp("synthetic"), {"train": 40, "valid": 12, "test": 16})
