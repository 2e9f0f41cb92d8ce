"""An httpx transport over guarded connections, whose every failure has a name of `parsers.errors`.

One connection serves one request: a body longer than its Content-Length is never taken for the
beginning of the next answer, and each request has its address judged when it is dialled. The protocol is read
by h11, as httpx's own transport does; there is no pool, no proxy and no retry.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import h11
import httpx

from flows.fetching.network import Connection, Dialler
from flows.fetching.targets import port_of
from parsers.errors import PermanentFetchError, TransientFetchError

_MAX_EVENT = 100 * 1024
"""Bytes of one status line with its headers, or one line of framing, that h11 gathers; the connection counts
more strictly."""


WIRE_LIMIT = "wire_limit"
"""Extension of a request: the most bytes that the body may take on the wire, an int."""
REMOTE_ADDRESS = "remote_address"
"""Extension of a response: the address that answered, text or None."""


class _Answer(httpx.AsyncByteStream):
    """The head of an answer, and its body while it comes. `headers` are names and values as on the wire."""

    def __init__(self, url: httpx.URL, connection: Connection) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._url = url
        self._connection = connection
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_EVENT)

    @property
    def remote(self) -> str | None:
        """The address that answered."""
        return self._connection.remote

    async def aclose(self) -> None:
        """Nothing more is read."""
        self._connection.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, framing undone, content coding not. Raises what the transport names for it."""
        while True:
            event = await self._event(in_body=True)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    async def begin(self, headers: list[tuple[bytes, bytes]], wire_limit: int) -> None:
        """Send the request and read the head."""
        try:
            request = h11.Request(method=b"GET", target=self._url.raw_path, headers=headers)
            self._connection.write(self._protocol.send(request) or b"")
            self._protocol.send(h11.EndOfMessage())
        except h11.LocalProtocolError as error:
            raise PermanentFetchError(
                f"{self._url} cannot be asked: {error}", reason="protocol-error"
            ) from error
        while True:
            event = await self._event(in_body=False)
            if isinstance(event, h11.Response):
                break
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                raise TransientFetchError(f"{self._url} switched protocols", reason="protocol-error")
        self.status = event.status_code
        self.headers = event.headers.raw_items()
        self._connection.begin_body(wire_limit)

    async def _event(self, *, in_body: bool) -> object:
        try:
            while (event := self._protocol.next_event()) is h11.NEED_DATA:
                data = await self._connection.read()
                if not data and not in_body:
                    raise TransientFetchError(
                        f"{self._url}: closed without an answer", reason="protocol-error"
                    )
                self._protocol.receive_data(data)
        except OSError as error:
            raise self._broken(error, broken_off=in_body) from error
        except h11.RemoteProtocolError as error:
            raise self._broken(error, broken_off=in_body and self._connection.ended) from error
        return event

    def _broken(self, error: Exception, *, broken_off: bool) -> TransientFetchError:
        return TransientFetchError(
            f"{self._url}: {error or 'the connection was reset'}",
            reason="truncated-body" if broken_off else "protocol-error",
        )


class GuardedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 through a `Dialler`; no proxies, no kept connections, no retries of its own."""

    def __init__(self, dialler: Dialler, ssl_context: ssl.SSLContext) -> None:
        self._dialler = dialler
        self._ssl_context = ssl_context

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and give the answer with its body unread, within its extension WIRE_LIMIT.

        TransientFetchError: `timeout`, `connect-failed`, `dns-failed`, `tls-failed`, `protocol-error`,
        and from the body `truncated-body`; PermanentFetchError: `tls-failed`, `too-large`,
        `protocol-error`; RefusedFetchError: `private-address`.
        """
        url = request.url
        connection = await self._dialler.connect(
            url.raw_host.decode("ascii"),
            port_of(url),
            request.extensions["timeout"]["connect"],
            tls=self._ssl_context if url.scheme == "https" else None,
        )
        answer = _Answer(url, connection)
        try:
            await answer.begin(request.headers.raw, request.extensions[WIRE_LIMIT])
        except BaseException:
            await answer.aclose()
            raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=answer,
            extensions={REMOTE_ADDRESS: answer.remote},
            request=request,
        )
