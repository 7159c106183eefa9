"""A file that was dropped on the page -> a query; the file itself is never kept."""

import asyncio
import collections
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from dmml_tf.explore.decode import EXIT_REFUSED
from dmml_tf.run import Run
from dmml_tf.search.index import Query
from dmml_tf.search.query import by_embedding
from tfrecords_tools.audio.extract import LEAST_SECONDS
from tfrecords_tools.errors import UserError

if TYPE_CHECKING:  # TensorFlow is loaded with the first upload: the page does not wait for it
    from dmml_tf.embed.embedder import Embedder

MOST_BYTES = 64 << 20
MOST_SECONDS = 600.0  # of audio; the rest of a longer file is not decoded
AT_ONCE = 2
KEPT = 32  # queries; the oldest are forgotten
_TOKEN = re.compile("[0-9a-f]{32}")
_RECEIVED_WITHIN = 120.0  # seconds
_DECODED_WITHIN = 90.0  # seconds; the process's own limit is in processor time


class TooLarge(UserError):
    """More bytes than are taken."""


class Busy(UserError):
    """As many uploads as are taken at once are being worked on."""


class Sounds:
    """Queries made from uploads, by a random token each; the network is loaded with the first.

    Args:
        run: the trained run.
    """

    def __init__(self, run: Run):
        self._run = run
        self._queries: collections.OrderedDict[str, Query] = collections.OrderedDict()
        self._working = 0
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None

    def query(self, token: str) -> Query:
        """The query of an upload; `UserError` if it is not known, or no longer."""
        query = self._queries.get(token)
        if query is None:
            raise UserError("this file is no longer known here; drop it again")
        return query

    def is_token(self, text: str) -> bool:
        """Whether a text is one that `add` may have given."""
        return _TOKEN.fullmatch(text) is not None

    async def add(self, chunks: AsyncIterator[bytes], announced: int = 0) -> str:
        """Receives a file, embeds its first 10 minutes, forgets it.

        Args:
            chunks: the file as it arrives.
            announced: bytes, as its sender says.

        Returns:
            The token of its query.

        Raises:
            Busy, TooLarge: see there; the latter as soon as it is known.
            UserError: if it is not audio, or of less than 3 s.
        """
        if announced > MOST_BYTES:
            raise TooLarge(_too_large())
        if self._working >= AT_ONCE:
            raise Busy("other files are being listened to; try again in a moment")
        self._working += 1
        try:
            with tempfile.TemporaryDirectory(prefix="dmml-explore-") as folder:
                source = Path(folder, "upload")
                await _receive(chunks, source)
                query = await asyncio.to_thread(self._embed, source)
        finally:
            self._working -= 1
        token = secrets.token_hex(16)
        self._queries[token] = query
        while len(self._queries) > KEPT:
            self._queries.popitem(last=False)
        return token

    def _embed(self, source: Path) -> Query:
        from dmml_tf.embed.audio import embed_audio
        from dmml_tf.embed.embedder import Embedder

        samples = source.with_name("samples.wav")
        decode_apart(source, samples, self._run.features.sample_rate)
        with self._lock:
            if self._embedder is None:
                self._embedder = Embedder.of_run(self._run)
            embedding = embed_audio(samples, self._embedder)
        return by_embedding(embedding, self._run.conditions)


def decode_apart(source: Path, target: Path, rate: int, seconds: float = MOST_SECONDS) -> None:
    """Runs `dmml_tf.explore.decode` on a file.

    Raises:
        UserError: if it is not audio, or its decoder did not come to an end within memory and time.
    """
    arguments = map(str, (source, target, rate, LEAST_SECONDS, seconds))
    command = [sys.executable, "-m", "dmml_tf.explore.decode", *arguments]
    # Threads of linear algebra, which decoding has no use for, would each reserve memory.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_DECODED_WITHIN)
    except subprocess.TimeoutExpired:
        raise UserError("the file takes too long to decode; cut it") from None
    if done.returncode == EXIT_REFUSED:
        raise UserError(f"the file {done.stderr.decode(errors='replace').strip()}")
    if done.returncode:
        raise UserError("the file cannot be decoded within the memory and time that uploads get; encode it again")


async def _receive(chunks: AsyncIterator[bytes], path: Path) -> None:
    left = MOST_BYTES
    try:
        async with asyncio.timeout(_RECEIVED_WITHIN):
            with path.open("wb") as file:
                async for chunk in chunks:
                    left -= len(chunk)
                    if left < 0:
                        raise TooLarge(_too_large())
                    file.write(chunk)
    except TimeoutError:
        raise UserError(f"the file did not arrive within {_RECEIVED_WITHIN:.0f} s; try a smaller one") from None


def _too_large() -> str:
    return f"the file has more than {MOST_BYTES >> 20} MiB; cut it, or encode it smaller"
