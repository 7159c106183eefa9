"""`dmml table`: its flags, its exit status, what it prints."""

import json
import sys

import pytest

from dmml_tf.cli import main
from tests.single_spaced import single_spaced
from tests.synthetic import write_dataset


@pytest.fixture
def config(tmp_path):
    """A table of two baselines, one of which fails."""
    path = tmp_path / "two_rows.py"
    path.write_text(
        '''
from tests.dmml_tf.papers.made import tiny_table


def get_config():
    """Chance, and a baseline with an argument that it does not know."""
    return tiny_table({
        "chance": {"label": "by chance", "kind": "baseline", "config": "chance"},
        "bad": {"label": "bad", "kind": "baseline", "config": "stats", "overrides": {"loud": 1}},
    })
''',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def call(monkeypatch):
    """Runs `dmml` and gives its exit status."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dmml", *arguments])  # where ml_collections looks for a table's fields
        return main(arguments)

    return call


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), {"train": 6, "test": 10}, shards=1, frames=260)


@pytest.mark.slow
def test_a_failed_row_ends_with_status_2_after_the_others(call, dataset, config, tmp_path, capsys):
    arguments = ["table", f"--data={dataset.folder}", f"--config={config}", f"--out={tmp_path / 'out'}"]
    assert call(*arguments) == 2
    streams = capsys.readouterr()
    assert "| by chance |" in single_spaced(streams.out) and f"written: {tmp_path / 'out' / 'table.md'}" in streams.out
    assert "error: 1 of 2 rows failed: bad; the reasons are in" in streams.err
    assert "bad, seed 0 FAILED: config.rows.bad.overrides: got an unexpected keyword argument 'loud'" in streams.err
    assert call(*arguments, "--config.order=('chance',)", "--config.seeds=(0, 1)") == 0
    assert list(json.loads((tmp_path / "out" / "table.json").read_text())["rows"][0]["by_seed"]) == ["0", "1"]


@pytest.mark.slow
def test_the_folder_is_named_after_the_configuration(call, dataset, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("table", f"--data={dataset.folder}", f"--config={config}", "--config.order=('chance',)") == 0
    assert (tmp_path / "runs" / "tables" / "two_rows" / "table.csv").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--dim_sim=votes.csv"], "--dim_sim and --clips go together"),
        (["--clips=folder"], "--dim_sim and --clips go together"),
        (["--dim_sim=no-such-file.csv", "--clips=folder"], "no-such-file.csv: cannot be read"),
        (["--config=configs/disentangled_track.py"], "--config is no table: it has no rows"),
        (["--config.order=()"], "config.order is empty"),
        (["--config.scored=loudness"], "config.scored: unknown system 'loudness'; known are: artist"),
        (["--config.colour=red"], "no field"),
    ],
)
def test_bad_input_is_one_line(call, dataset, config, tmp_path, arguments, message, capsys):
    assert call("table", f"--data={dataset.folder}", f"--config={config}", f"--out={tmp_path / 'o'}", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "o").exists()
