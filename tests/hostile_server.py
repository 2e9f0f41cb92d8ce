"""A server of raw sockets on loopback that answers each path with a script of bytes.

    async with HostileServer({"/a": raw(b"HTTP/1.1 200 OK\\r\\n\\r\\nhello")}) as server:
        ...  # server.port, server.asked

A script is an async function of the `Conversation`: it sends what it likes, when it likes, and the
connection is closed when it returns. Paths without a script are answered with 404.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]


class Conversation:
    """The server's side of one connection, after its request was read."""

    def __init__(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes; ConnectionError when the client has gone."""
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Break the connection off with RST, not FIN."""
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._writer.transport.abort()


Script = Callable[[Conversation], Awaitable[None]]
Headers = Sequence[tuple[str, str]]


def raw(*parts: bytes) -> Script:
    """Sends these bytes as they are."""

    async def script(conversation: Conversation) -> None:
        for part in parts:
            await conversation.send(part)

    return script


def head(status: int, headers: Headers = ()) -> bytes:
    """A status line with headers and the blank line."""
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def answer(body: bytes = b"", *, status: int = 200, headers: Headers = ()) -> Script:
    """A well-formed answer with Content-Length."""
    return raw(head(status, [*headers, ("Content-Length", str(len(body)))]) + body)


def redirect(location: str, status: int = 302) -> Script:
    """A redirect whose Location is sent in UTF-8 as given."""
    return answer(status=status, headers=[("Location", location)])


def endless(start: bytes, again: bytes, pause: float = 0.0) -> Script:
    """Sends `start`, then `again` for ever, with a pause in seconds before each."""

    async def script(conversation: Conversation) -> None:
        await conversation.send(start)
        while True:
            await asyncio.sleep(pause)
            await conversation.send(again)

    return script


def in_turn(*scripts: Script) -> Script:
    """The first request gets the first script, and so on; the last one serves all further requests."""
    left = list(scripts)

    async def script(conversation: Conversation) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(conversation)

    return script


_NOT_FOUND = answer(b"nothing here", status=404)


class HostileServer:
    """Serves scripts by path on 127.0.0.1 and a free port; `asked` holds the requests in their order.

    A script for one host only has the host before its path: `a.example/robots.txt`.
    """

    def __init__(self, scripts: Mapping[str, Script], *, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = dict(scripts)
        self.asked: list[Asked] = []
        self.port = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def paths(self) -> list[str]:
        """The targets asked for, in their order."""
        return [request.target for request in self.asked]

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, as a Fetcher's route."""
        return ("127.0.0.1", self.port)

    async def __aenter__(self) -> HostileServer:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # The client may leave at any time; IncompleteReadError is how its leaving shows in reading.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                request = _parse(await reader.readuntil(b"\r\n\r\n"))
                self.asked.append(request)
                own = request.headers.get("host", "") + request.target
                script = self.scripts.get(own) or self.scripts.get(request.target) or _NOT_FOUND
                await script(Conversation(request, writer))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


def _parse(block: bytes) -> Asked:
    first, *lines = block.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines if line)
    return Asked(method, target, {name.strip().lower(): value.strip() for name, value in pairs})
