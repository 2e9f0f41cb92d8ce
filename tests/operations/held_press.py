"""A real HTTP server with one paper, which can be told to keep its readers waiting."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from tests.flows.running import article_html, feed_xml

SOURCE = """
name = "{name}"
title = "{name}"
home = "http://{name}.example/"
feeds = ["http://{name}.example/feed.xml"]
article_pattern = '^http://{name}\\.example/bai-\\d+\\.html$'
parser = "generic"
poll_minutes = 0
sitemap_minutes = 0
listing_minutes = 0
window_days = 36500
allow_loopback = true

[limits]
articles_per_run = 500
requests_per_day = 100000
min_delay_seconds = 0.0
concurrency = 1
"""


class HeldPress:
    """`with HeldPress() as press: press.publish(6); press.hold(after=3)`: the fourth page waits for `let_go`.

    `asked` counts the requests for each path, over all that is served from the start.
    """

    def __init__(self, *names: str) -> None:
        self.names = names or ("held",)
        self.asked: dict[str, int] = {}
        self._numbers: list[int] = []
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._pages = 0
        self._hold_after: int | None = None
        press = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = self.headers.get("host", "").partition(":")[0]
                press._answer(self, host)

            def log_message(self, *_args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> HeldPress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def write_sources(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.names:
            (folder / f"{name}.toml").write_text(SOURCE.format(name=name), "utf-8")
        return folder

    def publish(self, count: int) -> None:
        """So many articles more."""
        first = len(self._numbers)
        self._numbers.extend(range(first, first + count))

    def hold(self, after: int) -> None:
        """Answer so many pages more, then no other until `let_go`."""
        with self._lock:
            self._hold_after = self._pages + after
            self._free.clear()

    def let_go(self) -> None:
        """Answer all that waits, and what comes."""
        with self._lock:
            self._hold_after = None
        self._free.set()

    def wait_until_held(self, seconds: float = 60) -> None:
        """Until a reader waits."""
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                if self._hold_after is not None and self._pages > self._hold_after:
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody asked within {seconds} s; so far: {self.asked}")
            time.sleep(0.05)

    def _answer(self, handler: BaseHTTPRequestHandler, host: str) -> None:
        path = handler.path
        body, kind, status = b"", "text/html; charset=utf-8", 200
        if path == "/feed.xml":
            body, kind = feed_xml(host, self._numbers), "application/rss+xml"
        elif path.startswith("/bai-"):
            with self._lock:
                self._pages += 1
                held = self._hold_after is not None and self._pages > self._hold_after
            if held:
                self._free.wait(120)
            # Papers of other names print other texts.
            offset = 1000 * self.names.index(host.removesuffix(".example"))
            body = article_html(int(path.removeprefix("/bai-").removesuffix(".html")) + offset)
        else:
            status = 404
        with self._lock:
            self.asked[path] = self.asked.get(path, 0) + 1
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:  # the reader was killed
            return
