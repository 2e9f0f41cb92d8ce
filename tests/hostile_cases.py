"""The 75 hostile inputs, by their numbers: what is sent, and the outcomes and reason codes that must come of it.

A case has one or more variants. Those that no server sends (storage, exports, kills) name the tests that hold them.
"""

from __future__ import annotations

import asyncio
import codecs
import gzip
import os
import unicodedata
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]

from tests.flows.running import article_html, feed_xml
from tests.hostile_runs import (
    BASE,
    HTML,
    NEIGHBOUR,
    NEW,
    OTHER,
    RSS,
    VICTIM,
    Asked,
    Ingested,
    limits,
)
from tests.hostile_server import Conversation, Script, answer, endless, head, raw, redirect

XML = ("Content-Type", "application/xml")
TAG = ("ETag", NEW)
GOOD = article_html(1)
CHUNKED = head(200, [HTML, ("Transfer-Encoding", "chunked")])
SLOW = limits(total_timeout=0.4)
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.1"
URLSET = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@dataclass(frozen=True, slots=True)
class Case:
    """One number of the list: its variants with what each must come to, or the tests that hold it."""

    number: int
    title: str
    variants: Mapping[str, tuple[Ingested | Asked, str]]
    elsewhere: tuple[str, ...] = ()


BOMB = int(os.environ.get("KHOTIN_TEST_BOMB", "100_000_000"))
"""Bytes that a bomb becomes: a gigabyte in the table of memory, less in the tests, which must be quick."""


def gzip_bomb(size: int = BOMB) -> bytes:
    """Zeros of `size` bytes in a thousandth of it."""
    deflater = zlib.compressobj(9, wbits=31)
    return b"".join(deflater.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)) + deflater.flush()


