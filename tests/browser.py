"""A real browser for the tests: headless Chromium, driven through its debugging pipe.

The DevTools protocol runs over two file descriptors, so nothing but Chromium itself is needed,
and a phone's width is a true 360 px, which ``--window-size`` alone does not give.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds


def chromium() -> str:
    """Path of a Chromium, or skip the test that asked for it."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")


@dataclass
class Page:
    """One open tab: what it asked for, and what went wrong while it loaded."""

    browser: Browser
    session: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, session=self.session, **params)

    def evaluate(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def screenshot(self, png: Path, whole: bool = False) -> None:
        """Write what is seen, or with ``whole`` all of the page, as a PNG."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        png.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, path: Path) -> None:
        """Print on A4."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        path.write_bytes(base64.b64decode(answer["data"]))


class Browser:
    """A running Chromium; messages are JSON ended by a zero byte."""

    def __init__(self) -> None:
        program = chromium()
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        their_in, self.out = os.pipe()
        self.into, their_out = os.pipe()
        flags = (*FLAGS, f"--user-data-dir={self.profile.name}", "about:blank")
        # The shell moves the pipes to descriptors 3 and 4, where Chromium looks for them.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{their_in} 4>&{their_out}', "browser", program, *flags],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.into, selectors.EVENT_READ)
        self.rest = b""
        self.number = 0
        self.pages: dict[str, Page] = {}
        self.loaded: set[str] = set()

    def receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self.rest:
            if not self.selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError(f"the browser has not answered for {PATIENCE:.0f} s")
            chunk = os.read(self.into, 1 << 16)
            if not chunk:
                raise EOFError("the browser has ended")
            self.rest += chunk
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def note(self, event: dict[str, Any]) -> None:
        """Keep what an event tells of requests, failures and console errors."""
        page = self.pages.get(event.get("sessionId", ""))
        if page is None:
            return
        method, params = event["method"], event["params"]
        if method == "Page.loadEventFired":
            self.loaded.add(page.session)
        elif method == "Network.requestWillBeSent":
            page.requests.append(params["request"]["url"])
        elif method == "Network.loadingFailed":
            page.errors.append(f"failed: {params['errorText']} {params.get('blockedReason', '')}")
        elif method == "Runtime.exceptionThrown":
            page.errors.append(params["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            page.errors.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            page.errors.append(f"console: {params['args']}")

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer, noting the events that come before it."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            if "method" in answer:
                self.note(answer)

    def open(self, html: Path, width: int, height: int, dark: bool = False) -> Page:
        """Open a file in a new tab of this size and wait until it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        if dark:
            scheme = {"name": "prefers-color-scheme", "value": "dark"}
            page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.resize(width, height)
        self.pages[session] = page
        page.call("Page.navigate", url=Path(html).resolve().as_uri())
        deadline = time.monotonic() + PATIENCE
        while session not in self.loaded:
            event = self.receive(deadline)
            if "method" in event:
                self.note(event)
        return page

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            self.call("Browser.close")
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.selector.close()
        os.close(self.into)
        os.close(self.out)
        self.profile.cleanup()


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as the block lasts."""
    running = Browser()
    try:
        yield running
    finally:
        running.close()


def screenshot(html: Path, png: Path, width: int, height: int) -> None:
    """Picture of a file as a window of ``width`` × ``height`` px shows it."""
    with browser() as running:
        running.open(html, width, height).screenshot(png)


def dump_dom(html: Path) -> str:
    """The document as the browser has understood it."""
    with browser() as running:
        return running.open(html, 1200, 900).evaluate("document.documentElement.outerHTML")


def scroll_width(html: Path, width: int) -> int:
    """How wide the page is in a window of ``width`` px: more than ``width`` is an overflow."""
    with browser() as running:
        return running.open(html, width, 800).evaluate("document.documentElement.scrollWidth")
