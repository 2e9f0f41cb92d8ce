"""A real HTTP server that keeps each request open for a while and records who is asked when.

`python -m tests.busy_site FOLDER SECONDS HOST:ARTICLES...` serves until it is ended: each host has a feed
that names so many articles. It writes its port to FOLDER/port, and a line `host start end path` for each
request to FOLDER/requests (times in seconds of the monotonic clock). With a name as HOST+:ARTICLES, feeds of
the hosts so marked are answered only when each of them was asked: their readers are at work at once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.flows.running import article_html, feed_xml

_PATIENCE = 45.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when its head had come, and when its answer had gone."""

    host: str
    start: float
    end: float
    path: str


def overlaps(requests: Iterable[Asked]) -> list[tuple[Asked, Asked]]:
    """The pairs of requests that one host had at the same time."""
    by_host: dict[str, list[Asked]] = {}
    for request in sorted(requests, key=lambda request: request.start):
        by_host.setdefault(request.host, []).append(request)
    return [(a, b) for told in by_host.values() for a, b in pairwise(told) if b.start < a.end]


def mean_delay(requests: Iterable[Asked], host: str) -> float:
    """The mean time between the starts of two requests to a host, in seconds.

    The mean, since a single request may take longer to arrive than the next.
    """
    starts = sorted(request.start for request in requests if request.host == host)
    return (starts[-1] - starts[0]) / (len(starts) - 1)


class BusySite:
    """The server; `asked` are the requests that were answered."""

    def __init__(
        self, articles: dict[str, int], seconds: float, together: frozenset[str] = frozenset()
    ) -> None:
        self._articles = articles
        self._seconds = seconds
        self._awaited = set(together)
        self._there: set[str] = set()
        self._all_there = asyncio.Event()
        self.asked: list[Asked] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start = time.monotonic()
            path = head.split(" ")[1]
            told = next(line for line in head.split("\r\n") if line.lower().startswith("host:"))
            host = told.split(":")[1].strip()
            status, kind, body = self._answer(host, path)
            if path == "/feed.xml" and host in self._awaited:
                await self._wait_for_the_others(host)
            await asyncio.sleep(self._seconds)
            writer.write(
                f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + body
            )
            # Before the answer has gone, so that the next request can never seem to overlap with it.
            self.note(Asked(host, start, time.monotonic(), path))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _wait_for_the_others(self, host: str) -> None:
        self._there.add(host)
        if self._there == self._awaited:
            self._all_there.set()
        # Not for ever: a test that fails must come to its end.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_there.wait(), _PATIENCE)

    def note(self, asked: Asked) -> None:
        """Keep what was asked."""
        self.asked.append(asked)

    def _answer(self, host: str, path: str) -> tuple[int, str, bytes]:
        count = self._articles.get(host, 0)
        # Texts differ between hosts too, or they would be reprints of one another.
        shift = 1000 * sorted(self._articles).index(host) if host in self._articles else 0
        if path == "/feed.xml":
            return 200, "application/rss+xml", feed_xml(host, range(1, count + 1))
        if path.startswith("/bai-") and path[5:-5].isdigit():
            return 200, "text/html; charset=utf-8", article_html(shift + 37 * int(path[5:-5]))
        return 404, "text/plain", b"not here"


class _Written(BusySite):
    """The same, for readers in other processes."""

    def __init__(
        self, articles: dict[str, int], seconds: float, together: frozenset[str], file: Path
    ) -> None:
        super().__init__(articles, seconds, together)
        self._file = file.open("a", buffering=1)

    def note(self, asked: Asked) -> None:
        self._file.write(f"{asked.host} {asked.start} {asked.end} {asked.path}\n")


def read_requests(folder: Path) -> list[Asked]:
    """What a server in a process of its own has recorded."""
    rows = (line.split() for line in (folder / "requests").read_text().splitlines())
    return [Asked(host, float(start), float(end), path) for host, start, end, path in rows]


async def _main(folder: Path, seconds: float, marked: dict[str, int]) -> None:
    articles = {name.rstrip("+"): count for name, count in marked.items()}
    together = frozenset(name.rstrip("+") for name in marked if name.endswith("+"))
    site = _Written(articles, seconds, together, folder / "requests")
    await site.start()
    part = folder / "port.part"
    part.write_text(str(site.port))
    part.rename(folder / "port")
    await asyncio.Event().wait()


if __name__ == "__main__":
    told = (argument.rsplit(":", 1) for argument in sys.argv[3:])
    asyncio.run(_main(Path(sys.argv[1]), float(sys.argv[2]), {host: int(count) for host, count in told}))
