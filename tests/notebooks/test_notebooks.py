"""The notebooks run whole, on made data, in the environment of the tests."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from nbclient import NotebookClient

from tests.dmml_tf.commands.test_index_search_export import save_run

NOTEBOOKS = sorted(Path(__file__).parents[2].joinpath("notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_is_kept_without_outputs(path, synthetic, tmp_path, monkeypatch):
    monkeypatch.setenv("DMML_DATA", str(synthetic.folder))
    monkeypatch.setenv("DMML_STEPS", "2")
    monkeypatch.setenv("DMML_RUN", str(save_run(tmp_path / "run", synthetic.folder).folder))
    soundfile.write(tmp_path / "song.wav", 0.1 * np.random.default_rng(0).standard_normal(9 * 22050), 22050)
    monkeypatch.setenv("DMML_AUDIO", str(tmp_path / "song.wav"))
    monkeypatch.setenv("PYTHONPATH", str(path.parents[1]))
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    )
    assert "cos(tempo)" in printed


def test_first_notebook_is_short():
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    lines = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines() if line]
    assert len(lines) < 30
