"""Servers that talk HTTP badly, slowly or without end (cases 16 to 27)."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from pathlib import Path

import pytest

from flows.clock import SystemClock
from flows.fetching import Fetcher
from flows.fetching.network import Dialler
from parsers.errors import FetchError, PermanentFetchError, TransientFetchError
from tests.fetching.certificates import server_context, trust_in, write_certificate
from tests.fetching.settings import HOST, POLICY, OpenFetcher, at, config, failure, fetch_failure, no_names
from tests.hostile_server import Conversation, HostileServer, Script, answer, endless, head, raw

CHUNKED = head(200, [("Transfer-Encoding", "chunked")])


async def _break_off(conversation: Conversation) -> None:
    conversation.reset()


async def _break_off_inside(conversation: Conversation) -> None:
    await conversation.send(head(200, [("Content-Length", "100")]) + b"<p>half")
    await asyncio.sleep(0.05)  # a reset at once would take back what was sent
    conversation.reset()


@pytest.mark.parametrize(
    ("script", "kind", "reason"),
    [
        pytest.param(raw(), TransientFetchError, "protocol-error", id="closed at once"),
        pytest.param(_break_off, TransientFetchError, "protocol-error", id="reset at once"),
        pytest.param(_break_off_inside, TransientFetchError, "truncated-body", id="reset inside the body"),
        pytest.param(raw(b"HTTP/1.1 200"), TransientFetchError, "protocol-error", id="closed in the headers"),
        pytest.param(raw(b"\x16\x03\x01\x02garbage"), TransientFetchError, "protocol-error", id="garbage"),
        pytest.param(raw(b"<html>0.9</html>"), TransientFetchError, "protocol-error", id="HTTP/0.9"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\nx"),
            TransientFetchError,
            "protocol-error",
            id="header",
        ),
        pytest.param(
            raw(head(101, [("Upgrade", "x"), ("Connection", "Upgrade")])),
            TransientFetchError,
            "protocol-error",
            id="101",
        ),
        pytest.param(
            raw(head(200, [("Content-Length", "50")]) + b"<p>short</p>"),
            TransientFetchError,
            "truncated-body",
            id="Content-Length too long",
        ),
        pytest.param(
            raw(head(200, [("Content-Length", "5"), ("Content-Length", "7")]) + b"<p></p>"),
            TransientFetchError,
            "protocol-error",
            id="two lengths",
        ),
        pytest.param(
            raw(head(200, [("Content-Length", "-5")])),
            TransientFetchError,
            "protocol-error",
            id="negative length",
        ),
        pytest.param(
            raw(CHUNKED + b"5\r\nhello\r\n"), TransientFetchError, "truncated-body", id="chunks without end"
        ),
        pytest.param(
            raw(CHUNKED + b"xyz\r\nhello\r\n0\r\n\r\n"),
            TransientFetchError,
            "protocol-error",
            id="bad chunk size",
        ),
        pytest.param(
            raw(
                head(200, [("Transfer-Encoding", "chunked"), ("Content-Length", "12")])
                + b"5\r\nhello\r\n0\r\n\r\n"
            ),
            TransientFetchError,
            "protocol-error",
            id="two framings",
        ),
        pytest.param(answer(status=999), PermanentFetchError, "http-999", id="999"),
        pytest.param(raw(head(204)), TransientFetchError, "empty-body", id="204"),
        pytest.param(answer(), TransientFetchError, "empty-body", id="empty 200"),
        pytest.param(answer(b" \r\n\t"), TransientFetchError, "empty-body", id="blank 200"),
        pytest.param(answer(b"x", status=202), TransientFetchError, "http-202", id="202"),
        pytest.param(answer(b"x", status=206), TransientFetchError, "http-206", id="206"),
        pytest.param(raw(head(304)), TransientFetchError, "protocol-error", id="304 not asked for"),
        pytest.param(answer(b"x", status=404), PermanentFetchError, "http-404", id="404"),
        pytest.param(answer(b"x", status=410), PermanentFetchError, "http-410", id="410"),
        pytest.param(answer(b"x", status=403), PermanentFetchError, "http-403", id="403"),
        pytest.param(answer(b"x", status=408), TransientFetchError, "http-408", id="408"),
        pytest.param(answer(b"x", status=500), TransientFetchError, "http-500", id="500"),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 4000 + b"\r\n"),
            PermanentFetchError,
            "too-large",
            id="endless headers",
        ),
        pytest.param(
            endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
            PermanentFetchError,
            "too-large",
            id="100 Continue",
        ),
        pytest.param(
            endless(CHUNKED, b"1;" + b"e" * 4000 + b"\r\nx\r\n"),
            PermanentFetchError,
            "too-large",
            id="extensions",
        ),
        pytest.param(
            endless(CHUNKED, b"800\r\n" + b"x" * 2048 + b"\r\n"),
            PermanentFetchError,
            "too-large",
            id="chunks",
        ),
    ],
)
async def test_each_bad_answer_has_its_reason(
    open_fetcher: OpenFetcher, script: Script, kind: type[FetchError], reason: str
) -> None:
    settings = config(max_header_bytes=20_000, max_wire_bytes=50_000)
    async with (
        HostileServer({"/a": script, "/b": answer(b"<p>b</p>")}) as server,
        open_fetcher(server, settings) as fetcher,
    ):
        error = await failure(fetcher, at("/a"))
        after = await fetcher.get(at("/b"), policy=POLICY)
    assert (type(error), error.reason) == (kind, reason)
    assert after.body == b"<p>b</p>"


async def test_the_framing_of_chunks_counts_as_taken(open_fetcher: OpenFetcher) -> None:
    sent = 0

    async def one_byte_a_chunk(conversation: Conversation) -> None:
        nonlocal sent
        await conversation.send(CHUNKED)
        while True:
            await conversation.send(b"1;" + b"e" * 4000 + b"\r\nx\r\n")
            sent += 4000

    async with (
        HostileServer({"/a": one_byte_a_chunk}) as server,
        open_fetcher(server, config(max_wire_bytes=50_000)) as fetcher,
    ):
        assert (await failure(fetcher, at("/a"))).reason == "too-large"
    # What the buffers of the kernel took is in it; 50,000 bytes of body would be 200 MB.
    assert sent < 30_000_000


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(endless(head(200, [("Content-Length", "9999")]), b"x", 0.02), id="body drip"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.02), id="header drip"),
        pytest.param(endless(b"", b"", 0.02), id="silence"),
        pytest.param(endless(head(302, [("Location", "/slow")])[:-2], b"X: y\r\n", 0.02), id="redirect drip"),
    ],
)
async def test_a_server_that_drips_ends_at_the_total_time(open_fetcher: OpenFetcher, script: Script) -> None:
    async with (
        HostileServer({"/slow": script}) as server,
        open_fetcher(server, config(total_timeout=0.4)) as fetcher,
    ):
        error = await failure(fetcher, at("/slow"))
    assert isinstance(error, TransientFetchError)
    assert error.reason == "timeout"


async def test_the_total_time_is_shared_by_all_redirects(open_fetcher: OpenFetcher) -> None:
    async def slow_hop(conversation: Conversation) -> None:
        await asyncio.sleep(0.2)
        number = int(conversation.request.target[1:])
        await conversation.send(head(302, [("Location", f"/{number + 1}"), ("Content-Length", "0")]))

    scripts: dict[str, Script] = {f"/{number}": slow_hop for number in range(1, 6)}
    async with HostileServer(scripts) as server, open_fetcher(server, config(total_timeout=0.5)) as fetcher:
        error = await failure(fetcher, at("/1"))
    assert error.reason == "timeout"
    assert len(server.paths) <= 4  # robots.txt and at most three hops


async def test_a_status_is_not_lost_to_a_body_that_drips(open_fetcher: OpenFetcher) -> None:
    script = endless(head(503, [("Content-Length", "9999"), ("Retry-After", "7")]), b"x", 0.02)
    async with (
        HostileServer({"/a": script}) as server,
        open_fetcher(server, config(total_timeout=0.4)) as fetcher,
    ):
        error = await fetch_failure(fetcher, at("/a"))
    assert (error.reason, error.retry_after) == ("http-503", 7.0)


async def test_what_follows_the_content_length_is_cut_and_no_answer_to_the_next(
    open_fetcher: OpenFetcher,
) -> None:
    poison = head(200, [("Content-Length", "6")]) + b"poison"
    scripts = {"/a": raw(head(200, [("Content-Length", "5")]) + b"hello" + poison), "/b": answer(b"clean")}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        first = await fetcher.get(at("/a"), policy=POLICY)
        second = await fetcher.get(at("/b"), policy=POLICY)
    assert (first.body, second.body) == (b"hello", b"clean")


async def test_a_closed_port_is_a_failed_connection(open_fetcher: OpenFetcher) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with open_fetcher(routes={HOST: unused.getsockname()}) as fetcher:
            robots = await failure(fetcher, at("/robots.txt"), kind="robots")
            page = await failure(fetcher, at("/"))
    assert robots.reason == "connect-failed"
    assert page.reason == "robots-unavailable"
    assert "connect-failed" in str(page)


async def test_a_certificate_that_is_trusted_for_the_host_is_accepted(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, HOST)
    error, served = await _over_tls(certificate, trust_in(certificate))
    assert error is None
    assert served == ["/robots.txt", "/"]


@pytest.mark.parametrize("fault", ["self-signed", "wrong host", "expired"])
async def test_a_bad_certificate_is_never_passed_over(tmp_path: Path, fault: str) -> None:
    certificate = write_certificate(
        tmp_path, "other.example" if fault == "wrong host" else HOST, expired=fault == "expired"
    )
    trusted = None if fault == "self-signed" else trust_in(certificate)
    error, served = await _over_tls(certificate, trusted)
    assert isinstance(error, PermanentFetchError)
    assert error.reason == "tls-failed"
    assert served == []


async def test_a_handshake_that_never_ends_is_a_timeout(open_fetcher: OpenFetcher) -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with (
        await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server,
        open_fetcher(
            settings=config(connect_timeout=0.3), routes={HOST: server.sockets[0].getsockname()}
        ) as fetcher,
    ):
        error = await failure(fetcher, f"https://{HOST}/robots.txt", kind="robots")
        await gone.wait()
    assert isinstance(error, TransientFetchError)
    assert error.reason == "timeout"


async def test_what_waits_unread_stays_bounded(open_fetcher: OpenFetcher) -> None:
    """A server that sends faster than we read is made to wait, by the kernel's buffers at last."""
    sent = 0
    gone = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
                sent += 65_536
        except ConnectionError:
            writer.close()
            gone.set()

    async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
        connection = await Dialler(
            resolver=no_names, routes={}, allow_loopback=True, max_header_bytes=1000
        ).connect("127.0.0.1", server.sockets[0].getsockname()[1], 5.0)
        before = -1
        while sent > before:  # until nothing more is taken from it
            before = sent
            await asyncio.sleep(0.1)
        connection.close()
        await gone.wait()
    assert sent < 50_000_000


async def test_plain_http_on_a_tls_port_is_a_failed_handshake(open_fetcher: OpenFetcher) -> None:
    async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(head(400))
        writer.close()

    async with (
        await asyncio.start_server(complain, "127.0.0.1", 0) as server,
        open_fetcher(routes={HOST: server.sockets[0].getsockname()}) as fetcher,
    ):
        error = await failure(fetcher, f"https://{HOST}/")
    assert isinstance(error, TransientFetchError)
    assert error.reason == "tls-failed"


async def _over_tls(certificate: Path, trusted: ssl.SSLContext | None) -> tuple[FetchError | None, list[str]]:
    """Get the home page over TLS; the error, if any, and the paths that the server was asked for."""
    async with (
        HostileServer({"/": answer(b"<p>hello</p>")}, tls=server_context(certificate)) as server,
        Fetcher(
            config(),
            clock=SystemClock(),
            rng=random.Random(7),
            routes={HOST: server.address},
            resolver=no_names,
            ssl_context=trusted,
        ) as fetcher,
    ):
        try:
            await fetcher.get(f"https://{HOST}/", policy=POLICY)
        except FetchError as error:
            return error, server.paths
    return None, server.paths
