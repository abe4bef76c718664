"""A headless Chromium that shows one local file, driven through a pipe by the DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/. No port is opened, and no package is needed.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
#: Seconds for one answer, also on a busy machine.
_PATIENCE = 90


def binary() -> str:
    """The browser of this machine; "" if there is none."""
    return next((found for found in map(shutil.which, NAMES) if found), "")


class Page:
    """A page; *events* are all that the browser has told of it."""

    def __init__(self, to: IO[bytes], come: IO[bytes]) -> None:
        self.to, self.come, self.number, self.session = to, come, 0, ""
        self.events: list[dict[str, Any]] = []
        self.waiting = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """What the browser answers. Raises AssertionError for an error or no answer."""
        self.number += 1
        session = {"sessionId": self.session} if self.session else {}
        message = {"id": self.number, "method": method, "params": parameters, **session}
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self.waiting:
            read = os.read(self.come.fileno(), 1 << 20)
            assert read, "the browser has ended"
            assert time.monotonic() < deadline, "the browser does not answer"
            self.waiting += read
        message, _, self.waiting = self.waiting.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def show(
        self, path: Path, width: int = 1280, height: int = 900, *, dark: bool = False, media: str = "screen"
    ) -> None:
        """Loads the file. Returns once it has been drawn."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        seen = len(self.events)
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events[seen:]):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page, whose own policy allows no script."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def picture(self, box: dict[str, float], scale: float = 1) -> bytes:
        """A PNG of a part of the page, in its pixels: x, y, width and height."""
        shot = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={**box, "scale": scale}
        )
        return base64.b64decode(shot["data"])


@contextmanager
def page() -> Iterator[Page]:
    """A page of a browser with a folder of its own, which ends with it."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        ours, theirs = os.pipe(), os.pipe()

        def keep() -> None:
            # The browser reads from its descriptor 3 and writes to 4.
            read, write = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        browser = subprocess.Popen(
            [binary(), *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=keep,  # noqa: PLW1509 (the test has no threads)
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        try:
            with os.fdopen(ours[1], "wb") as to, os.fdopen(theirs[0], "rb", buffering=0) as come:
                yield Page(to, come)
        finally:
            browser.terminate()
            try:
                browser.wait(10)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
