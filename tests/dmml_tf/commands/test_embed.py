"""`dmml embed` on audio files and on records, against embeddings made one by one; and the index made of them."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from tensorflow import keras

from dmml_tf.conditions import Conditions, SharedTag, Within
from dmml_tf.embed import parts, sounds
from dmml_tf.embed import tracks as module
from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.embed.metadata import embedded_text
from dmml_tf.embed.parquet import read_embeddings
from dmml_tf.embed.sounds import FilesSource
from dmml_tf.embed.split import embed_split
from dmml_tf.models.embedding import build_embedding
from dmml_tf.run import Run
from dmml_tf.search.index import Index
from tests.in_this_process import map_here
from tests.synthetic import SCHEMA, write_dataset
from tfrecords_tools import program
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.notes import Note
from tfrecords_tools.program import Command, dispatch
from tfrecords_tools.tables.manifest import read_manifest

pytestmark = [pytest.mark.spawns, pytest.mark.usefixtures("eagerly")]
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("embed", "index", "search")]
NETWORK = {"block": "conv", "width": 2, "size": 10}
CONDITIONS = Conditions([SharedTag("genre", width=6), Within("tempo", 5.0, width=4)])
SECONDS = (3.2, 7.0, 9.5)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run, records, and a table of three songs, a text file and a missing one."""
    folder = tmp_path_factory.mktemp("embed")
    dataset = write_dataset(folder / "data", {"train": 5, "test": 4}, frames=300)
    keras.utils.set_random_seed(0)
    run = Run(folder / "run", CONDITIONS, NETWORK, LogMel(), SCHEMA, str(dataset.folder))
    run.save(build_embedding(**NETWORK))
    for number, seconds in enumerate(SECONDS):
        time = np.arange(int(22_050 * seconds)) / 22_050
        tone = 0.5 * np.sin(2 * np.pi * (200 + 90 * number + 50 * time) * time)
        soundfile.write(folder / f"{number}.wav", tone, 22_050)
    (folder / "text.wav").write_text("no audio")
    (folder / "songs.csv").write_text(
        "track_id,path,artist,title,genre,tempo\ns0,0.wav,A,One,rock|folk,90\nx,none.wav,A,,,\n"
        "s1,1.wav,B,Two,,\ny,text.wav,B,,,\ns2,2.wav,A,Three,jazz,120.5\n",
        encoding="utf-8",
    )
    return folder


def dmml(capsys, place, *arguments) -> tuple[int, str, str]:
    capsys.readouterr()
    status = dispatch("dmml", "", COMMANDS, [arguments[0], "--run", str(place / "run"), *map(str, arguments[1:])])
    return status, *capsys.readouterr()


