"""Answers and their bodies: what comes back of good ones, and the bad ones of cases 26 to 36 and 55."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli  # type: ignore[import-untyped]
import pytest

from flows.fetching import Validators
from parsers.errors import PermanentFetchError, TransientFetchError
from tests.fetching.settings import POLICY, ManualClock, OpenFetcher, at, config, failure, fetch_failure
from tests.hostile_server import Conversation, HostileServer, Script, answer, endless, head, raw, redirect

TEXT = "<p>Sáng nay, chợ họp sớm hơn mọi ngày.</p>".encode()
HTML = ("Content-Type", "text/html; charset=utf-8")


def encoded(body: bytes, *codings: str) -> Script:
    """An answer that claims these codings, each in a header of its own."""
    return answer(body, headers=[HTML, *(("Content-Encoding", coding) for coding in codings)])


def gzip_bomb(size: int) -> bytes:
    """Zeros of `size` bytes, compressed."""
    deflater = zlib.compressobj(wbits=31)
    return b"".join(deflater.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)) + deflater.flush()


async def test_a_page_comes_with_all_that_is_known_of_it(
    open_fetcher: OpenFetcher, clock: ManualClock
) -> None:
    headers = [
        HTML,
        ("Content-Encoding", "gzip"),
        ("ETag", 'W/"a-1"'),
        ("Last-Modified", "Mon, 02 Mar 2026 00:00:00 GMT"),
    ]
    async with (
        HostileServer({"/a": answer(gzip.compress(TEXT), headers=headers)}) as server,
        open_fetcher(server) as fetcher,
    ):
        fetched = await fetcher.get(at("/a"), policy=POLICY)
    assert fetched.body == TEXT
    assert (fetched.status, fetched.not_modified) == (200, False)
    assert (fetched.url, fetched.redirects) == (at("/a"), ())
    assert (fetched.content_type, fetched.content_encoding) == ("text/html; charset=utf-8", "gzip")
    assert (fetched.etag, fetched.last_modified) == ('W/"a-1"', "Mon, 02 Mar 2026 00:00:00 GMT")
    assert fetched.headers[:2] == (("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip"))
    assert (fetched.fetched_at, fetched.remote_address) == (clock.now(), "127.0.0.1")
    assert fetched.robots_rule == "no rules: HTTP 404"


async def test_we_say_who_asks_and_what_is_understood(open_fetcher: OpenFetcher) -> None:
    async with HostileServer({"/a": answer(TEXT)}) as server, open_fetcher(server) as fetcher:
        await fetcher.get(at("/a"), policy=POLICY, validators=Validators())
    sent = dict(server.asked[-1].headers)
    assert sent["user-agent"] == "khotin-test/0.1 (+https://khotin.example/)"
    assert sent["accept-encoding"] == "gzip, br"
    assert sent["connection"] == "close"
    assert not {"cookie", "referer", "authorization", "if-none-match", "if-modified-since"} & set(sent)


@pytest.mark.parametrize("user_agent", ["", "Báo/1.0", "khotin\r\nX: y", "/1.0", "(khotin)"])
def test_a_user_agent_must_name_a_product(user_agent: str) -> None:
    with pytest.raises(ValueError, match="product token"):
        type(config())(user_agent=user_agent)


@pytest.mark.parametrize(
    ("script", "body"),
    [
        (encoded(gzip.compress(TEXT), "gzip"), TEXT),
        (encoded(brotli.compress(TEXT), "br"), TEXT),
        (encoded(zlib.compress(TEXT), "deflate"), TEXT),
        (encoded(TEXT, "identity"), TEXT),
        (raw(head(200) + TEXT), TEXT),
        (
            raw(head(200, [("Transfer-Encoding", "chunked")]) + b"3\r\n<p>\r\n1;x=y\r\na\r\n0\r\n\r\n"),
            b"<p>a",
        ),
        (raw(b"HTTP/1.0 200 OK\r\n\r\n" + TEXT), TEXT),
        (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + head(200) + TEXT), TEXT),
    ],
)
async def test_bodies_come_decoded(open_fetcher: OpenFetcher, script: Script, body: bytes) -> None:
    async with HostileServer({"/a": script}) as server, open_fetcher(server) as fetcher:
        assert (await fetcher.get(at("/a"), policy=POLICY)).body == body


@pytest.mark.parametrize(
    ("script", "kind", "reason"),
    [
        pytest.param(
            encoded(gzip.compress(TEXT)[:-9], "gzip"), TransientFetchError, "truncated-body", id="gzip cut"
        ),
        pytest.param(
            encoded(brotli.compress(TEXT)[:-9], "br"), TransientFetchError, "truncated-body", id="br cut"
        ),
        pytest.param(encoded(TEXT, "gzip"), PermanentFetchError, "bad-encoding", id="plain as gzip"),
        pytest.param(encoded(TEXT, "zstd"), PermanentFetchError, "bad-encoding", id="unknown"),
        pytest.param(
            encoded(gzip.compress(gzip.compress(TEXT)), "gzip, gzip"),
            PermanentFetchError,
            "bad-encoding",
            id="twice",
        ),
        pytest.param(encoded(TEXT, *["gzip"] * 5), PermanentFetchError, "bad-encoding", id="five times"),
        pytest.param(
            encoded(gzip.compress(b""), "gzip"), TransientFetchError, "empty-body", id="gzip of nothing"
        ),
        pytest.param(encoded(b"", "gzip"), TransientFetchError, "empty-body", id="nothing as gzip"),
    ],
)
async def test_a_broken_coding_is_named_and_its_bytes_are_kept(
    open_fetcher: OpenFetcher, script: Script, kind: type[Exception], reason: str
) -> None:
    async with HostileServer({"/a": script}) as server, open_fetcher(server) as fetcher:
        error = await fetch_failure(fetcher, at("/a"))
        arrived = fetcher.arrived(error)
    assert (type(error), error.reason) == (kind, reason)
    assert arrived is not None
    assert arrived.status == 200
    assert int(dict(arrived.headers)["Content-Length"]) == len(arrived.body)


@pytest.mark.parametrize("coding", ["gzip", "br"])
async def test_a_bomb_is_stopped_within_bounded_memory(open_fetcher: OpenFetcher, coding: str) -> None:
    if coding == "gzip":
        bomb = gzip_bomb(200_000_000)
    else:
        compressor = brotli.Compressor(quality=1)
        bomb = b"".join(compressor.process(bytes(1_000_000)) for _ in range(200)) + compressor.finish()
    async with (
        HostileServer({"/a": encoded(bomb, coding)}) as server,
        open_fetcher(server, config(max_decoded_bytes=1_000_000)) as fetcher,
    ):
        tracemalloc.start()
        try:
            error = await fetch_failure(fetcher, at("/a"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        arrived = fetcher.arrived(error)
    assert (type(error), error.reason) == (PermanentFetchError, "bomb")
    assert peak < 6_000_000
    assert arrived is not None
    assert arrived.body == b""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(answer(bytes(60_000)), id="announced"),
        pytest.param(raw(head(200, [("Content-Length", "9" * 18)])), id="announced as huge"),
        pytest.param(endless(head(200), b"x" * 4096), id="never announced"),
        pytest.param(
            endless(head(200, [("Content-Encoding", "gzip")]), gzip.compress(b"")), id="gzip of nothings"
        ),
    ],
)
async def test_a_body_beyond_the_limit_is_not_taken(open_fetcher: OpenFetcher, script: Script) -> None:
    async with (
        HostileServer({"/a": script}) as server,
        open_fetcher(server, config(max_wire_bytes=50_000)) as fetcher,
    ):
        error = await failure(fetcher, at("/a"))
    assert (type(error), error.reason) == (PermanentFetchError, "too-large")


async def test_sitemaps_have_a_limit_of_their_own(open_fetcher: OpenFetcher) -> None:
    settings = config(max_wire_bytes=1000, max_decoded_bytes=1000, max_sitemap_bytes=3000)
    scripts = {"/s": answer(b"<" * 2000), "/t": encoded(gzip.compress(b"<" * 5000), "gzip")}
    async with HostileServer(scripts) as server, open_fetcher(server, settings) as fetcher:
        assert len((await fetcher.get(at("/s"), policy=POLICY, kind="sitemap")).body) == 2000
        reasons = [
            (await failure(fetcher, at("/s"), kind="feed")).reason,
            (await failure(fetcher, at("/t"), kind="sitemap")).reason,
        ]
    assert reasons == ["too-large", "bomb"]


async def test_a_gzip_file_with_a_gzip_coding_is_undone_once(open_fetcher: OpenFetcher) -> None:
    file = gzip.compress(b"<urlset/>")
    async with (
        HostileServer({"/s.xml.gz": encoded(gzip.compress(file), "gzip")}) as server,
        open_fetcher(server) as fetcher,
    ):
        fetched = await fetcher.get(at("/s.xml.gz"), policy=POLICY, kind="sitemap")
    assert fetched.body == file


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/pdf", b"anything"),
        ("image/jpeg", b"anything"),
        ("video/mp4; codecs=x", b"anything"),
        ("application/json", b"{}"),
        ("text/html", b"%PDF-1.7 ..."),
        ("text/html; charset=utf-8", b"\x89PNG\r\n\x1a\n"),
        ("text/html", b"\xff\xd8\xff\xe0"),
        ("application/octet-stream", b"GIF89a"),
        ("text/html", b"\x00\x00\x00\x20ftypisom"),
    ],
)
async def test_a_page_that_is_a_file_is_not_html(
    open_fetcher: OpenFetcher, content_type: str, body: bytes
) -> None:
    script = answer(body, headers=[("Content-Type", content_type)])
    async with HostileServer({"/a": script}) as server, open_fetcher(server) as fetcher:
        error = await failure(fetcher, at("/a"))
        as_feed = await fetcher.get(at("/a"), policy=POLICY, kind="feed")
    assert (type(error), error.reason) == (PermanentFetchError, "not-html")
    assert as_feed.body == body


@pytest.mark.parametrize("content_type", ["text/html", "application/xhtml+xml", "text/plain", "html", ""])
async def test_a_page_may_be_declared_in_many_ways(open_fetcher: OpenFetcher, content_type: str) -> None:
    script = answer(TEXT, headers=[("Content-Type", content_type)])
    async with HostileServer({"/a": script}) as server, open_fetcher(server) as fetcher:
        assert (await fetcher.get(at("/a"), policy=POLICY)).body == TEXT


@pytest.mark.parametrize("etag", ['"a"', 'W/"a"', "bare", '"x"y"', '"\xe9"'])
async def test_validators_go_back_byte_for_byte(open_fetcher: OpenFetcher, etag: str) -> None:
    async def conditional(conversation: Conversation) -> None:
        same = conversation.request.headers.get("if-none-match") == etag
        header = f"ETag: {etag}\r\n".encode("latin-1")
        opening = b"HTTP/1.1 304 Not Modified\r\n" if same else b"HTTP/1.1 200 OK\r\n"
        await conversation.send(opening + header + b"\r\n" + (b"" if same else b"<rss/>"))

    async with HostileServer({"/f": conditional}) as server, open_fetcher(server) as fetcher:
        first = await fetcher.get(at("/f"), policy=POLICY, kind="feed")
        validators = Validators(first.etag, "Mon, 02 Mar 2026 00:00:00 GMT")
        second = await fetcher.get(at("/f"), policy=POLICY, kind="feed", validators=validators)
    assert (first.etag, second.status, second.body, second.not_modified) == (etag, 304, b"", True)
    assert server.asked[-1].headers["if-modified-since"] == "Mon, 02 Mar 2026 00:00:00 GMT"


async def test_a_304_tells_its_own_etag_or_none(open_fetcher: OpenFetcher) -> None:
    scripts = {"/new": raw(head(304, [("ETag", '"2"')])), "/none": raw(head(304))}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        etags = [
            (await fetcher.get(at(path), policy=POLICY, validators=Validators(etag='"1"'))).etag
            for path in scripts
        ]
    assert etags == ['"2"', None]


async def test_damaged_validators_are_not_sent(open_fetcher: OpenFetcher) -> None:
    async with HostileServer({"/f": answer(b"<rss/>")}) as server, open_fetcher(server) as fetcher:
        damaged = Validators(etag='"a"\r\nX-Evil: 1', last_modified="thứ hai")
        await fetcher.get(at("/f"), policy=POLICY, kind="feed", validators=damaged)
    assert not {"x-evil", "if-none-match", "if-modified-since"} & set(server.asked[-1].headers)


async def test_validators_follow_a_redirect_on_their_host_only(open_fetcher: OpenFetcher) -> None:
    scripts = {"/f": redirect("/g"), "/g": redirect("http://other.example/h"), "/h": answer(b"<rss/>")}
    async with HostileServer(scripts) as server:
        routes = {"paper.example": server.address, "other.example": server.address}
        async with open_fetcher(routes=routes) as fetcher:
            validators = Validators(etag='"1"')
            await fetcher.get(at("/f"), policy=POLICY, kind="feed", validators=validators)
    sent = {request.target: request.headers.get("if-none-match") for request in server.asked}
    assert (sent["/f"], sent["/g"], sent["/h"]) == ('"1"', '"1"', None)


async def test_what_arrived_with_an_error_is_kept_for_the_archive(open_fetcher: OpenFetcher) -> None:
    gone = answer(b"gone for good", status=410, headers=[("X-Why", "moved")])
    cut = raw(head(200, [("Content-Length", "50")]) + b"<p>half")
    async with HostileServer({"/gone": gone, "/cut": cut}) as server, open_fetcher(server) as fetcher:
        with_status = fetcher.arrived(await fetch_failure(fetcher, at("/gone")))
        with_half = fetcher.arrived(await fetch_failure(fetcher, at("/cut")))
        refused = fetcher.arrived(await fetch_failure(fetcher, "http://10.0.0.1/"))
    assert with_status is not None
    assert (with_status.status, with_status.body) == (410, b"gone for good")
    assert ("X-Why", "moved") in with_status.headers
    assert with_half is not None
    assert with_half.body == b"<p>half"
    assert refused is None


async def test_a_fetcher_outside_its_block_says_so(open_fetcher: OpenFetcher) -> None:
    async with open_fetcher() as fetcher:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        await fetcher.get(at("/"))
