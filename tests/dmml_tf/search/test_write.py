"""An index that is written block by block is, byte for byte, the one that is made in memory."""

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest

from dmml_tf.embed.embedder import mean_of_windows
from dmml_tf.embed.parquet import embeddings_schema, table_of
from dmml_tf.run import Run
from dmml_tf.search.build import index_embeddings, with_stretches
from dmml_tf.search.index import Index
from dmml_tf.search.recall import prepared
from tests.dmml_tf.search.made import CONDITIONS
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import PAPER_CHAIN
from tfrecords_tools.schema import Schema

COUNT = 50


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that is asked for no network: its weights have a name alone."""
    monkeypatch.setattr(Run, "weights_sha256", lambda self: "abc")
    return Run(tmp_path / "run", CONDITIONS, {"size": CONDITIONS.size}, PAPER_CHAIN, Schema({}, ()), "data")


def write_songs(path, ids, vectors, model="abc", **kept):
    """A file of embeddings as `dmml embed` writes it; `vectors` of whole songs or of their windows."""
    tracks = [{"id": name, "title": f"t\r\n {name}", "artist": '"'} for name in ids]
    schema = embeddings_schema(["id", "title", "artist"], CONDITIONS.size, "float32", bool(kept), model, **kept)
    pq.write_table(table_of(schema, tracks, [np.atleast_2d(each) for each in vectors]), path, row_group_size=7)
    return tracks


def made(seed=0):
    rng = np.random.default_rng(seed)
    ids = [f"{'éZa10'[number % 5]}{number}" for number in rng.permutation(COUNT)]
    return ids, rng.normal(size=(COUNT, CONDITIONS.size)).astype(np.float32)


@pytest.mark.parametrize("codes", [False, True])
def test_the_files_are_those_of_an_index_made_in_memory(run, tmp_path, monkeypatch, codes):
    monkeypatch.setattr("dmml_tf.embed.parquet._BLOCK", 9)
    if codes:
        monkeypatch.setattr("dmml_tf.search.write.prepared", lambda index: prepared(index, exact_up_to=10))
    ids, vectors = made()
    tracks = write_songs(tmp_path / "songs.parquet", ids, vectors)
    index = index_embeddings(run, tmp_path / "songs.parquet", tmp_path / "written")
    assert index.tracks == sorted(tracks, key=lambda track: track["id"]) and (index.coarse is not None) == codes
    whole = Index.build(vectors, CONDITIONS, tracks, "abc")
    dataclasses.replace(whole, coarse=index.coarse).save(tmp_path / "made")
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "written").iterdir())
    for name in names:
        assert (tmp_path / "written" / name).read_bytes() == (tmp_path / "made" / name).read_bytes(), name


def test_what_cannot_be_indexed_leaves_the_earlier_index(run, tmp_path):
    ids, vectors = made()
    write_songs(tmp_path / "songs.parquet", ids, vectors)
    index_embeddings(run, tmp_path / "songs.parquet", tmp_path / "index")
    vectors[31, 2] = np.nan
    write_songs(tmp_path / "nan.parquet", ids, vectors)
    write_songs(tmp_path / "twice.parquet", [*ids[:-1], ids[3]], made()[1])
    for name, reason in (
        ("nan", f"the embedding of track '{ids[31]}' is not finite"),
        ("twice", f"'{ids[3]}' occurs twice"),
    ):
        with pytest.raises(UserError, match=reason):
            index_embeddings(run, tmp_path / f"{name}.parquet", tmp_path / "index")
    assert len(Index.load(tmp_path / "index").tracks) == COUNT
    assert [path.name for path in tmp_path.iterdir() if "index" in path.name] == ["index"]


def test_stretches_of_a_file_with_windows_are_those_made_in_memory(run, tmp_path, monkeypatch):
    monkeypatch.setattr("dmml_tf.embed.parquet._TRACKS", 9)
    rng, (ids, _) = np.random.default_rng(1), made()
    windows = [rng.normal(size=(count, CONDITIONS.size)).astype(np.float32) for count in rng.integers(1, 6, COUNT)]
    tracks = write_songs(tmp_path / "songs.parquet", ids, windows, excerpts=False)
    index = index_embeddings(run, tmp_path / "songs.parquet", tmp_path / "written", windows=True)
    vectors = np.stack([mean_of_windows(song) for song in windows])
    whole = with_stretches(Index.build(vectors, CONDITIONS, tracks, "abc"), zip(ids, windows), PAPER_CHAIN)
    assert len(index.stretches) > COUNT
    whole.save(tmp_path / "made")
    for path in (tmp_path / "made").rglob("*.*"):
        assert (tmp_path / "written" / path.relative_to(tmp_path / "made")).read_bytes() == path.read_bytes(), path


def test_windows_that_are_not_there_or_not_side_by_side(run, tmp_path):
    ids, vectors = made()
    write_songs(tmp_path / "none.parquet", ids, vectors)
    write_songs(tmp_path / "apart.parquet", ids, vectors, excerpts=True)
    for name, said in (("none", "holds no windows; make it again with: dmml embed --windows"), ("apart", "excerpts")):
        with pytest.raises(UserError, match=said):
            index_embeddings(run, tmp_path / f"{name}.parquet", tmp_path / "index", windows=True)
        assert not (tmp_path / "index").exists()
        index_embeddings(run, tmp_path / f"{name}.parquet", tmp_path / "songs")
