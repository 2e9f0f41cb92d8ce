"""Dialling: from a host name to a connection, through the check of addresses.

The address that was judged is the address that is dialled, so a name that changes its answer between
check and connect gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address

from flows.fetching.addresses import Address, literal_address, refusal
from parsers.errors import PermanentFetchError, RefusedFetchError, TransientFetchError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host name, in the order in which to try them; OSError when there are none."""

_MAX_ATTEMPTS = 4
_READ = 65_536
_ENOUGH = 262_144
"""Bytes that wait to be read before the other side is made to wait."""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses that the machine's own resolver gives."""
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


class Connection(asyncio.Protocol):
    """A connection that counts what is read from it: first against the limit of headers, then of the whole.

    Without it a server could send interim 1xx answers, headers or chunk extensions without end: they
    never become body, which is all that the reader of a response can count.
    """

    def __init__(self, max_header_bytes: int) -> None:
        self._max_header_bytes = max_header_bytes
        self._left = max_header_bytes
        self._in_body = False
        self._transport: asyncio.Transport | None = None
        self._arrived: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._fault: Exception | None = None
        self.ended = False
        """Whether the other side closed its half of the connection, and all it sent was read."""
        self._eof = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection makes
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._arrived.append(data)
        self._size += len(data)
        if self._size > _ENOUGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Called by asyncio; the connection stays open on our side, so that we close it."""
        self._eof = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._eof = True
        self._fault = exc
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def begin_body(self, max_bytes: int) -> None:
        """From now on `max_bytes` more may be read, framing included."""
        self._in_body = True
        self._left = max_bytes + self._max_header_bytes

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. OSError when the connection broke.

        PermanentFetchError (`too-large`) when the limit is used up.
        """
        if self._left <= 0:
            what = "body with its framing" if self._in_body else "headers"
            raise PermanentFetchError(f"{what} beyond the limit", reason="too-large")
        while not self._arrived:
            if self._fault is not None:
                raise self._fault if isinstance(self._fault, OSError) else OSError(str(self._fault))
            if self._eof:
                self.ended = True
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = self._arrived.popleft()
        most = min(_READ, self._left)
        if len(data) > most:
            self._arrived.appendleft(data[most:])
            data = data[:most]
        self._left -= len(data)
        self._size -= len(data)
        if self._paused and self._size <= _ENOUGH and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Send a request, which is small."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close at once: after an answer nothing more is to be said."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def remote(self) -> str | None:
        """The address of the other side."""
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(peer[0]) if peer else None

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Secure the connection. A certificate that is not valid is a PermanentFetchError (`tls-failed`).

        TransientFetchError (`tls-failed`) for any other handshake that fails.
        """
        assert self._transport is not None  # noqa: S101 - made before it is secured
        try:
            secured = await asyncio.get_running_loop().start_tls(
                self._transport, self, context, server_hostname=host
            )
        except ssl.SSLCertVerificationError as error:
            raise PermanentFetchError(
                f"certificate of {host} is not valid: {error.verify_message}", reason="tls-failed"
            ) from error
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be one of a certificate
            raise TransientFetchError(
                f"no TLS connection with {host}: {error}", reason="tls-failed"
            ) from error
        if secured is None:
            raise TransientFetchError(f"{host} closed during the TLS handshake", reason="tls-failed")
        self._transport = secured


class Dialler:
    """Dials public addresses, and with `allow_loopback` loopback ones and the fixed `routes` too."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        routes: Mapping[str, tuple[str, int]],
        allow_loopback: bool,
        max_header_bytes: int,
    ) -> None:
        self._resolver = resolver
        self._routes = routes if allow_loopback else {}
        self._allow_loopback = allow_loopback
        self._max_header_bytes = max_header_bytes

    async def connect(
        self, host: str, port: int, seconds: float, *, tls: ssl.SSLContext | None = None
    ) -> Connection:
        """Connect to the first address of `host` that answers, within so many seconds; then TLS.

        RefusedFetchError (`private-address`) when any of its addresses may not be dialled: a name with
        a public and a private address is not a mistake. TransientFetchError: `dns-failed`, `timeout`,
        `connect-failed`, `tls-failed`; PermanentFetchError: `tls-failed`. TLS has the same time again.
        """
        try:
            async with asyncio.timeout(seconds):
                addresses, port = await self._addresses(host, port)
                connection = await self._dial(host, addresses, port, seconds)
            if tls is None:
                return connection
            try:
                async with asyncio.timeout(seconds):
                    await connection.start_tls(tls, host)
            except BaseException:
                connection.close()
                raise
        except TimeoutError as error:
            raise TransientFetchError(
                f"no connection with {host} within {seconds} s", reason="timeout"
            ) from error
        return connection

    async def _addresses(self, host: str, port: int) -> tuple[list[Address], int]:
        route = self._routes.get(host.rstrip("."))
        literal = literal_address(host)
        if route is not None:
            addresses: list[Address] = [ip_address(route[0])]
            port = route[1]
        elif literal is not None:
            addresses = [literal]
        else:
            addresses = await self._resolve(host, port)
        for address in addresses:
            why = refusal(address, allow_loopback=self._allow_loopback)
            if why is not None:
                raise RefusedFetchError(
                    f"{host} is at {address}, which is no public address ({why})", reason="private-address"
                )
        return addresses, port

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            found = await self._resolver(host, port)
            addresses = [ip_address(text) for text in dict.fromkeys(found)]
        # ValueError: a name that the resolver's own encoding refuses, or an answer that is no address.
        except (OSError, ValueError) as error:
            raise TransientFetchError(f"no address found for {host}: {error}", reason="dns-failed") from error
        if not addresses:
            raise TransientFetchError(f"no address found for {host}", reason="dns-failed")
        return addresses

    async def _dial(self, host: str, addresses: Sequence[Address], port: int, seconds: float) -> Connection:
        loop = asyncio.get_running_loop()
        attempts = addresses[:_MAX_ATTEMPTS]
        # One address that swallows packets (often IPv6) must not use up the time of the others.
        share = seconds / len(attempts)
        problem: OSError | None = None
        for address in attempts:
            try:
                async with asyncio.timeout(share):
                    _, connection = await loop.create_connection(
                        lambda: Connection(self._max_header_bytes), str(address), port
                    )
            except OSError as error:  # TimeoutError is one
                problem = error
            else:
                return connection
        if isinstance(problem, TimeoutError):
            raise TransientFetchError(
                f"no connection with {host} within {seconds} s", reason="timeout"
            ) from problem
        raise TransientFetchError(
            f"no connection with {host} port {port}: {problem}", reason="connect-failed"
        ) from problem