def brotli_bomb(size: int = BOMB) -> bytes:
    """The same by brotli: some 1,600 bytes."""
    compressor = brotli.Compressor(quality=5)
    parts = [compressor.process(bytes(1_000_000)) for _ in range(size // 1_000_000)]
    return b"".join([*parts, compressor.finish()])


def lazily(make: Callable[[], Script]) -> Script:
    """A script that is made when it is asked for: bombs cost time."""

    async def script(conversation: Conversation) -> None:
        await make()(conversation)

    return script


def page(body: bytes = GOOD, *headers: tuple[str, str], **more: object) -> Ingested:
    """The article answered so, as HTML unless `headers` say otherwise."""
    return paged(answer(body, headers=headers or [HTML]), **more)


def paged(script: Script, **more: object) -> Ingested:
    return Ingested({"/bai-1.html": script}, **more)  # type: ignore[arg-type]


def feed(body: bytes, *headers: tuple[str, str]) -> Ingested:
    return Ingested({"/feed.xml": answer(body, headers=[*(headers or (RSS,)), TAG])})


def sitemap(body: bytes, *headers: tuple[str, str]) -> Ingested:
    return Ingested({"/sitemap.xml": answer(body, headers=[*(headers or (XML,)), TAG])})


def robots(script: Script, *reasons: str, **more: object) -> Ingested:
    return Ingested({"a.example/robots.txt": script}, for_the_host=reasons, **more)  # type: ignore[arg-type]


def items(inner: str) -> bytes:
    good = f"<item><title>t</title><link>{VICTIM}</link></item>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{inner}{good}</channel></rss>'.encode()


def html(body: str, head_: str = "") -> bytes:
    return f"<!doctype html><html lang=vi><head><meta charset=utf-8>{head_}</head><body>{body}</body></html>".encode()


async def _close(_: Conversation) -> None:
    return


async def _drip_head(conversation: Conversation) -> None:
    await endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.02)(conversation)


async def _slow_robots(_: Conversation) -> None:
    await asyncio.sleep(30)


_TCVN3 = (
    "Nh÷ng ng\u00adêi d©n cña x· cho biÕt con ®\u00adêng míi vµ c©y cÇu lµ niÒm vui víi hä, ®· ®\u00adîc lµm tõ n¨m ngo¸i ®Ó "
    "viÖc ®i l¹i thuËn tiÖn h¬n tr\u00adíc"
)
_VNI = (
    "Nhöõng ngöôøi daân cuûa xaõ cho bieát con ñöôøng môùi vaø caây caàu laø nieàm vui vôùi hoï, ñaõ ñöôïc laøm töø naêm ngoaùi ñeå "
    "vieäc ñi laïi thuaän tieän hôn tröôùc"
)


def _legacy(text: str) -> bytes:
    """The article with a text in an encoding of the nineties, which a page gives as if it were Latin-1."""
    paragraphs = "".join(f"<p>{text} {' '.join(text.split()[n:])} {n}.</p>" for n in range(9))
    head, _, rest = GOOD.decode().partition("<p>")
    return f"{head}{paragraphs}</article>{rest.partition('</article>')[2]}".encode()


def hosts(
    *names: str, reason: str = "private-address", **more: object
) -> dict[str, tuple[Ingested | Asked, str]]:
    return {name[:20]: (Asked(f"http://{name}/", **more), reason) for name in names}  # type: ignore[arg-type]


def to(location: str) -> Ingested:
    return paged(redirect(location))


STORED = "stored new-article"
CASES = (
    Case(1, "127.0.0.1, localhost, localhost.", hosts("127.0.0.1", "localhost", "localhost.", names={"localhost": [["127.0.0.1", "::1"]]})),
    Case(2, "short, hexadecimal and octal forms", hosts("127.1", "0x7f000001", "2130706433", "017700000001")),
    Case(3, "loopback as IPv6", hosts("[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]")),
    Case(4, "169.254.169.254 and its NAT64 form", hosts("169.254.169.254", "[64:ff9b::a9fe:a9fe]")),
    Case(5, "private and special networks", hosts("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "[fec0::1]", "[2002:a00:1::]")),
    Case(6, "public name, private address", hosts("p.example", names={"p.example": [[PRIVATE]]})),
    Case(7, "one public and one private address", hosts("p.example", names={"p.example": [[PUBLIC, PRIVATE]]})),
    Case(8, "rebinding: allowed at first, private at connect", {"second answer": (Asked("http://p.example:{port}/", names={"p.example": [["127.0.0.1"], [PRIVATE]]}, loopback=True), "private-address")}),
    Case(9, "public 302 to private", {
        "10.0.0.1": (to("http://10.0.0.1/bai-1.html"), "rejected private-address"),
        "metadata": (to("http://169.254.169.254/latest/x"), "rejected private-address"),
        "second loopback, other port": (to("http://127.0.0.2:8080/"), "rejected bad-port"),
    }),
    Case(10, "302 to file:, ftp:, javascript:", {scheme: (to(f"{scheme}x"), "failed bad-scheme") for scheme in ("file:///etc/", "ftp://a.example/", "javascript:")}),
    Case(11, "redirect loop; six hops", {
        "loop": (to("/bai-1.html"), "failed redirect-loop"),
        "six": (Ingested({"/bai-1.html": redirect("/h1"), **{f"/h{n}": redirect(f"/h{n + 1}") for n in range(1, 9)}}), "failed too-many-redirects"),
    }),
    Case(12, "Location missing or damaged", {
        "none": (paged(answer(b"", status=302)), "failed bad-redirect"),
        "NUL": (paged(raw(b"HTTP/1.1 302 x\r\nLocation: /a\x00b\r\nContent-Length: 0\r\n\r\n")), "failed protocol-error"),
        "CR": (paged(raw(b"HTTP/1.1 302 x\r\nLocation: /a\rX: y\r\nContent-Length: 0\r\n\r\n")), "failed protocol-error"),
        "raw UTF-8": (to("/bài-viết.html"), "failed http-404"),
    }),
    Case(13, "redirect to another source, to the home page", {
        "other": (to(OTHER), "rejected redirected-outside"),
        "home": (to("/"), "failed redirect-to-home"),
    }),
    Case(14, "user:pass@host; odd ports", {
        "user": (Asked("http://user:pass@p.example/", names={"p.example": [[PUBLIC]]}), "bad-url"),
        **hosts("p.example:22", "p.example:8080", reason="bad-port"),
        **hosts("p.example:99999", reason="bad-url"),
    }),
    Case(15, "odd host names", {
        **hosts("báo.example", reason="dns-failed"),
        **hosts("xn--a.example", "", "-a.example", f"{'a' * 300}.example", reason="bad-url"),
    }),
    Case(16, "body drip", {"": (paged(endless(head(200, [HTML, ("Content-Length", "9999")]), b"x", 0.02), config=SLOW), "failed timeout")}),
    Case(17, "header drip", {"": (paged(_drip_head, config=SLOW), "failed timeout")}),
    Case(18, "endless headers", {"": (paged(endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 4000 + b"\r\n")), "failed too-large")}),
    Case(19, "100,000 x 100 Continue", {"": (paged(raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000)), "failed too-large")}),
    Case(20, "closed at once", {"": (paged(_close), "failed protocol-error")}),
    Case(21, "garbage; HTTP/0.9", {
        "garbage": (paged(raw(b"\x16\x03\x01\x02\x00garbage\r\n\r\n")), "failed protocol-error"),
        "HTTP/0.9": (paged(raw(b"<html>0.9</html>")), "failed protocol-error"),
    }),
    Case(22, "Content-Length too long, too short", {
        "too long": (paged(raw(head(200, [HTML, ("Content-Length", "99999")]) + GOOD)), "failed truncated-body"),
        "too short": (paged(raw(head(200, [HTML, ("Content-Length", "120")]) + GOOD)), "rejected not-an-article"),
    }),
    Case(23, "bad chunk size", {"": (paged(raw(CHUNKED + b"xyz\r\nhello\r\n0\r\n\r\n")), "failed protocol-error")}),
    Case(24, "Transfer-Encoding and Content-Length", {"": (paged(raw(head(200, [HTML, ("Transfer-Encoding", "chunked"), ("Content-Length", "5")]) + b"5\r\nhello\r\n0\r\n\r\n")), "failed protocol-error")}),
    Case(25, "status 999", {"": (paged(answer(b"x", status=999)), "failed http-999")}),
    Case(26, "204 or empty 200", {
        "204": (paged(raw(head(204))), "failed empty-body"),
        "empty": (page(b""), "failed empty-body"),
    }),
    Case(27, "bad certificates", {fault: (Asked("https://a.example/", loopback=True, certificate=fault), "tls-failed") for fault in ("expired", "wrong host", "self-signed")}),
    Case(28, "gzip bomb", {"": (paged(lazily(lambda: answer(gzip_bomb(), headers=[HTML, ("Content-Encoding", "gzip")]))), "failed bomb")}),
    Case(29, "brotli bomb", {"": (paged(lazily(lambda: answer(brotli_bomb(), headers=[HTML, ("Content-Encoding", "br")]))), "failed bomb")}),
    Case(30, "gzip x 5", {
        "named": (paged(lazily(lambda: answer(_five_times(), headers=[HTML, ("Content-Encoding", "gzip, gzip, gzip, gzip, gzip")]))), "failed bad-encoding"),
        "named once": (paged(lazily(lambda: answer(_five_times(), headers=[HTML, ("Content-Encoding", "gzip")]))), "failed not-html"),
    }),
    Case(31, "truncated gzip, br", {
        "gzip": (page(gzip.compress(GOOD)[:-9], HTML, ("Content-Encoding", "gzip")), "failed truncated-body"),
        "br": (page(brotli.compress(GOOD)[:-9], HTML, ("Content-Encoding", "br")), "failed truncated-body"),
    }),
    Case(32, "plain body labelled gzip", {"": (page(GOOD, HTML, ("Content-Encoding", "gzip")), "failed bad-encoding")}),
    Case(33, "unknown coding", {"": (page(GOOD, HTML, ("Content-Encoding", "zstd")), "failed bad-encoding")}),
    Case(34, ".xml.gz", {
        "with Content-Encoding too": (sitemap(gzip.compress(f"<urlset {URLSET}><url><loc>{NEIGHBOUR}</loc></url></urlset>".encode()), ("Content-Type", "application/gzip"), ("Content-Encoding", "gzip")), "read"),
        "bomb": (Ingested({"/sitemap.xml": lazily(lambda: answer(gzip_bomb(), headers=[("Content-Type", "application/gzip"), TAG]))}), "too-large"),
    }),
    Case(35, "endless chunked body", {"": (paged(endless(CHUNKED, b"8000\r\n" + b"x" * 0x8000 + b"\r\n")), "failed too-large")}),
    Case(36, "PDF, image or video as text/html", {
        "PDF": (page(b"%PDF-1.7\n" + b"x" * 2000), "failed not-html"),
        "JPEG": (page(b"\xff\xd8\xff\xe0" + b"x" * 2000), "failed not-html"),
        "MP4": (page(b"\0\0\0\x20ftypmp42" + b"x" * 2000), "failed not-html"),
    }),
    Case(37, "charset that names another codec", {name: (page(GOOD, ("Content-Type", f"text/html; charset={name}")), STORED) for name in ("zlib", "rot13", "utf-16", "idna", "hex")}),
    Case(38, "windows-1258 against UTF-8", {
        "declared, UTF-8 sent": (page(GOOD, ("Content-Type", "text/html; charset=windows-1258")), STORED),
        "sent, UTF-8 declared": (page(GOOD.decode().replace("charset=utf-8", "charset=windows-1258").encode("cp1258", "replace")), STORED),
    }),
    Case(39, "meta charset after 1 KB", {"": (page(GOOD.replace(b"<head>", b"<head><!--" + b" " * 2000 + b"-->"), ("Content-Type", "text/html")), STORED)}),
    Case(40, "BOM against header", {"": (page(codecs.BOM_UTF16_LE + GOOD.decode().encode("utf-16-le"), ("Content-Type", "text/html; charset=windows-1258")), STORED)}),
    Case(41, "invalid UTF-8 in mid-text", {"": (page(GOOD.replace(b"</p>", b"\xe1\xbb</p>", 1)), STORED)}),
    Case(42, "NUL, lone surrogates, bidi controls", {
        "NUL": (page(GOOD.replace(b"</p>", b"\0</p>", 1)), STORED),
        "surrogate in JSON-LD": (page(GOOD.replace(b"</head>", b'<script type="application/ld+json">{"@type":"NewsArticle","headline":"a\\ud800b"}</script></head>')), STORED),
        "bidi": (page(GOOD.replace(b"</p>", "\u202e\u2066</p>".encode(), 1)), STORED),
    }),
    Case(43, "NFD; TCVN3 and VNI text", {
        "NFD": (page(unicodedata.normalize("NFD", GOOD.decode()).encode()), STORED),
        "TCVN3": (page(_legacy(_TCVN3)), "rejected legacy-encoding"),
        "VNI": (page(_legacy(_VNI)), "rejected legacy-encoding"),
    }),
    Case(44, "billion laughs", {"": (feed(b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'), "xml-entities")}),
    Case(45, "quadratic blow-up", {"": (feed(b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "' + b"x" * 100_000 + b'">]><rss><channel><title>' + b"&a;" * 10_000 + b"</title></channel></rss>"), "xml-entities")}),
    Case(46, "external entity to a file or URL", {
        "file": (feed(b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>'), "xml-entities"),
        "URL": (sitemap(f'<!DOCTYPE r SYSTEM "{BASE}/x.dtd" [<!ENTITY % x SYSTEM "{BASE}/x"> %x;]><urlset {URLSET}/>'.encode()), "xml-entities"),
    }),
    Case(47, "300,000-deep XML", {"": (feed(b"<rss><channel>" + b"<a>" * 300_000), "xml-limits")}),
    Case(48, "HTML or a challenge page as RSS with 200", {
        "wall": (feed(html("<h1>Just a moment...</h1>")), "challenge-page"),
        "page": (feed(html("<h1>Trang chủ</h1>")), "html-instead-of-feed"),
    }),
    Case(49, "dirty XML", {"": (feed(b"\n \n" + items("<item><title>A & B&nbsp;\x03</title><link>x</link></item>")), "read")}),
    Case(50, "truncated feed", {"": (feed(feed_xml("a.example", [1, 2, 3])[:-150]), "truncated")}),
    Case(51, "duplicate or empty GUIDs", {"": (feed(items(f"<item><guid/><link>{VICTIM}</link></item><item><guid>1</guid><link>{NEIGHBOUR}</link></item><item><guid>1</guid><link>{NEIGHBOUR}</link></item>")), "repeated-links")}),
    Case(52, "relative, protocol-relative, missing links", {"": (feed(items("<item><link>/bai-2.html</link></item><item><link>//a.example/bai-2.html</link></item><item><title>none</title></item>")), "items-without-link")}),
    Case(53, "odd dates", {date: (feed(items(f"<item><link>{NEIGHBOUR}</link><pubDate>{date}</pubDate></item>")), "read") for date in ("2016/6/29", "Mon, 02 Mar 2026 08:00:00 GMT+7", "Thứ sáu, 6/8/2021", "02/03/2026 24:00", "Mon, 02 Mar 2041 08:00:00 +0700")}),
    Case(54, "100,000 items", {"": (feed(items("<item><link>http://c.example/x</link></item>" * 100_000)), "items-over-limit")}),
    Case(55, "304 and validators", {
        "304 with another ETag": (Ingested({"/feed.xml": raw(head(304, [("ETag", 'W/"a"b"')]))}), "read"),
        "validators ignored": (feed(feed_xml("a.example", [1, 2])), "read"),
        "304 to a request without validators": (paged(raw(head(304))), "failed protocol-error"),
    }),
    Case(56, "sitemap index", {
        "itself": (sitemap(f"<sitemapindex {URLSET}><sitemap><loc>{BASE}/sitemap.xml</loc></sitemap></sitemapindex>".encode()), "self-references"),
        "another host": (sitemap(f"<sitemapindex {URLSET}><sitemap><loc>http://c.example/s.xml</loc></sitemap></sitemapindex>".encode()), "children-of-other-hosts"),
        "50,000 children": (sitemap(f"<sitemapindex {URLSET}>{''.join(f'<sitemap><loc>{BASE}/s{n}.xml</loc></sitemap>' for n in range(50_000))}</sitemapindex>".encode()), "http-404"),
        "good and dead": (Ingested({
            "/sitemap.xml": answer(f"<sitemapindex {URLSET}><sitemap><loc>{BASE}/dead.xml</loc></sitemap><sitemap><loc>{BASE}/good.xml</loc></sitemap></sitemapindex>".encode(), headers=[XML, TAG]),
            "/good.xml": answer(f"<urlset {URLSET}><url><loc>{NEIGHBOUR}</loc></url></urlset>".encode(), headers=[XML]),
        }), "http-404"),
    }),
    Case(57, "100,000 nested divs", {"": (page(b"<div>" * 100_000), "rejected malformed")}),
    Case(58, "huge tags", {
        "50,000 attributes": (page(b"<p " + b" ".join(b"a%d=1" % n for n in range(50_000)) + b">"), "rejected malformed"),
        "9 MB attribute": (page(b'<p title="' + b"x" * 9_000_000 + b'">'), "rejected malformed"),
        "20 MB attribute": (page(b'<p title="' + b"x" * 20_000_000 + b'">'), "failed too-large"),
    }),
    Case(59, "selector matches nothing", {"": (page(html('<h1 class="article__title cms-title">Tin</h1><p>Không có thân bài ở chỗ cũ.</p>'), source={"parser": "epi"}, for_the_host=("drift",)), "rejected drift")}),
    Case(60, "article in template, noscript or script only", {tag: (page(html(f"<{tag}>{GOOD.decode().partition('<body>')[2].partition('</body>')[0]}</{tag}>")), "rejected not-an-article") for tag in ("template", "noscript", "script")}),
    Case(61, "JSON-LD that is huge, broken or of the wrong type", {
        name: (page(GOOD.replace(b"</head>", f'<script type="application/ld+json">{text}</script></head>'.encode())), STORED)
        for name, text in {"huge": '{"@type":"NewsArticle","x":"' + "y" * 2_000_000 + '"}', "broken": '{"@type":', "list": "[[[1]]]", "graph": '{"@graph":[{"@type":"NewsArticle","datePublished":"hôm nay"}]}', "deep": "[" * 100_000}.items()
    }),
    Case(62, "paywall stub, video, gallery, live blog", {
        "paywall": (page(html("<article><h1>Tin</h1><p>Đoạn đầu của bài viết dài này chỉ có vậy.</p></article>", '<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":false}</script>')), "rejected paywall"),
        "video": (page(html("<h1>Xem</h1><video src=x></video>", '<meta property="og:type" content="video.other">')), "rejected video"),
        "gallery": (page(html("<h1>Ảnh hội làng</h1><p>Bộ ảnh về hội.</p>" + "".join(f"<figure><img src={n}.jpg><figcaption>Ảnh số {n} ở hội làng</figcaption></figure>" for n in range(6)))), "rejected gallery"),
        "live blog": (page(GOOD.replace(b"</head>", b'<script type="application/ld+json">{"@type":"LiveBlogPosting"}</script></head>')), STORED),
    }),
    Case(63, "parser exception or kill mid-page", {}, ("tests/flows/test_ingest_faults.py::test_parser_that_breaks_on_one_page_costs_that_page_only", "tests/flows/test_killed_runs.py::test_killed_run_is_made_good_by_the_next")),
    Case(64, "robots.txt", {
        "200 HTML": (robots(answer(html("<p>x</p>"))), STORED),
        "403": (robots(answer(b"x", status=403)), STORED),
        "404": (robots(answer(b"x", status=404)), STORED),
        "500": (robots(answer(b"x", status=500), "not met"), "robots-unavailable"),
        "timeout": (robots(_slow_robots, "not met", config=SLOW), "robots-unavailable"),
        "10 MB": (robots(answer(b"User-agent: *\nDisallow: /bai-1\n" + b"# x\n" * 2_500_000)), "rejected robots-disallowed"),
    }),
    Case(65, "Crawl-delay", {text: (robots(answer(f"User-agent: *\nCrawl-delay: {text}\n".encode()), config=limits(max_crawl_delay=0.01)), STORED) for text in ("2.5", "99999", "abc")}),
    Case(66, "429 with Retry-After", {
        text: (paged(answer(b"x", status=429, headers=[("Retry-After", text)] if text else []), for_the_host=("host-backoff",)), "failed http-429")
        for text in ("120", "Mon, 02 Mar 2026 02:00:00 GMT", "Mon, 02 Mar 2020 02:00:00 GMT", "-5", "1e9", "")
    }),
    Case(67, "kill -9 at each point of a run", {}, ("tests/storage/test_kill_everywhere.py::test_run_killed_at_any_point_is_all_there_or_not_at_all_and_is_made_good", "tests/flows/test_killed_runs.py::test_killed_run_is_made_good_by_the_next", "tests/flows/test_backfill.py::test_a_killed_backfill_is_made_good_by_the_same_call")),
    Case(68, "disk full; read-only folder", {}, ("tests/storage/test_broken_files.py::test_full_disk_ends_a_run_with_a_named_error_and_more_room_mends_it", "tests/storage/test_broken_files.py::test_read_only_home_is_told_in_two_lines")),
    Case(69, "two runs on one source", {}, ("tests/flows/test_ingest_faults.py::test_two_runs_at_once_append_every_article_once", "tests/storage/test_several_writers.py::test_writers_at_once_on_a_new_store_lose_and_double_nothing")),
    Case(70, "clock jumps back", {}, ("tests/flows/test_clock_and_archive.py::test_source_is_polled_again_after_the_clock_was_put_back",)),
    Case(71, "torn last line, flipped byte, missing manifest", {}, ("tests/storage/test_verify_export.py::test_lost_doubled_or_cut_line_is_found", "tests/storage/test_verify_export.py::test_any_flipped_byte_of_a_json_line_is_found_in_its_line", "tests/storage/test_tampering.py::test_changed_byte_of_a_raw_page_is_found_or_changes_nothing_in_it")),
    Case(72, "slugs that are paths, devices, long, emoji (no file is named by one)", {}, ("tests/storage/test_export_text.py::test_names_are_the_seeds_own_ids_and_the_keys_of_addresses",)),
    Case(73, "CSV cells that begin with = + - @ (there is no CSV)", {}, ("deployments/command/exports.py::export_command",)),
    Case(74, "script, ANSI escapes and mark-up in titles (there is no HTML report)", {}, ("tests/command/test_output.py::test_titles_bring_neither_control_characters_nor_markup_to_a_terminal",)),
    Case(75, "seed corpus with duplicate ids, bad lines, encodings", {}, ("tests/flows/test_seed.py::test_bad_files_get_a_line_each_and_do_not_stop_the_import", "tests/parsers/test_seed.py::test_a_file_that_cannot_be_imported_names_its_problem")),
)  # fmt: skip


def _five_times() -> bytes:
    data = gzip_bomb()
    for _ in range(4):
        data = gzip.compress(data, mtime=0)
    return data
