"""A file that is dropped on the page: what it is, or what it pretends to be."""

import asyncio
import contextlib
import io
import socket
import tempfile
import threading
import zipfile
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile

from dmml_tf.embed.audio import embed_audio
from dmml_tf.embed.embedder import Embedder
from dmml_tf.explore import uploads
from dmml_tf.explore.uploads import MOST_BYTES, Busy, Sounds, TooLarge, decode_apart
from dmml_tf.search.query import by_embedding
from tests.dmml_tf.explore.client import ask, question
from tfrecords_tools.errors import UserError

pytestmark = pytest.mark.spawns


async def chunks(content: bytes, size: int = 1 << 20):
    for start in range(0, len(content), size):
        yield content[start : start + size]


def add(sounds: Sounds, content: bytes) -> str:
    return asyncio.run(sounds.add(chunks(content)))


@pytest.fixture()
def no_file_left(tmp_path, monkeypatch):
    """Sends temporary files into a folder that must be empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def song(songs):
    """An audio file of the corpus as bytes."""
    return songs.sound(1).read_bytes()


def test_a_file_of_the_corpus_finds_itself(address, songs, song):
    status, added = ask(address, "/api/v1/embed", "POST", song)
    assert status == 200 and len(added["token"]) == 32 and len(added["mark"]) == 2
    np.testing.assert_allclose(added["vector"], songs.index.vectors[1], atol=1e-6)
    _, found = question(address, "search", like=added["token"], weights={"genre": 1, "tempo": 1, "whole": 1})
    first = found["hits"][0]
    assert first["id"] == "t01" and min(first["cosines"].values()) > 0.9999 and first["agrees"] == []
    assert [places[0][0] for places in found["asked"][0]["near"]] == [1, 1, 1]


def test_the_query_is_that_of_the_command_line_and_the_file_is_gone(songs, song, no_file_left):
    sounds = Sounds(songs.run)
    query = sounds.query(add(sounds, song))
    expected = by_embedding(
        embed_audio(songs.sound(1), Embedder(songs.run.embedding(), songs.run.features)), songs.run.conditions
    )
    np.testing.assert_allclose(query.vector, expected.vector, atol=1e-6)
    np.testing.assert_allclose(query.whole, expected.whole, atol=1e-6)


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("song.wav", bytes(20 << 20))
    return file.getvalue()


def wav(seconds: float, rate: int = 22_050) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(int(seconds * rate)) / 20.0), rate, format="WAV")
    return file.getvalue()


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "is empty"),
        (b"<html>not audio</html>" * 50, "cannot be decoded as audio"),
        (zip_bomb(), "cannot be decoded"),
        (wav(1.0), "too short: 1.00 s"),
        (wav(5.0)[:50_000], "is cut short"),
        (b"RIFF\xff\xff\xff\x7fWAVEfmt ", "decoded"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "cannot be decoded"),
    ],
    ids=["empty", "html", "zip", "short", "cut", "header", "playlist"],
)
def test_what_is_not_audio_is_refused_in_one_line(songs, no_file_left, content, reason):
    with pytest.raises(UserError, match=reason) as error:
        add(Sounds(songs.run), content)
    assert "\n" not in str(error.value) and str(no_file_left) not in str(error.value)


def test_a_file_that_decodes_to_hours_is_read_for_minutes_only(tmp_path):
    with soundfile.SoundFile(tmp_path / "long.flac", "w", 44_100, 1) as file:
        for _ in range(20):
            file.write(np.zeros(44_100 * 60, np.int16))
    assert (tmp_path / "long.flac").stat().st_size < 1 << 20  # twenty minutes
    decode_apart(tmp_path / "long.flac", tmp_path / "out.wav", 22_050, seconds=7.0)
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.duration, info.samplerate, info.channels, info.subtype) == (7.0, 22_050, 1, "FLOAT")


def test_a_decoder_that_dies_or_hangs_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(wav(4.0))
    with monkeypatch.context() as patched:
        patched.setattr(uploads, "_DECODED_WITHIN", 0.01)
        with pytest.raises(UserError, match="takes too long"):
            decode_apart(tmp_path / "x", tmp_path / "y", 22_050)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(UserError, match="memory and time"):
        decode_apart(tmp_path / "x", tmp_path / "y", 22_050)


def test_half_a_gigabyte_is_refused_by_its_length_before_it_is_read(address):
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head = f"POST /api/v1/embed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {500 << 20}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_length_that_lies_is_noticed_while_it_arrives(songs, no_file_left):
    sent = []

    async def endless():
        while True:
            sent.append(1)
            yield bytes(1 << 20)

    with pytest.raises(TooLarge, match="more than 64 MiB"):
        asyncio.run(Sounds(songs.run).add(endless(), announced=10))
    assert len(sent) == (MOST_BYTES >> 20) + 1


def test_a_sender_that_dawdles_or_leaves_is_let_go(songs, no_file_left, monkeypatch):
    monkeypatch.setattr(uploads, "_RECEIVED_WITHIN", 0.05)
    sounds = Sounds(songs.run)

    async def slow():
        yield b"RIFF"
        await asyncio.sleep(5)

    async def gone():
        yield b"RIFF"
        raise ConnectionResetError

    with pytest.raises(UserError, match="did not arrive"):
        asyncio.run(sounds.add(slow()))
    for _ in range(uploads.AT_ONCE + 1):
        with contextlib.suppress(ConnectionResetError):
            asyncio.run(sounds.add(gone()))
    assert sounds._working == 0


def test_more_than_two_at_once_are_sent_away(songs, monkeypatch):
    sounds, entered, release = Sounds(songs.run), [], threading.Event()

    def embed(source):
        entered.append(source)
        release.wait(20)
        return by_embedding(np.ones(10), songs.run.conditions)

    monkeypatch.setattr(sounds, "_embed", embed)

    async def three() -> list:
        first = [asyncio.create_task(sounds.add(chunks(b"x"))) for _ in range(2)]
        while len(entered) < 2:
            await asyncio.sleep(0.01)
        try:
            with pytest.raises(Busy, match="again in a moment"):
                await sounds.add(chunks(b"x"))
        finally:
            release.set()
        return await asyncio.gather(*first)

    tokens = asyncio.run(three())
    assert len(set(tokens)) == 2 and len(entered) == 2 and sounds.query(tokens[0]).sources == ()


def test_old_queries_are_forgotten(songs, monkeypatch):
    monkeypatch.setattr(uploads, "KEPT", 2)
    sounds = Sounds(songs.run)
    monkeypatch.setattr(sounds, "_embed", lambda _: by_embedding(np.ones(10), songs.run.conditions))
    tokens = [add(sounds, b"x") for _ in range(3)]
    assert sounds.query(tokens[2]) and sounds.query(tokens[1])
    with pytest.raises(UserError, match="drop it again"):
        sounds.query(tokens[0])
