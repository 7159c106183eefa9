"""The notebooks run whole, on the demo corpus in small, in the environment of the tests.

One dataset, one run and one kernel serve them all: a kernel takes seconds to import TensorFlow. Before each
notebook the kernel forgets every name.
"""

import ast
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import pytest
import tensorflow as tf
from nbclient import NotebookClient
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.search.build import index_run
from dmml_tf.search.index import INDEX_FOLDER, Index
from dmml_tf.serving.export import EXPORT_FOLDER
from tests.dmml_tf.serving.servers import Served, rest_server
from tests.in_this_process import map_here
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.demo.corpus import build_corpus
from tfrecords_tools.features import LogMel

pytestmark = pytest.mark.notebook

FOLDER = Path(__file__).parents[2] / "notebooks"
NETWORK = {"block": "conv", "width": (2, 1, 1, 1, 2, 2, 4), "size": 20}
CONDITIONS = Conditions(
    [
        *(SharedTag(name, width=5) for name in ("genre", "mood", "instrument")),
        Within("tempo", 5.0, width=5),
    ]
)
# Not %reset: it takes __spec__ too, without which no worker process can start.
FORGET = """for name in [name for name in globals() if name[0] != "_" and name not in ("In", "Out", "get_ipython")]:
    del globals()[name]"""


class Signatures(Mapping):
    """Those of a SavedModel that a notebook writes before it asks for them."""

    def __init__(self, path: Path):
        self._path, self._loaded = path, None

    def __getitem__(self, name):
        self._loaded = self._loaded or tf.saved_model.load(str(self._path))
        return self._loaded.signatures[name]

    def __contains__(self, name):
        return self[name] is not None

    def __iter__(self):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """`data/demo` and `runs/demo` as `make demo` leaves them, of 40 tracks of 5 s and an untrained network."""
    folder = tmp_path_factory.mktemp("home")
    data = folder / "data" / "demo"
    build_corpus(data / "corpus", tracks=40, workers=1, seconds=5.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfrecords_tools.build.pool.ordered_map", map_here)  # a worker takes seconds to start
        dataset = build_dataset(data / "corpus" / "manifest.csv", data, Options(), workers=1)
    keras.utils.set_random_seed(0)
    run = Run(folder / "runs" / "demo", CONDITIONS, NETWORK, LogMel(), dataset.schema, str(data))
    run.save(build_embedding(**NETWORK))
    index_run(run, dataset).save(run.folder / INDEX_FOLDER)
    return folder


@pytest.fixture(scope="module")
def kernel(home) -> Iterator:
    """A kernel in a copy of the notebooks' folder beside `data` and `runs`: their default paths are what is tested."""
    shutil.copytree(FOLDER, home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    served = Served(Signatures(home / "runs" / "demo" / EXPORT_FOLDER / "1"))
    client = NotebookClient(nbformat.v4.new_notebook(), kernel_name="python3")
    client.create_kernel_manager()
    with rest_server(served) as url:
        environment = {
            "DMML_STEPS": "1",
            "DMML_SERVER": url,
            "PYTHONWARNINGS": "error:::dmml_tf,error:::tfrecords_tools",
        }
        client.start_new_kernel(cwd=str(home / "notebooks"), env=os.environ | environment)
        try:
            yield client.km
        finally:
            client.km.shutdown_kernel(now=True)
    assert served.requests == 1


def printed(kernel, name: str) -> str:
    """What a notebook prints, run from its first cell to its last; it is kept without outputs and counts."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in code)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FORGET))
    NotebookClient(notebook, km=kernel, timeout=300).execute()
    outputs = [output for cell in code for output in cell.outputs]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    return "".join(output.get("text", "") for output in outputs) + "\n".join(["", *kinds])


def test_train_with_fit(kernel):
    found = printed(kernel, "01_train_with_fit")
    assert "Epoch 2/2" in found and "cos(tempo)" in found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_they_know_the_package_by_its_front_door_alone(path):
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    imports = [node for node in ast.walk(ast.parse("\n".join(code))) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    froms = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert "dmml_tf" in names
    ours = [
        name for name in (names - {"dmml_tf"}) | froms if name.startswith(("dmml_tf", "tfrecords_tools", "configs"))
    ]
    assert not ours


def test_the_first_notebook_is_short():
    notebook = nbformat.read(FOLDER / "01_train_with_fit.ipynb", as_version=4)
    lines = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines() if line]
    assert len(lines) < 30


def test_what_each_subspace_heard(kernel, home):
    found = printed(kernel, "02_what_each_subspace_heard")
    assert all(f"all the weight on {name}\n" in found for name in CONDITIONS.names)
    assert "mean of the diagonal minus mean of the rest" in found
    # The query, three results for each of four sub-spaces, and three of the mix.
    assert found.count("text/html") == 1 + 4 * 3 + 3 and found.count("image/png") == 2
    assert (home / "runs" / "demo" / "notebooks" / "maps.png").stat().st_size > 10_000


def test_serve_and_query(kernel, home):
    found = printed(kernel, "03_serve_and_query")
    assert "embed_wav: wav string [None] -> embedding, genre, instrument, mood, tempo" in found
    first = next(iter(Index.load(home / "runs" / "demo" / INDEX_FOLDER).tracks))["id"]
    # The song finds itself at cosine 1: from samples in each sub-space, and over the network.
    own = [line.split() for line in found.splitlines() if line.startswith("1  ")]
    assert len(own) == 5 and all(cells[1] == first and cells[-1] == "1.000" for cells in own)
    assert "http://127.0.0.1:" in found and "docker run" in found and found.count("image/png") == 1


def test_a_song_through_time(kernel):
    found = printed(kernel, "04_a_song_through_time")
    assert all(f"cos({name}) = " in found for name in CONDITIONS.names) and found.count("image/png") == 1


def test_your_own_labels(kernel, home):
    found = printed(kernel, "05_your_own_labels")
    dataset, run = (kind.load(home / part / "own") for kind, part in ((Dataset, "data"), (Run, "runs")))
    assert dict(dataset.schema.vocabularies) == {"season": ("autumn", "spring", "summer", "winter")}
    assert dataset.schema.values == ("energy",)
    assert {name: part.stop - part.start for name, part in run.conditions.subspaces.items()} == {
        "energy": 128,
        "season": 128,
    }
    assert "neighbours agree" in found and found.count("text/html") == 4 and found.count("image/png") == 1
    index = Index.load(run.folder / INDEX_FOLDER)
    assert 0 < sum(not track["season"] for track in index.tracks) < len(index.tracks) == 40
    assert all(-60.0 < float(track["energy"]) < 0.0 for track in index.tracks)


def test_a_folder_of_your_own(kernel, home):
    found = printed(kernel, "06_a_folder_of_your_own")
    assert "music.dmml: 40 songs; 0 files read, 0 songs embedded, 0 gone" in found
    assert found.count("heard as") >= 3 and "1.00  step" in found and "recordings are there more than once" in found
