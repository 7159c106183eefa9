"""Latency by batch size: the figures agree with each other."""

import pytest

from dmml_tf.benchmarks.serving import Latency, bench, table
from tests.dmml_tf.serving.conftest import exported  # noqa: F401 (a fixture)
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.slow


def test_figures_agree(exported):
    rows = bench(exported.path, LogMel(), [1, 3], calls=5)
    assert [(row.batch, row.calls) for row in rows] == [(1, 5), (3, 5)]
    for row in rows:
        assert 0 < row.p50 <= row.p95 <= row.p99
        # No mean is longer than the slowest call, nor shorter than the least.
        assert row.windows_per_second >= row.batch / (1.3 * row.p99 / 1000)


def test_table():
    lines = table([Latency(64, 100, 12.34, 20.0, 30.0, 987.6)]).splitlines()
    assert lines[1].split() == ["64", "100", "12.3", "20.0", "30.0", "987.6"]
    assert len(lines[0].split()) == 9 and len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("arguments, words", [(["--batches=0"], "whole numbers"), ([], "dmml export --run")])
def test_bad_input_of_the_command(tmp_path, capsys, arguments, words):
    from dmml_tf.conditions import Conditions, SharedTag
    from dmml_tf.models.embedding import build_embedding
    from dmml_tf.run import Run
    from tests.synthetic import SCHEMA
    from tfrecords_tools.program import Command, dispatch

    network = {"block": "conv", "width": 2, "size": 4}
    Run(tmp_path, Conditions([SharedTag("genre", width=4)]), network, LogMel(), SCHEMA, "").save(
        build_embedding(**network)
    )
    if arguments:
        (tmp_path / "export" / "dmml" / "1").mkdir(parents=True)
    commands = [Command("bench_serve", "", "dmml_tf.commands.bench_serve")]
    assert dispatch("dmml", "", commands, ["bench_serve", f"--run={tmp_path}", *arguments]) == 2
    assert words in capsys.readouterr().err