def test_files_with_windows_then_index_and_search(place, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PART", 2)
    out = tmp_path / "new" / "songs.parquet"
    status, said, error = dmml(
        capsys, place, "embed", "--manifest", place / "songs.csv", "--out", out, "--windows", "--batch=2", "--workers=1"
    )
    assert status == 0 and f"{out}: 3 tracks of 10 numbers (float32); 2 rows could not be used" in said
    assert "embed: 5/5" in error and not (out.parent / "songs.parquet.parts").exists()
    rows = pq.read_table(out).to_pylist()
    assert [{name: row[name] for name in row if name not in ("vector", "windows")} for row in rows] == [
        {"id": "s0", "title": "One", "artist": "A", "split": "", "genre": "folk|rock", "tempo": "90"},
        {"id": "s1", "title": "Two", "artist": "B", "split": "", "genre": "", "tempo": ""},
        {"id": "s2", "title": "Three", "artist": "A", "split": "", "genre": "jazz", "tempo": "120.5"},
    ]
    model = Run.load(place / "run").embedding()
    for number, row in enumerate(rows):
        np.testing.assert_allclose(
            row["vector"], embed_audio(place / f"{number}.wav", Embedder(model, LogMel())), atol=1e-5
        )
        assert len(row["windows"]) == int(SECONDS[number] // 2.9955)
        np.testing.assert_allclose(np.mean(row["windows"], axis=0), row["vector"], atol=1e-5)
    with (out.parent / "songs.parquet.rejected.csv").open(newline="") as file:
        rejects = list(csv.DictReader(file))
    assert [(row["line"], row["track_id"], row["field"]) for row in rejects] == [("3", "x", "path"), ("5", "y", "path")]
    status, said, _ = dmml(capsys, place, "index", "--embeddings", out)
    assert status == 0 and "3 tracks, 10 numbers each; searchable by genre, tempo, whole; exact search" in said
    status, said, _ = dmml(capsys, place, "search", "--track", "s0", "--filter=artist=a", "--format=json")
    assert status == 0 and [row["id"] for row in json.loads(said)["results"]] == ["s2"]


def test_a_bare_folder_with_rate_and_time_left(in_this_process, place, capsys, tmp_path, monkeypatch):
    (tmp_path / "music" / "b").mkdir(parents=True)
    shutil.copy(place / "1.wav", tmp_path / "music" / "b" / "two.wav")
    shutil.copy(place / "0.wav", tmp_path / "music" / "one.wav")
    (tmp_path / "music" / "cover.jpg").write_bytes(b"")
    out = tmp_path / "new" / "songs.parquet"
    monkeypatch.setattr(program, "_EVERY_IN_A_FILE", 0.0)
    status, said, error = dmml(capsys, place, "embed", "--audio", tmp_path / "music", "--out", out, "--workers=1")
    assert status == 0 and f"{out}: 2 tracks of 10 numbers" in said and "dropped: 1 no audio by its suffix" in said
    for first in ("files: 3/3", "embed: 2/2"):
        assert f"{first}, " in error and "/s, " in error.split(first)[1]
    rows = pq.read_table(out).to_pylist()
    assert [(row["id"], row["title"]) for row in rows] == [("one.wav", "one"), ("b/two.wav", "two")]
    expected = embed_audio(place / "1.wav", Embedder(Run.load(place / "run").embedding(), LogMel()))
    np.testing.assert_allclose(rows[1]["vector"], expected, atol=1e-5)


def test_excerpts_are_other_vectors_and_no_part_of_the_whole_is_taken_for_them(
    in_this_process, place, capsys, tmp_path, monkeypatch
):
    out, vectors = tmp_path / "songs.parquet", {}
    for count in (0, 1, 3):
        asked = ("embed", "--manifest", place / "songs.csv", "--out", out, "--workers=1", f"--excerpts={count}")
        with monkeypatch.context() as patch:
            patch.setattr(module, "join_parts", lambda *_: 1 / 0)  # leaves its parts behind
            with pytest.raises(ZeroDivisionError):
                dmml(capsys, place, *asked)
        assert dmml(capsys, place, *asked)[0] == 0
        vectors[count] = np.array([row["vector"] for row in pq.read_table(out).to_pylist()])
    # One excerpt of 3 s is less than half of 7 s and of 9.5 s; three are of no song.
    np.testing.assert_array_equal(vectors[3], vectors[0])
    assert (vectors[1][0] == vectors[0][0]).all() and (vectors[1][1:] != vectors[0][1:]).any(axis=1).all()


def test_a_silent_file_is_no_song_and_no_query(in_this_process, place, capsys, tmp_path):
    (tmp_path / "music").mkdir()
    shutil.copy(place / "0.wav", tmp_path / "music" / "song.wav")
    silent, out = tmp_path / "music" / "silent.wav", tmp_path / "songs.parquet"
    soundfile.write(silent, np.zeros((6 * 22_050, 2)), 22_050)
    status, said, _ = dmml(capsys, place, "embed", "--audio", tmp_path / "music", "--out", out, "--workers=1")
    assert status == 0 and "1 silence" in said
    assert [row["id"] for row in pq.read_table(out).to_pylist()] == ["song.wav"]
    assert "is silent" in (tmp_path / "songs.parquet.rejected.csv").read_text()
    assert ",silence," in (tmp_path / "songs.parquet.notes.csv").read_text()
    dmml(capsys, place, "index", "--embeddings", out)
    status, said, error = dmml(capsys, place, "search", "--audio", silent)
    assert (status, said) == (2, "") and error.count("\n") == 1
    assert f"{silent}: is silent: nothing in it is louder than -70 LUFS" in error


def test_what_is_odd_is_listed_beside_and_survives_an_interruption(place, capsys, tmp_path, monkeypatch):
    def noting(function, tasks, *_):
        for task in tasks:
            result = function(task)
            yield dataclasses.replace(result, notes=(Note("length", f"odd: {Path(task.path).stem}", "taken"),))

    monkeypatch.setattr(sounds, "ordered_map", noting)
    monkeypatch.setattr(module, "PART", 2)
    out = tmp_path / "songs.parquet"
    arguments = ("embed", "--manifest", place / "songs.csv", "--out", out)
    with monkeypatch.context() as patch:
        patch.setattr(module, "join_parts", interrupt)
        assert dmml(capsys, place, *arguments)[0] == 130
    status, said, _ = dmml(capsys, place, *arguments)
    listed = tmp_path / "songs.parquet.notes.csv"
    assert status == 0 and f"; noted: 4 length, see {listed}" in said
    with listed.open(newline="") as file:
        rows = [(row["line"], row["track_id"], row["what"]) for row in csv.DictReader(file)]
    assert rows == [("2", "s0", "odd: 0"), ("4", "s1", "odd: 1"), ("5", "y", "odd: text"), ("6", "s2", "odd: 2")]
    monkeypatch.setattr(sounds, "ordered_map", map_here)
    assert "noted" not in dmml(capsys, place, *arguments)[1] and not listed.exists()


def test_twins_among_files_and_among_rows_end_nothing(in_this_process, place, capsys, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    for number, name in enumerate(("Cafe\u0301.wav", "Caf\u00e9.wav")):
        shutil.copy(place / f"{number}.wav", music / name)
    out = tmp_path / "songs.parquet"
    status, said, _ = dmml(capsys, place, "embed", "--audio", music, "--out", out)
    assert status == 0 and f"noted: 1 names, see {out}.notes.csv" in said
    assert [row["id"] for row in read_embeddings(out)[1]] == ["Caf\u00e9.wav (2)", "Caf\u00e9.wav"]
    assert dmml(capsys, place, "index", "--embeddings", out)[0] == 0
    table = tmp_path / "twins.csv"
    lines = (f"{name},{place}/{number}.wav," for name, number in (("a", 0), ("b", 1), ("a ", 2), ("a", 1)))
    table.write_text("\n".join(["track_id,path,artist", *lines, "c,none.wav,", "c,none.wav,"]))
    status, said, _ = dmml(capsys, place, "embed", "--manifest", table, "--out", out)
    assert status == 0 and "2 tracks of 10 numbers" in said and "4 rows could not be used" in said
    with Path(f"{out}.rejected.csv").open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert reasons[:2] == ["duplicate of line 2", "duplicate of line 2"] and "not found" in reasons[3]
    assert dmml(capsys, place, "index", "--embeddings", out)[0] == 0


def interrupt(*_):
    """Stands for Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float16", 2e-3)])
def test_records_are_as_embed_split_has_them(place, capsys, tmp_path, dtype, tolerance):
    out = tmp_path / "records.parquet"
    status, said, _ = dmml(capsys, place, "embed", "--data", place / "data", "--out", out, f"--dtype={dtype}")
    assert status == 0 and f"9 tracks of 10 numbers ({dtype})\n" in said
    vectors, rows, _ = read_embeddings(out)
    dataset, model = Dataset.load(place / "data"), Run.load(place / "run").embedding()
    found = {
        split: embed_split(Embedder(model, dataset.features), dataset, split, track_progress=False)
        for split in dataset.splits
    }
    assert rows == [row for split in found for row in embedded_text(found[split], split, dataset.schema)]
    expected = np.concatenate([found[split].vectors for split in found])
    np.testing.assert_allclose(vectors, expected, rtol=tolerance, atol=tolerance)
    assert pq.read_schema(out).field("vector").type.value_type == {"float32": "float", "float16": "halffloat"}[dtype]


def test_goes_on_where_it_was_interrupted(place, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PART", 2)
    whole, out = tmp_path / "whole.parquet", tmp_path / "out.parquet"
    arguments = ("embed", "--data", place / "data", "--out")
    assert dmml(capsys, place, *arguments, whole)[0] == 0
    written, write = [], parts.write_table

    def interrupt_at_third(path, table):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path.name)
        write(path, table)

    with monkeypatch.context() as patch:
        patch.setattr(parts, "write_table", interrupt_at_third)
        status, _, error = dmml(capsys, place, *arguments, out)
    assert status == 130 and "run the same command again to go on" in error and not out.exists()
    again = []
    monkeypatch.setattr(parts, "write_table", lambda path, table: (again.append(path.name), write(path, table)))
    status, _, error = dmml(capsys, place, *arguments, out)
    assert status == 0 and "embed: 5/5" in error and len(again) == 3 and not set(again) & set(written)
    assert pq.read_table(out).equals(pq.read_table(whole))


def test_parts_of_other_options_are_done_again(tmp_path):
    made = parts.Parts(tmp_path / "a.parquet.parts", None, 5, 2)
    made.begin(["key", 1], ours=True)
    made.note(1).write_text("[]")
    made.begin(["key", 1], ours=True)
    assert made.missing() == [0, 2] and made.wanted([0, 2]) == [True, True, False, False, True]
    made.begin(["key", 2], ours=True)
    assert made.missing() == [0, 1, 2]
    with pytest.raises(UserError, match="holds other files, or embeddings of other input, model or options; remove it"):
        made.begin(["key", 3], ours=False)
    assert made.folder.exists()


def test_finished_files_are_not_decoded_again(place, monkeypatch):
    asked = []
    # Without processes: which take seconds to start, and could not tell what they were asked.
    monkeypatch.setattr(
        sounds,
        "ordered_map",
        lambda function, tasks, *_: (asked.append(Path(task.path).name) or function(task) for task in tasks),
    )
    source = FilesSource(read_manifest(place / "songs.csv"), workers=1)
    items = list(source.items([False, True, False, False, True]))
    assert source.count() == 5 and items[0].reject.track_id == "x" and items[1].track["id"] == "s2" and len(items) == 2
    assert asked == ["2.wav"]


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["embed", "--out", "x.parquet"], "give one of --audio FOLDER, --manifest TABLE and --data FOLDER"),
        (["embed", "--out", "x.parquet", "--audio", "a", "--data", "d"], "give one of --audio FOLDER"),
        (["embed", "--out", "x.parquet", "--audio", "none"], "--audio none: is no folder"),
        (["embed", "--out", "x.csv", "--data", "d"], "must end in .parquet"),
        (["embed", "--out", "x.parquet", "--data", "none"], "dataset.json: not found"),
        (["embed", "--out", "x.parquet", "--data", "d", "--excerpts=4"], "--excerpts is of audio files"),
        (["embed", "--out", "x", "--data", "d", "--scheduler=tcp://x:1"], "--scheduler is for --runner=dask"),
        (["embed", "--out", "x", "--audio", "a", "--beam_args=--runner=x"], "--beam_args is for --runner=beam"),
        (["embed", "--out", "x", "--audio", "a", "--runner=dask"], "--runner=dask needs --scheduler"),
        (["embed", "--out", "x", "--data", "d", "--runner=dask"], "--runner=dask is for audio files"),
        (["index", "--embeddings", "none.parquet"], "none.parquet: cannot be read as Parquet"),
        (["index", "--embeddings", "e", "--data", "d"], "give either --data or --embeddings"),
    ],
)
def test_bad_input_is_one_line(place, capsys, arguments, reason):
    status, out, error = dmml(capsys, place, *arguments)
    assert status == 2 and out == "" and reason in error and error.count("\n") == 1


def test_embeddings_of_other_weights_or_without_vectors(place, capsys, tmp_path):
    out = tmp_path / "records.parquet"
    assert dmml(capsys, place, "embed", "--data", place / "data", "--out", out)[0] == 0
    table = pq.read_table(out)
    pq.write_table(table.replace_schema_metadata({"dmml_model": "other"}), tmp_path / "other.parquet")
    pq.write_table(table.drop_columns(["vector"]), tmp_path / "without.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "empty.parquet")
    for name, reason in (("other", "made by other weights"), ("without", "no column 'vector'"), ("empty", "no track")):
        status, _, error = dmml(capsys, place, "index", "--embeddings", tmp_path / f"{name}.parquet")
        assert status == 2 and reason in error and "dmml embed" in error
    assert len(Index.build(*read_embeddings(out)[:1], CONDITIONS, read_embeddings(out)[1]).tracks) == 9
