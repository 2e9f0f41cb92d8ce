"""Serves the sample newsroom over HTTP/1.1 on 127.0.0.1, one virtual host for each paper.

    async with SampleNewsroom(edition=1) as newsroom:
        ...  # newsroom.routes tells where each host is reached

There is neither clock nor chance in it: the same edition always gives the same bytes and the same headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from types import MappingProxyType, TracebackType
from typing import Any, Self

import uvicorn

from deployments.sample.markup import HTML, Resource
from deployments.sample.papers import serve
from deployments.sample.press import Press, load_press

LOOPBACK = "127.0.0.1"

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NOT_FOUND = (
    '<!DOCTYPE html>\n<html lang="vi"><head><title>404</title></head>'
    "<body><h1>404</h1><p>Không có trang này.</p></body></html>\n"
).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the newsroom answered it; `path` includes the query string."""

    host: str
    path: str
    status: int
    method: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class _Stored:
    """A resource made ready: both codings with their entity tags."""

    resource: Resource
    plain_tag: str
    gzipped: bytes | None
    gzip_tag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class _QuietServer(uvicorn.Server):
    """A server that lives inside another program, whose signal handlers it must leave alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class SampleNewsroom:
    """The running newsroom in one edition, an asynchronous context manager.

    `requests` holds what was asked so far, in the order of the answers. `routes` maps each host name to the
    address and port of this server, since names under `.example` do not resolve.
    """

    def __init__(self, edition: int = 1, press: Press | None = None) -> None:
        self._press = press or load_press()
        self.requests: list[Request] = []
        self.turn_to(edition)
        self._socket: socket.socket | None = None
        self._server: _QuietServer | None = None
        self._task: asyncio.Task[None] | None = None

    def turn_to(self, edition: int) -> None:
        """Serve this edition from now on."""
        sites = serve(self._press, edition)
        self.edition = edition
        self._sites = {
            host: {path: _store(res) for path, res in site.items()} for host, site in sites.items()
        }

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of the virtual hosts."""
        return tuple(self._sites)

    @property
    def port(self) -> int:
        """TCP port on 127.0.0.1; RuntimeError while the newsroom is not running."""
        if self._socket is None:
            raise RuntimeError("the sample newsroom is not running")
        return int(self._socket.getsockname()[1])

    @property
    def routes(self) -> Mapping[str, tuple[str, int]]:
        """Host name -> (address, port)."""
        return MappingProxyType(dict.fromkeys(self.hosts, (LOOPBACK, self.port)))

    async def __aenter__(self) -> Self:
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
        )
        self._socket = socket.create_server((LOOPBACK, 0), backlog=128)
        self._socket.setblocking(False)
        self._server = _QuietServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                self._socket.close()
                self._socket = None
                await self._task
                raise RuntimeError("the sample newsroom ended before it began to serve")
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        if self._socket is not None:
            self._socket.close()
        self._socket = self._server = self._task = None

    async def _app(self, scope: _Scope, _receive: _Receive, send: _Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        host = headers.get("host", "").partition(":")[0].lower()
        method = scope["method"]
        answer = self._answer(method, host, path, target, headers)
        self.requests.append(Request(host, target, answer.status, method, headers.get("user-agent", "")))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})

    def _answer(self, method: str, host: str, path: str, target: str, headers: Mapping[str, str]) -> _Answer:
        if method not in ("GET", "HEAD"):
            return _error(405, b"", {"allow": "GET, HEAD"})
        site = self._sites.get(host)
        if site is None:
            return _error(421, b"")
        # An unknown query, such as a tracking parameter, gives the page without it, as on real sites.
        stored = site.get(target) or site.get(path)
        if stored is None:
            return _error(404, _NOT_FOUND)
        return _entity(stored, headers)


def _store(resource: Resource) -> _Stored:
    digest = hashlib.sha256(resource.body).hexdigest()[:16]
    # A file that is gzip already is sent as it is.
    gzipped = None if "gzip" in resource.content_type else gzip.compress(resource.body, 6, mtime=0)
    return _Stored(
        resource=resource,
        plain_tag=f'"{digest}"',
        gzipped=gzipped,
        # A strong tag stands for exact bytes, so each coding has its own (RFC 9110, 8.8.3.3).
        gzip_tag=f'"{digest}-gzip"',
        last_modified=format_datetime(resource.modified.astimezone(UTC), usegmt=True),
    )


def _entity(stored: _Stored, headers: Mapping[str, str]) -> _Answer:
    coded = stored.gzipped is not None and _accepts_gzip(headers.get("accept-encoding", ""))
    sent = {
        "etag": stored.gzip_tag if coded else stored.plain_tag,
        "last-modified": stored.last_modified,
        "cache-control": "public, max-age=60",
        "vary": "Accept-Encoding",
    }
    if _unchanged(stored, headers):
        return _Answer(304, sent)
    body = stored.gzipped if coded and stored.gzipped is not None else stored.resource.body
    sent["content-type"] = stored.resource.content_type
    if coded:
        sent["content-encoding"] = "gzip"
    sent["content-length"] = str(len(body))
    return _Answer(200, sent, body)


def _accepts_gzip(accept: str) -> bool:
    """Whether the header allows gzip; a weight of zero forbids it."""
    for part in accept.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _unchanged(stored: _Stored, headers: Mapping[str, str]) -> bool:
    """Whether the client holds the current state; If-None-Match overrules the date (RFC 9110, 13.2.2)."""
    if "if-none-match" in headers:
        tags = {tag.strip().removeprefix("W/") for tag in headers["if-none-match"].split(",")}
        return "*" in tags or bool(tags & {stored.plain_tag, stored.gzip_tag})
    if "if-modified-since" in headers:
        since = _http_date(headers["if-modified-since"])
        return since is not None and stored.resource.modified <= since
    return False


def _http_date(text: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def _error(status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> _Answer:
    sent = {"content-type": HTML, "cache-control": "no-store", "content-length": str(len(body)), **headers}
    return _Answer(status, sent, body)
