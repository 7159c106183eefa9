"""`dmml embed` into a folder of parts on Apache Beam's DirectRunner: the vectors of one machine, whatever is bad."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dmml_tf.embed import tracks as module
from dmml_tf.embed.parquet import read_embeddings
from tests.dmml_tf.commands.test_embed import dmml, place  # noqa: F401

pytestmark = [pytest.mark.spawns, pytest.mark.usefixtures("eagerly", "in_this_process")]
SONGS = 5


@pytest.fixture
def beam():
    """The module under test, where Apache Beam is installed."""
    pytest.importorskip("apache_beam", reason="needs the extra [beam]")
    from dmml_tf.embed import beam as under_test

    return under_test


@pytest.fixture(scope="module")
def table(place):
    """A manifest of 5 songs, a file that is none, and a twin."""
    rows = [f"a{number},{number % 3}.wav,Ä,Söng {number},rock|folk" for number in range(SONGS)]
    odd = ["text,text.wav,,,", "a1,0.wav,,,"]
    path = place / "some.csv"
    path.write_text("\n".join(["track_id,path,artist,title,genre", *rows[:2], *odd, *rows[2:]]) + "\n", "utf-8")
    return path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART", 3)


def test_beam_makes_the_vectors_of_one_machine_and_goes_on_with_its_parts(
    beam, place, table, tmp_path, capsys, monkeypatch
):
    local, out = tmp_path / "local.parquet", tmp_path / "vectors"
    assert dmml(capsys, place, "embed", "--manifest", table, "--out", local)[0] == 0
    arguments = ["embed", "--manifest", table, "--out", out, "--runner=beam", "--beam_args=--runner=DirectRunner"]

    def equal():
        status, said, _ = dmml(capsys, place, *arguments)
        assert status == 0 and "5 tracks of 10 numbers" in said and "2 rows could not be used" in said
        made, expected = read_embeddings(out), read_embeddings(local)
        assert made[1:] == expected[1:]
        np.testing.assert_allclose(made[0], expected[0], atol=1e-5)
        rejected = [Path(f"{path}.rejected.csv").read_text() for path in (out, local)]
        assert rejected[0] == rejected[1] and "text" in rejected[0] and "duplicate of line" in rejected[0]
        assert not list(out.glob(".*"))

    equal()
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("0*")}
    assert len(kept) == 6
    (out / "000001.json").unlink()
    # What a command that was killed has left.
    (out / ".rows-left").mkdir()
    equal()
    again = {path.name for path in out.glob("0*") if path.stat().st_mtime_ns != kept[path.name]}
    assert again == {"000001.json", "000001.parquet"}
    monkeypatch.setattr(beam, "wait_for", lambda *_: pytest.fail("nothing is left to do"))
    equal()


def test_a_failing_step_is_one_line(beam, place, table, tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dmml_tf.embed.apart.copy_whole", full)
    out = tmp_path / "vectors"
    status, _, error = dmml(capsys, place, "embed", "--manifest", table, "--out", out, "--runner=beam")
    last = error.splitlines()[-1]
    assert status == 2 and "pipeline failed" in last and "No space left" in last and "the same command goes on" in last
    assert [path.name for path in out.iterdir()] == ["state.json"]


def test_rows_come_through_a_file_as_they_were(beam, tmp_path):
    row = beam.Row(
        "a", "/x/\udcff.wav", "Ä", "", "", {"genre": ("folk", "rock")}, {"tempo": None}, 7, (beam.Note("a", "b", "c"),)
    )
    job = beam.PartJob(3, [row, beam.Reject(8, "b", "path", "is missing")], {row.path: row.path})
    beam._write_job(tmp_path / "rows", job)
    assert beam._read_job(tmp_path / "rows") == job
    assert json.loads((tmp_path / "rows").read_bytes())[0] == 3


def test_who_is_not_waited_for_ends(beam, tmp_path):
    with pytest.raises(RuntimeError, match="the command that this part was for has ended"):
        beam._InWorker(tmp_path / "gone", []).require_wanted()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--no_such_option=3", "'--no_such_option=3' is not an option of Apache Beam"),
        ("--runner=Nonesuch", "Unexpected pipeline runner: Nonesuch"),
        ("--runner=apache_beam.runners.dask.dask_runner.DaskRunner", "give --runner=dask in its place"),
    ],
)
def test_wrong_arguments_are_one_line(beam, place, table, tmp_path, capsys, arguments, message):
    out = tmp_path / "vectors"
    status, _, error = dmml(
        capsys, place, "embed", "--manifest", table, "--out", out, "--runner=beam", f"--beam_args={arguments}"
    )
    assert status == 2 and message in error.splitlines()[-1] and not out.exists()


def test_the_command_says_how_to_install_beam(place, table, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    status, _, error = dmml(capsys, place, "embed", "--manifest", table, "--out", tmp_path / "x", "--runner=beam")
    assert status == 2 and "pip install 'dmml[beam]'" in error and error.count("\n") == 1


def test_an_address_and_records_are_not_for_beam(beam, place, table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("dmml_tf.commands.embed.require_bucket", lambda _: None)
    for arguments, reason in (
        (["--manifest", table, "--out", "s3://music/x.parquet"], "with --runner=beam give a folder that all machines"),
        (["--data", place / "data", "--out", tmp_path / "x"], "--runner=beam is for audio files"),
    ):
        status, _, error = dmml(capsys, place, "embed", *arguments, "--runner=beam")
        assert status == 2 and reason in error and error.count("\n") == 1
