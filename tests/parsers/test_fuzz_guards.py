"""A fuzz target for the doors of the parsers: a fixed number of damaged inputs, the same in each run.

Whatever the bytes, a feed, a sitemap or a page is read or refused by an error of the one tree.
`FUZZ_INPUTS` and `FUZZ_SEED` in the environment ask for more.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser

from parsers.charset import to_utf8
from parsers.errors import KhotinError, ParseError
from parsers.feeds import parse_feed
from parsers.guards import guard
from parsers.listings import parse_listing
from parsers.sitemaps import parse_sitemap
from tests.parsers import made_up

INPUTS = int(os.environ.get("FUZZ_INPUTS", "6000"))
SEED = int(os.environ.get("FUZZ_SEED", "11"))
URL = "https://bao.example/x"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'

RSS = (
    '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<channel><title>Báo</title><ttl>10</ttl><item><title><![CDATA[Tin <b>một</b>]]></title>"
    "<link>https://bao.example/a-1.html</link><guid>1</guid>"
    "<pubDate>Mon, 02 Mar 2026 07:15:00 +0700</pubDate>"
    "<description>&lt;p&gt;A &amp; B</description></item><item><link>//bao.example/a-2.html</link>"
    "<dc:date>2026-03-02</dc:date></item></channel></rss>"
).encode()
ATOM = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://bao.example/"><entry>'
    b'<title type="html">A</title><link rel="alternate" href="a-1.html"/>'
    b"<updated>2026-03-02T00:00:00Z</updated>"
    b"</entry></feed>"
)
JSON_FEED = (
    b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","url":"https://bao.example/a-1.html",'
    b'"title":"A\\u00e1","date_published":"2026-03-02T00:00:00+07:00"},{"id":2}]}'
)
URLSET = (
    f"<urlset {NS}><url><loc>https://bao.example/a-1.html</loc><lastmod>2026-03-02</lastmod></url><url><loc>"
    "https://bao.example/a-2.html</loc></url></urlset>"
).encode()
CHILD = "https://bao.example/news-2026-3.xml"
INDEX = f"<sitemapindex {NS}><sitemap><loc>{CHILD}</loc></sitemap></sitemapindex>".encode()
PAGE = made_up.plain()
DRAWN = b"<div><svg><style>a{}</style><g><path d='M0'/></g></svg><script>if(a<b)</script><b><p>x</div>"

# What turns one structure into another when it is put into the middle.
TOKENS = (
    *(b"<", b">", b"/>", b"</", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?xml", b"?>"),
    *(b"<!DOCTYPE r [<!ENTITY a 'b'>]>", b"&", b"&a;", b"&#0;", b"&#x110000;", b"&nbsp;"),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe1\xbb", b"\x1f\x8b\x08"),
    *(b"<item>", b"</item>", b"<url>", b"</channel>", b"<loc>", b"xmlns:x=''", b"<x:y>"),
    *(b"<div>", b"</div>", b"<svg>", b"<style>", b"<script>", b' a="', b"='"),
    *(b"{", b"}", b"[", b'"', b"\\ud800", b"1e999", b"2041-13-45", b"http://["),
)


def damaged(sample: bytes, rng: random.Random) -> bytes:
    """A sample with some bytes changed, cut out, doubled, with tokens put in; at times many times over."""
    data = bytearray(sample)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 if place < len(data):
                data[place] = rng.randrange(256)
            case 1:
                del data[place : place + rng.choice((1, 3, 30, 300))]
            case 2:
                data[place:place] = data[place : place + rng.choice((5, 50))] * rng.choice((1, 2, 40))
            case 3:
                other = rng.randrange(len(data) + 1)
                data[place:place] = data[min(place, other) : max(place, other)][:400]
            case _:
                data[place:place] = rng.choice(TOKENS) * rng.choice((1, 1, 1, 3, 60))
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data) + 1)]
    if rng.random() < 0.05:
        data = bytearray(gzip.compress(bytes(data), 1))
        data = data[: len(data) - rng.choice((0, 0, 9))]
    return bytes(data)


def html_guards(data: bytes, url: str, content_type: str | None) -> None:
    """Charset and guards; what passes is parsed, which takes long where they have missed something."""
    source = to_utf8(data, content_type)
    guard(source)
    LexborHTMLParser(source)


TARGETS: dict[str, tuple[Callable[[bytes, str, str | None], object], tuple[bytes, ...]]] = {
    "feeds": (parse_feed, (RSS, ATOM, JSON_FEED, URLSET)),
    "sitemaps": (parse_sitemap, (URLSET, INDEX, RSS, b"https://bao.example/a\nhttps://bao.example/b\n")),
    "html guards": (html_guards, (PAGE, DRAWN, RSS, DRAWN * 30)),
    "listings": (parse_listing, (PAGE, DRAWN)),
}


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_input_is_read_or_refused_by_name(target: str) -> None:
    read, samples = TARGETS[target]
    rng = random.Random(f"{SEED} {target}")
    outcomes: dict[str, int] = {}
    for number in range(INPUTS):
        data = damaged(samples[number % len(samples)], rng)
        content_type = rng.choice(
            (None, "text/xml; charset=utf-8", "text/html; charset=windows-1258", "x; charset=zlib")
        )
        try:
            read(data, URL, content_type)
            outcome = "read"
        except ParseError as error:
            outcome = error.reason
        except (AssertionError, KhotinError):
            raise
        except Exception as error:
            raise AssertionError(f"input {number} of seed {SEED}: {data!r}") from error
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    # The mutations must neither leave all inputs readable nor spoil all of them.
    assert INPUTS // 50 < outcomes["read"] <= INPUTS
    assert len(outcomes) > 1, outcomes
