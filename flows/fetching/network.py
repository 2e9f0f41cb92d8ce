"""The network as httpcore sees it: names are resolved, judged and dialled here, and bytes are counted.

The address that was judged is the address that is dialled, so a name that changes its answer between
check and connect gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore

from flows.fetching.addresses import Address, literal_address, refusal
from parsers.errors import PermanentFetchError, RefusedFetchError, TransientFetchError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host name, in the order in which to try them; OSError when there are none."""

_MAX_ATTEMPTS = 4


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses that the machine's own resolver gives."""
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


class MeteredStream(httpcore.AsyncNetworkStream):
    """A connection that counts what it reads: first against the limit of headers, then of the whole.

    Without it a server could send interim 1xx answers, headers or chunk extensions without end: they
    never become body, which is all that the reader of a response can count.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream, max_header_bytes: int) -> None:
        self._inner = inner
        self._max_header_bytes = max_header_bytes
        self._left = max_header_bytes
        self._in_body = False
        self.ended = False
        """Whether the other side closed its half of the connection."""

    def begin_body(self, max_bytes: int) -> None:
        """From now on `max_bytes` more may be read, framing included."""
        self._in_body = True
        self._left = max_bytes + self._max_header_bytes

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """The next bytes. PermanentFetchError (`too-large`) when the limit is used up."""
        if self._left <= 0:
            what = "body with its framing" if self._in_body else "headers"
            raise PermanentFetchError(f"{what} beyond the limit", reason="too-large")
        data = await self._inner.read(min(max_bytes, self._left), timeout)
        self._left -= len(data)
        self.ended = self.ended or not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send `buffer`."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Secure the connection. A certificate that is not valid is a PermanentFetchError (`tls-failed`)."""
        try:
            inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise PermanentFetchError(
                    f"certificate of {server_hostname} is not valid: {error.__cause__.verify_message}",
                    reason="tls-failed",
                ) from error
            raise TransientFetchError(
                f"no TLS connection with {server_hostname}: {error}", reason="tls-failed"
            ) from error
        return MeteredStream(inner, self._max_header_bytes)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection, such as `server_addr`."""
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.AsyncNetworkBackend):
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
        self._dialler = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that answers, within `timeout` seconds in all.

        RefusedFetchError (`private-address`) when any of its addresses may not be dialled: a name with
        a public and a private address is not a mistake. TransientFetchError: `dns-failed`, `timeout`,
        `connect-failed`.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses, port = await self._addresses(host, port)
                return await self._dial(host, addresses, port, timeout, local_address, socket_options)
        except TimeoutError as error:
            raise TransientFetchError(
                f"no connection with {host} within {timeout} s", reason="timeout"
            ) from error

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

    async def _dial(
        self,
        host: str,
        addresses: Sequence[Address],
        port: int,
        timeout: float | None,  # noqa: ASYNC109
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        attempts = addresses[:_MAX_ATTEMPTS]
        # One address that swallows packets (often IPv6) must not use up the time of the others.
        share = None if timeout is None else timeout / len(attempts)
        problem: Exception | None = None
        for address in attempts:
            try:
                stream = await self._dialler.connect_tcp(
                    str(address), port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return MeteredStream(stream, self._max_header_bytes)
        if isinstance(problem, httpcore.ConnectTimeout):
            raise TransientFetchError(
                f"no connection with {host} within {timeout} s", reason="timeout"
            ) from problem
        raise TransientFetchError(
            f"no connection with {host} port {port}: {problem}", reason="connect-failed"
        ) from problem

    async def sleep(self, seconds: float) -> None:
        """Asked by httpcore between its own retries, of which it makes none here."""
        await asyncio.sleep(seconds)
