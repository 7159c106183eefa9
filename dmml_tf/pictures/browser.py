"""A page in a headless Chromium, driven by the DevTools protocol over a pipe: no port, no WebSocket.

Protocol: https://chromedevtools.github.io/devtools-protocol/; over `--remote-debugging-pipe` messages are JSON that
ends in a zero byte, read by the browser from descriptor 3 and written to descriptor 4.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_bytes

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ANSWERS_WITHIN = 60.0  # seconds
# No graphics card is needed: SwiftShader draws WebGL on the processor. The rest keeps the browser off the network.
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-quic",
    "--no-first-run",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)
_PIPES = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'


def chromium() -> str | None:
    """Path of the browser, or None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Page:
    """One page.

    Args:
        process: the browser, whose standard streams are the pipe.
    """

    def __init__(self, process: subprocess.Popen):
        assert process.stdin is not None and process.stdout is not None
        self._to, self._from = process.stdin, process.stdout
        self._number, self._waiting, self._session = 0, b"", None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, **parameters) -> dict:
        """The result of one call of the protocol; `UserError` if the browser refuses it or does not answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        try:
            os.write(self._to.fileno(), json.dumps(message).encode() + b"\0")
            while True:
                answer = self._read()
                if answer.get("id") == self._number:
                    break
        except OSError as error:
            raise UserError(f"the browser ended before it answered {method}") from error
        if "error" in answer:
            raise UserError(f"the browser refuses {method}: {answer['error']['message']}")
        return answer["result"]

    def show(self, address: str, size: tuple[int, int] = (1280, 800), dark: bool = False) -> None:
        """Goes to an address in a window of `size` pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        self.call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ],
        )
        self.call("Page.navigate", url=address)

    def ask(self, expression: str):
        """Value of a JavaScript expression in the page, a promise's once it is kept; `UserError` if it throws."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise UserError(f"the page threw at {expression}: {result['exceptionDetails']['exception']['description']}")
        return result["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 30.0) -> None:
        """Waits until an expression is true; `UserError` if it does not become so."""
        end = time.monotonic() + seconds
        while not self.ask(f"!!({expression})"):
            if time.monotonic() > end:
                raise UserError(f"the page did not come to {expression} within {seconds:.0f} s")
            time.sleep(0.05)

    def let_pass(self, seconds: float) -> None:
        """Lets seconds of the page's own clock go by, which stands still while something loads.

        Raises:
            UserError: if the browser does not come to the end of them.
        """
        self.call("Emulation.setVirtualTimePolicy", policy="pauseIfNetworkFetchesPending", budget=1000 * seconds)
        try:
            while self._read().get("method") != "Emulation.virtualTimeBudgetExpired":
                pass
        except OSError as error:
            raise UserError(f"the page did not come through {seconds:g} s of its clock") from error

    def picture(self, path: Path) -> None:
        """Writes what is in the window as PNG."""
        write_bytes(path, base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _read(self) -> dict:
        """The next message."""
        while b"\0" not in self._waiting:
            if not select.select([self._from], [], [], _ANSWERS_WITHIN)[0]:
                raise TimeoutError("no answer")
            chunk = os.read(self._from.fileno(), 1 << 16)
            if not chunk:
                raise BrokenPipeError("the browser ended")
            self._waiting += chunk
        message, _, self._waiting = self._waiting.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def browser_page() -> Iterator[Page]:
    """An empty page in a browser of its own while the block lasts.

    Raises:
        UserError: if there is no browser, or it does not start.
    """
    browser = chromium()
    if browser is None:
        raise UserError(f"no browser to take a picture with; install one of {', '.join(BROWSERS)}")
    # As root, the browser's sandbox cannot start.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The shell only moves the pipe to the descriptors that the browser looks at.
        command = ["sh", "-c", _PIPES, "sh", browser, *_FLAGS, *sandbox, f"--user-data-dir={profile}"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
            try:
                yield Page(process)
            finally:
                process.terminate()
