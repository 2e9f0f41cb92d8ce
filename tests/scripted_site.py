"""A real HTTP server on loopback whose answers a test writes down, by host and path."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from types import TracebackType


@dataclass
class Answer:
    """What the server says to a GET."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


class ScriptedSite:
    """`async with ScriptedSite() as site: site.answers[("a.example", "/")] = Answer(b"...")`.

    Answers with an `ETag` header are served as 304 to a request that names it. `asked` holds (host, path) of
    every request, in order, `heads` (path, headers).
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: dict[tuple[str, str], Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> ScriptedSite:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def routes(self, *hosts: str) -> dict[str, tuple[str, int]]:
        return dict.fromkeys(hosts, ("127.0.0.1", self.port))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.split("\r\n")
            headers = {k.strip().lower(): v.strip() for k, _, v in (item.partition(":") for item in rest)}
            path = line.split(" ")[1]
            host = headers["host"].split(":")[0]
            self.asked.append((host, path))
            self.heads.append((path, headers))
            answer = self.answers.get((host, path), Answer(b"not here", 404))
            status, body = answer.status, answer.body
            etag = answer.headers.get("ETag")
            if etag is not None and headers.get("if-none-match") == etag:
                status, body = 304, b""
            out = {**answer.headers, "Content-Length": str(len(body)), "Connection": "close"}
            if status == 304:
                del out["Content-Length"]
            text = "".join(f"{name}: {value}\r\n" for name, value in out.items())
            writer.write(f"HTTP/1.1 {status} -\r\n{text}\r\n".encode("latin-1") + body)
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()
