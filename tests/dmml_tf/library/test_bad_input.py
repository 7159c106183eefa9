"""What a library refuses: one line, exit status 2, and nothing of it lost."""

import fcntl
import json
import os
import resource
import shutil

import pytest

from dmml_tf.library import reading, steps
from dmml_tf.library.library import Library
from dmml_tf.library.scan import Scan, scan
from tests.dmml_tf.library.conftest import use_here
from tests.dmml_tf.library.made import make_run, make_song, require_equal, songs_of
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import Command, dispatch

pytestmark = pytest.mark.usefixtures("here")
COMMANDS = [Command(name, name, f"dmml_tf.commands.{name}") for name in ("scan", "search")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of ten songs, a model, and the library of both; tests work on copies."""
    folder = tmp_path_factory.mktemp("made")
    run = make_run(folder / "run")
    for number in range(10):
        make_song(folder / "music" / f"{'ab'[number % 2]}/{number}.wav", number)
    with pytest.MonkeyPatch.context() as patch:
        use_here(patch)
        scan(folder / "lib", Scan([str(folder / "music")], str(run.folder)))
    return folder


@pytest.fixture
def music(made, tmp_path):
    return shutil.copytree(made / "music", tmp_path / "music")


@pytest.fixture
def library(made, music, tmp_path):
    """The library of a copy of the music; its files have the times of the first."""
    shutil.copytree(made / "lib", tmp_path / "lib")
    settings = json.loads((tmp_path / "lib/library.json").read_text("utf-8"))
    (tmp_path / "lib/library.json").write_text(json.dumps(settings | {"roots": [str(music)]}), "utf-8")
    scan(tmp_path / "lib", Scan(confirm_gone=True))
    return tmp_path / "lib"


def dmml(capsys, *arguments) -> tuple[int, str, str]:
    """(exit status, standard output, the last line of standard error)."""
    capsys.readouterr()
    status = dispatch("dmml", "", COMMANDS, [str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err.strip().splitlines()[-1] if err.strip() else ""


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_root_that_is_gone_or_empty_is_no_reason_to_forget_it(how, library, music, capsys):
    before = songs_of(library)
    shutil.move(music, music.with_name("aside"))
    if how == "empty":
        music.mkdir()
    status, _, said = dmml(capsys, "scan", "--library", library)
    assert status == 2 and f"{music}: " in said and "10 songs of the library" in said and "--confirm_gone" in said
    assert songs_of(library).keys() == before.keys()
    status, out, _ = dmml(capsys, "scan", "--library", library, "--confirm_gone")
    assert status == 0 and ": 0 songs; 0 files read, 0 songs embedded, 10 gone" in out
    status, _, said = dmml(capsys, "search", "--library", library, "--track", "a/0.wav")
    assert status == 2 and "no song to search yet; scan it: dmml scan --library" in said
    shutil.rmtree(music, ignore_errors=True)
    shutil.move(music.with_name("aside"), music)
    found = scan(library)
    assert (found.songs, found.embedded, found.back) == (10, 0, 10)


def test_past_a_fifth_gone_asks_and_moved_files_are_not_gone(library, music, capsys):
    shutil.move(music / "a", music / "moved")
    assert scan(library).gone == 0
    for number in (1, 3):
        (music / f"b/{number}.wav").unlink()
    assert scan(library).gone == 2
    for number in (5, 7):
        (music / f"b/{number}.wav").unlink()
    status, _, said = dmml(capsys, "scan", "--library", library)
    assert status == 2 and "2 of 8 files are gone" in said and "--confirm_gone" in said
    assert len(songs_of(library)) == 8
    assert scan(library, Scan(confirm_gone=True)).songs == 6


def test_a_library_of_another_version_or_a_damaged_one(library, capsys):
    file = library / "library.json"
    content = file.read_text("utf-8")
    file.write_text(content.replace('"library_version": 1', '"library_version": 9'), "utf-8")
    for command in (["scan"], ["search", "--track", "a/0.wav"]):
        status, _, said = dmml(capsys, *command, "--library", library)
        assert status == 2 and "a library of version 9, this code reads 1" in said
    file.write_text("{", "utf-8")
    status, _, said = dmml(capsys, "scan", "--library", library)
    assert status == 2 and f"{file}: cannot be read" in said
    file.write_text(content, "utf-8")
    (library / "files.sqlite").write_bytes(b"no database, but long enough to be one" * 99)
    status, _, said = dmml(capsys, "scan", "--library", library)
    assert status == 2 and "file is not a database" in said


def test_a_lost_catalogue_is_made_anew_without_embedding(library, music, made, tmp_path):
    make_song(music / "short.wav", 1, 0.5)
    scan(library)
    (library / "files.sqlite").unlink()
    found = scan(library)
    assert (found.songs, found.read, found.embedded, found.rejected) == (10, 11, 0, 1)
    scan(tmp_path / "fresh", Scan([str(music)], str(made / "run")))
    require_equal(library, tmp_path / "fresh")


def test_two_scans_at_once_and_a_lock_that_a_dead_one_left(library, capsys):
    with open(library / "lock", "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        status, _, said = dmml(capsys, "scan", "--library", library)
        assert status == 2 and f"is being scanned by process {os.getpid()}; wait until" in said
    assert (library / "lock").exists()
    assert dmml(capsys, "scan", "--library", library)[0] == 0


def test_no_audio_no_folder_and_no_library(tmp_path, made, music, capsys):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text("no sound")
    status, _, said = dmml(capsys, "scan", tmp_path / "texts", "--library", tmp_path / "new", "--run", made / "run")
    assert status == 2 and "texts: no audio file here, at any depth" in said
    status, _, said = dmml(capsys, "scan", tmp_path / "none", "--library", tmp_path / "newer")
    assert status == 2 and "none: is no folder" in said and not (tmp_path / "newer").exists()
    status, _, said = dmml(capsys, "scan", "--library", tmp_path / "newer")
    assert status == 2 and "no folder of music; name one" in said
    status, _, said = dmml(capsys, "scan", music, "--library", tmp_path / "texts")
    assert status == 2 and "texts: is no library, and not empty" in said
    status, _, said = dmml(capsys, "search", "--library", tmp_path / "newer", "--track", "x")
    assert status == 2 and "library.json: not found; make a library with: dmml scan" in said
    for arguments in ([], ["--run", "x", "--library", "y"]):
        status, _, said = dmml(capsys, "search", "--track", "x", *arguments)
        assert status == 2 and "give one of --run FOLDER and --library FOLDER" in said


def test_a_root_within_another(library, music, capsys):
    status, _, said = dmml(capsys, "scan", music / "a", "--library", library)
    assert status == 2 and "holds the other, whose songs would be there twice" in said


@pytest.mark.parametrize("when", ["read", "heard"])
def test_a_file_that_changes_while_it_is_read_is_tried_at_the_next_scan(
    when, library, music, made, monkeypatch, tmp_path
):
    song = make_song(music / "new.wav", 50)
    whole = {"read": "read_tags", "heard": "extract"}[when]
    original = getattr(reading, whole)

    def while_it_grows(asked):
        result = original(asked)
        if "new.wav" in str(asked):
            make_song(song, 51, 3.5)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(reading, whole, while_it_grows)
        found = scan(library)
        assert (found.songs, found.embedded, found.rejected) == (10, 0, 1)
        assert "new.wav,changed while it was read" in (library / "rejected.csv").read_text("utf-8")
    found = scan(library)
    assert (found.songs, found.embedded, found.rejected) == (11, 1, 0)
    scan(tmp_path / "fresh", Scan([str(music)], str(made / "run")))
    require_equal(library, tmp_path / "fresh")


def test_another_model_is_said_and_taken_with_reembed_alone(library, music, made, tmp_path, capsys):
    before = songs_of(library)
    other = make_run(tmp_path / "other", seed=1)
    status, _, said = dmml(capsys, "scan", "--library", library, "--run", other.folder)
    assert status == 2 and "add --reembed to embed all songs anew" in said and str(other.folder) in said
    found = scan(library, Scan(run=str(other.folder), reembed=True))
    assert (found.songs, found.read, found.embedded) == (10, 0, 10)
    scan(tmp_path / "fresh", Scan([str(music)], str(other.folder)))
    require_equal(library, tmp_path / "fresh")
    assert len(list((library / "models").iterdir())) == 1
    assert any((before[name] != vector).any() for name, vector in songs_of(library).items())
    # The same run with other weights: said in a line, and the library keeps the model it has.
    make_run(tmp_path / "other", seed=2)
    make_song(music / "new.wav", 60)
    status = dispatch("dmml", "", COMMANDS, ["scan", "--library", str(library)])
    out, said = capsys.readouterr()
    assert "it keeps its own; --reembed embeds all songs anew" in said
    assert status == 0 and "11 songs; 1 files read, 1 songs embedded" in out
    scan(tmp_path / "fresh2", Scan([str(music)], str(library / "models" / next((library / "models").iterdir()).name)))
    require_equal(library, tmp_path / "fresh2")


def test_an_interrupted_reembedding_leaves_the_library_as_it_was_and_goes_on(library, made, tmp_path, monkeypatch):
    other, before, heard = make_run(tmp_path / "other", seed=1), songs_of(library), []

    def interrupted(hearing):
        if len(heard) == 5:
            raise KeyboardInterrupt
        heard.append(hearing)
        return reading.hear(hearing)

    with monkeypatch.context() as patched:
        patched.setattr(steps, "_TOGETHER", 2)
        patched.setattr(steps, "hear", interrupted)
        with pytest.raises(KeyboardInterrupt):
            scan(library, Scan(run=str(other.folder), reembed=True))
    assert songs_of(library).keys() == before.keys()
    assert all((songs_of(library)[name] == vector).all() for name, vector in before.items())
    found = scan(library)
    assert (found.songs, found.embedded) == (10, 6)
    assert Library.open(library).index.model == other.weights_sha256()


def test_a_full_disk_costs_a_line_and_no_song(library, music, capsys):
    before = songs_of(library)
    for number in range(3):
        make_song(music / f"new {number}.wav", 70 + number)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
        status, _, said = dmml(capsys, "scan", "--library", library)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 2 and ("make room" in said or "disk" in said), said
    assert songs_of(library).keys() == before.keys()
    found = scan(library)
    assert (found.songs, found.embedded) == (13, 3)


def test_a_damaged_part_names_the_mend(library, capsys):
    part = next(library.glob("models/*/embeddings/000000.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    status, _, said = dmml(capsys, "scan", "--library", library)
    assert status == 2 and f"{part}: cannot be read as Parquet" in said and "remove the file and scan again" in said
    part.unlink()
    assert scan(library).embedded == 10


def test_a_damaged_index_names_the_mend_and_is_made_anew_where_its_folder_was_removed(library, capsys):
    before = songs_of(library)
    (Library.open(library).model_folder / "index/index.json").write_text("{")
    status, _, said = dmml(capsys, "search", "--library", library, "--track", "a/0.wav")
    assert status == 2 and "and make it anew with: dmml scan --library" in said and "dmml index" not in said
    shutil.rmtree(Library.open(library).model_folder / "index")
    with pytest.raises(UserError, match="no song to search yet"):
        Library.open(library)
    assert scan(library).embedded == 0
    assert songs_of(library).keys() == before.keys()
