"""TensorBoard as a process of its own, and a picture of its projector by a headless Chromium."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools.errors import UserError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_STARTS_WITHIN = 60.0  # seconds
# Milliseconds of the page's own clock, which stands still while something loads: the projection moves for some.
_PAGE_TIME = 12_000
# No graphics card is needed: SwiftShader draws WebGL on the processor. The rest keeps the browser off the network.
_FLAGS = (
    "--headless",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    f"--virtual-time-budget={_PAGE_TIME}",
)


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
    stop = threading.Timer(_STARTS_WITHIN, process.terminate)
    stop.start()
    try:
        line = ""
        for line in process.stderr:
            found = re.search(r"http://[^ ]+?(?=/ )", line)
            if found:
                stop.cancel()
                # Read on, or a talkative TensorBoard would stop at a full pipe.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield found[0]
                return
        raise UserError(f"TensorBoard did not start: {line.strip() or 'it printed nothing'}")
    finally:
        stop.cancel()
        process.terminate()
        process.wait()


def chromium() -> str | None:
    """Path of the browser, or None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def screenshot(address: str, path: Path, size: tuple[int, int] = (1400, 900)) -> None:
    """Writes a PNG of a page, `size` in pixels.

    Raises:
        UserError: if there is no browser, or it gave no picture.
    """
    browser = chromium()
    if browser is None:
        raise UserError(f"no browser to take a picture with; install one of {', '.join(BROWSERS)}")
    path = path.absolute()
    temporary = path.with_name(f".{path.name}.tmp.png")
    # As root, the browser's sandbox cannot start.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            browser,
            *_FLAGS,
            *sandbox,
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            f"--screenshot={temporary}",
            address,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            os.replace(temporary, path)
        except (subprocess.SubprocessError, FileNotFoundError) as error:
            raise UserError(f"{browser}: gave no picture of {address} ({type(error).__name__})") from error


def picture_of_projector(log_dir: str | os.PathLike, path: Path) -> None:
    """Writes a PNG of the projector page of a run's TensorBoard folder.

    Raises:
        UserError: as `tensorboard_process` and `screenshot`.
    """
    with tensorboard_process(log_dir) as address:
        # TensorBoard looks for projector files when it is first asked, and calls the page inactive until then.
        for _ in range(100):
            with urllib.request.urlopen(f"{address}/data/plugins_listing", timeout=10) as answer:
                if json.load(answer)["projector"]["enabled"]:
                    break
            time.sleep(0.1)
        screenshot(f"{address}/#projector", path)
