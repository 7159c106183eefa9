"""TensorBoard as a process of its own, and a picture of its projector."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from dmml_tf.pictures.browser import browser_page
from tfrecords_tools.errors import UserError

_STARTS_WITHIN = 60.0  # seconds
_MOVES_FOR = 12.0  # seconds of the page's clock: the projection moves for some before it is worth a picture
_SIZE = (1400, 900)  # pixels


@contextlib.contextmanager
def tensorboard_process(log_dir: str | os.PathLike) -> Iterator[str]:
    """Runs TensorBoard on a free loopback port while the block lasts; gives its address, without a final slash.

    Raises:
        UserError: if it does not start; the line says what it printed last.
    """
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        os.fspath(log_dir),
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--load_fast",
        "false",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    stop = threading.Timer(_STARTS_WITHIN, process.terminate)
    stop.start()
    try:
        line = ""
        for line in process.stderr:
            address = re.search(r"http://[^ ]+?(?=/ )", line)
            if address:
                stop.cancel()
                # Read on, or a talkative TensorBoard would stop at a full pipe.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield address[0]
                return
        raise UserError(f"TensorBoard did not start: {line.strip() or 'it printed nothing'}")
    finally:
        stop.cancel()
        process.terminate()
        process.wait()


def picture_of_projector(log_dir: str | os.PathLike, path: Path) -> None:
    """Writes a PNG of the projector page of a run's TensorBoard folder.

    Raises:
        UserError: if TensorBoard does not start, or there is no browser, or it gives no picture.
    """
    with tensorboard_process(log_dir) as address, browser_page() as page:
        # TensorBoard looks for projector files when it is first asked, and calls the page inactive until then.
        for _ in range(100):
            with urllib.request.urlopen(f"{address}/data/plugins_listing", timeout=10) as answer:
                if json.load(answer)["projector"]["enabled"]:
                    break
            time.sleep(0.1)
        page.show(f"{address}/#projector", _SIZE)
        page.let_pass(_MOVES_FOR)
        page.picture(path)
