"""Seconds and memory of stages."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from dmml_tf.demo.stages import Stages
from tfrecords_tools.errors import UserError

MIB = 2**20


def test_seconds_are_those_of_the_block():
    stages = Stages()
    with stages("sleep"):
        time.sleep(0.3)
    (row,) = stages.rows
    assert row["name"] == "sleep"
    assert 0.3 <= row["seconds"] < 2.0
    assert row["peak_rss_mib"] > 1.0


def test_memory_that_is_freed_before_the_end_counts_and_not_in_the_next_stage():
    stages = Stages()
    with stages("small"):
        pass
    with stages("large"):
        block = np.ones(300 * MIB // 8)
        time.sleep(0.5)
        del block
    with stages("small again"):
        time.sleep(0.3)
    small, large, again = (row["peak_rss_mib"] for row in stages.rows)
    assert large > small + 250
    assert again < large - 200


@pytest.mark.spawns
def test_children_count():
    stages = Stages()
    with stages("alone"):
        pass
    with stages("child"):
        subprocess.run([sys.executable, "-c", f"x = bytes(1) * {200 * MIB}; import time; time.sleep(1.0)"], check=True)
    alone, child = (row["peak_rss_mib"] for row in stages.rows)
    assert child > alone + 150


def test_a_second_job_keeps_the_rows_and_a_repeated_stage_replaces_its_own(tmp_path):
    path = tmp_path / "stages.json"
    with Stages(path)("a"):
        pass
    with Stages(path)("b"):
        pass
    later = Stages(path)
    with later("a"):
        time.sleep(0.05)
    assert [row["name"] for row in later.rows] == ["b", "a"]
    assert json.loads(path.read_text()) == later.rows
    assert later.rows[1]["seconds"] >= 0.05
    assert [file.name for file in tmp_path.iterdir()] == ["stages.json"]


def test_a_stage_that_fails_is_not_recorded(tmp_path):
    stages = Stages(tmp_path / "stages.json")
    with pytest.raises(KeyboardInterrupt), stages("broken"):
        raise KeyboardInterrupt
    assert stages.rows == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["{", "[1]", '[{"name": "a"}]'])
def test_a_damaged_file_is_bad_input(tmp_path, content):
    (tmp_path / "stages.json").write_text(content)
    with pytest.raises(UserError, match="stages.json"):
        Stages(tmp_path / "stages.json")
