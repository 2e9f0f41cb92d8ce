"""A headless Chromium, driven over WebDriver (W3C) by plain HTTP: Debian's packages and nothing downloaded.

What a test looks at is what a user sees: the text of the page, and what can be clicked or filled in.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVERS = ("chromedriver", "chromium-driver")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that the standard gives to references
_PATIENCE = 60.0


def installed(names: tuple[str, ...]) -> str | None:
    """The path of the first of these programs that is installed."""
    return next((path for name in names if (path := shutil.which(name)) is not None), None)


def missing() -> str | None:
    """What is not installed here; None if a browser can be driven."""
    if installed(BROWSERS) is None:
        return "no Chromium: apt-get install chromium"
    if installed(DRIVERS) is None:
        return "no driver for Chromium: apt-get install chromium-driver"
    return None


class Browser:
    """One window. Each look waits until there is something to see, a minute at most."""

    def __init__(self, address: str, home: Path) -> None:
        self._client = httpx.Client(base_url=address, timeout=120, trust_env=False)
        options = {
            "binary": installed(BROWSERS),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=1400,1000", f"--user-data-dir={home}", "--disable-background-networking",
            ],
        }  # fmt: skip
        wanted = {"browserName": "chrome", "goog:chromeOptions": options}
        self._session = self._client.post(
            "/session", json={"capabilities": {"alwaysMatch": wanted}}
        ).json()["value"]["sessionId"]  # fmt: skip

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.delete(f"/session/{self._session}")
        self._client.close()

    def _ask(self, path: str, **body: Any) -> Any:
        answer = self._client.post(f"/session/{self._session}/{path}", json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise LookupError(f"{answer['error']}: {answer['message'].splitlines()[0]}")
        return answer

    def open(self, url: str) -> None:
        """Go to a page."""
        self._ask("url", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        """What a script in the page returns."""
        return self._ask("execute/sync", script=script, args=list(arguments))

    @property
    def text(self) -> str:
        """All text that the page shows."""
        return str(self.run("return document.body.innerText"))

    @property
    def address(self) -> str:
        """Where the window is."""
        return str(self.run("return location.href"))

    def wait(self, seen: Callable[[], Any], what: str, patience: float = _PATIENCE) -> Any:
        """What `seen` gives once it gives something; AssertionError with the page's text if it never does."""
        deadline = time.monotonic() + patience
        while True:
            try:
                found = seen()
            except LookupError:
                found = None
            if found:
                return found
            assert time.monotonic() < deadline, (
                f"{what} did not appear on {self.address}:\n{self.text[:3000]}"
            )
            time.sleep(0.2)

    def see(self, *texts: str, patience: float = _PATIENCE) -> str:
        """Wait until the page shows all these texts; gives the page's text."""
        self.wait(lambda: all(text in self.text for text in texts), " and ".join(map(repr, texts)), patience)
        return self.text

    def find(self, xpath: str) -> str:
        """An element that can be seen, by XPath."""
        return str(self.wait(lambda: self._shown(xpath), xpath))

    def _shown(self, xpath: str) -> str | None:
        for found in self._ask("elements", using="xpath", value=xpath):
            name = found[_ELEMENT]
            path = f"/session/{self._session}/element/{name}/displayed"
            if self._client.get(path).json()["value"] is True:
                return str(name)
        return None

    def click(self, xpath: str) -> None:
        """Click what stands at an XPath, as soon as it can be seen and nothing lies over it."""
        self.wait(lambda: self.try_click(xpath), f"something to click at {xpath}")

    def try_click(self, xpath: str) -> bool:
        """Click what stands at an XPath; False if there is nothing, LookupError if it cannot be clicked."""
        name = self._shown(xpath)
        if name is None:
            return False
        self._ask(f"element/{name}/click")
        return True

    def write(self, xpath: str, text: str) -> None:
        """Put a text into the field at an XPath, in place of what it holds."""
        name = self.find(xpath)
        self._ask(f"element/{name}/clear")
        self._ask(f"element/{name}/value", text=text)

    def picture(self, file: Path) -> None:
        """Keep what the window shows as a PNG file."""
        told = self._client.get(f"/session/{self._session}/screenshot").json()["value"]
        file.write_bytes(base64.b64decode(told))


@contextmanager
def open_browser(home: Path) -> Iterator[Browser]:
    """A window with a profile of its own in `home`, closed with its driver at the end."""
    driver = installed(DRIVERS)
    assert driver is not None
    log = home / "driver.log"
    env = {**os.environ, "HOME": str(home)}
    with log.open("wb") as out:
        process = subprocess.Popen([driver, "--port=0"], stdout=out, stderr=out, env=env)
    try:
        address = f"http://127.0.0.1:{_port(log, process)}"
        with Browser(address, home / "profile") as browser:
            yield browser
    finally:
        process.terminate()
        process.wait(20)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + _PATIENCE
    while True:
        told = re.search(r"started successfully on port (\d+)", log.read_text("utf-8", "replace"))
        if told:
            return int(told[1])
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
