"""An httpx transport over httpcore whose every failure has a name of `parsers.errors`.

One connection serves one request: a body longer than its Content-Length is never taken for the
beginning of the next answer, and each request has its address judged when it is dialled.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import TracebackType

import httpcore
import httpx

from flows.fetching.network import GuardedBackend, MeteredStream
from parsers.errors import PermanentFetchError, TransientFetchError

WIRE_LIMIT = "wire_limit"
"""Request extension: the most bytes that the body may take on the wire, an int."""


@contextmanager
def _named(url: httpx.URL, body_of: MeteredStream | None = None) -> Iterator[None]:
    """Turn what httpcore raises into errors with reason codes."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise TransientFetchError(f"{url} took too long", reason="timeout") from error
    except httpcore.ConnectError as error:
        raise TransientFetchError(f"no connection for {url}: {error}", reason="connect-failed") from error
    except httpcore.LocalProtocolError as error:
        raise PermanentFetchError(f"{url} cannot be asked: {error}", reason="protocol-error") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        broken_off = body_of is not None and (isinstance(error, httpcore.ReadError) or body_of.ended)
        raise TransientFetchError(
            f"{url}: {error or 'the connection was reset'}",
            reason="truncated-body" if broken_off else "protocol-error",
        ) from error


class _Body(httpx.AsyncByteStream):
    def __init__(self, url: httpx.URL, response: httpcore.Response, meter: MeteredStream) -> None:
        self._url = url
        self._response = response
        self._meter = meter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named(self._url, self._meter):
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 through a `GuardedBackend`; no proxies, no kept connections, no retries of its own."""

    def __init__(self, backend: GuardedBackend, ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,  # the politeness of the Fetcher is the limit
            max_keepalive_connections=0,
            network_backend=backend,
        )

    async def __aenter__(self) -> GuardedTransport:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._pool.__aexit__(exc_type, exc_value, traceback)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and give the answer with its body unread.

        TransientFetchError: `timeout`, `connect-failed`, `dns-failed`, `tls-failed`, `protocol-error`,
        and from the body `truncated-body`; PermanentFetchError: `tls-failed`, `too-large`,
        `protocol-error`; RefusedFetchError: `private-address`.
        """
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            extensions={"timeout": request.extensions.get("timeout", {})},
        )
        with _named(request.url):
            response = await self._pool.handle_async_request(asked)
        meter = response.extensions["network_stream"]
        if not isinstance(meter, MeteredStream):  # httpcore wraps the stream of a 101 answer
            await response.aclose()
            raise TransientFetchError(f"{request.url} switched protocols", reason="protocol-error")
        meter.begin_body(request.extensions[WIRE_LIMIT])
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(request.url, response, meter),
            extensions=response.extensions,
            request=request,
        )
