"""Large sitemaps are read in pieces, and give what they would give as a whole."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.errors import FeedError
from parsers.sitemap_pieces import PIECE, pieces
from parsers.sitemaps import MAX_SITEMAP_URLS, parse_sitemap
from parsers.xml import TRUNCATED, local_name, read_xml, text_of

URL = "https://bao.example/sitemap.xml"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><!-- made by hand -->\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
)
TITLE = "Tựa dài của một bài báo " * 20


def entry(number: int) -> str:
    return (
        f"<url><loc>https://bao.example/bai-{number}.html</loc><lastmod>2026-03-02T08:00:00+07:00</lastmod>"
        f"<!-- {TITLE} --></url>\n"
    )


def large(count: int = 3000, *, end: str = "</urlset>") -> bytes:
    return (HEAD + "".join(map(entry, range(count))) + end).encode()


def locs(data: bytes) -> list[str]:
    document = read_xml(data, units=("url", "sitemap"))
    return [text_of(e) for e in document.root.iter() if local_name(e) == "loc"]


def test_no_piece_is_much_larger_than_the_others() -> None:
    data = large()
    cut = list(pieces(data))
    assert len(cut) > 2
    assert max(map(len, cut)) < PIECE + 4096
    assert [loc for piece in cut for loc in locs(piece)] == locs(data)


def test_large_sitemap_gives_every_entry_once_and_in_order() -> None:
    sitemap = parse_sitemap(large(), URL)
    assert [link.url for link in sitemap.links] == [f"https://bao.example/bai-{n}.html" for n in range(3000)]
    assert sitemap.problems == ()
    assert all(link.modified_at is not None for link in sitemap.links)


def test_large_gzip_is_the_same() -> None:
    data = large()
    assert parse_sitemap(gzip.compress(data, 1), f"{URL}.gz") == parse_sitemap(data, URL)


def test_large_sitemap_that_was_cut_off_keeps_what_is_whole() -> None:
    sitemap = parse_sitemap(large(end="<url><loc>https://bao.example/hal"), URL)
    assert len(sitemap.links) == 3000
    assert sitemap.truncated


def test_entity_far_behind_the_start_is_refused() -> None:
    bad = large(end='<!DOCTYPE x [<!ENTITY a "b">]></urlset>')
    with pytest.raises(FeedError) as caught:
        parse_sitemap(bad, URL)
    assert caught.value.reason == "xml-entities"


def test_entries_beyond_the_limit_are_counted_over_all_pieces() -> None:
    short = "".join(f"<url><loc>https://bao.example/{n}</loc></url>" for n in range(MAX_SITEMAP_URLS + 7))
    sitemap = parse_sitemap((HEAD + short + "</urlset>").encode(), URL)
    assert len(sitemap.links) == MAX_SITEMAP_URLS
    assert sitemap.problems == ("urls-over-limit: 7",)


_BITS = st.sampled_from(
    ["<url><loc>a</loc></url>", "<url><loc>b &amp; c</loc></url>", "<url><loc><![CDATA[</url>]]></loc></url>",
     "<!-- </url> -->", "<!-- <![CDATA[ -->", "\n", "<url><loc>á</loc>\n</url >", "<x>y</x>", "<!--"]
)  # fmt: skip


@given(st.lists(_BITS, max_size=30), st.integers(1, 200), st.sampled_from(["</urlset>", "", "</url"]))
def test_pieces_hold_what_the_whole_holds(bits: list[str], size: int, end: str) -> None:
    data = (HEAD + "".join(bits) + end).encode()
    cut = list(pieces(data, size))
    assert [loc for piece in cut for loc in locs(piece)] == locs(data)
    told = [TRUNCATED in read_xml(piece, units=("url",)).problems for piece in cut]
    assert any(told) == (TRUNCATED in read_xml(data, units=("url",)).problems)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_can_be_cut(data: bytes, size: int) -> None:
    cut = list(pieces(data, size))
    assert cut
    assert sum(map(len, cut)) >= len(data)
    assert cut[0].startswith(data[:1])


@pytest.mark.parametrize(
    "start",
    [b"\xff\xfe<\x00u\x00r\x00l\x00s\x00e\x00t\x00>\x00", b"<!DOCTYPE urlset><urlset>", b"<!-- <urlset>",
     b"<rss><channel>", b"<urlset/>", b"https://bao.example/a\n"],
)  # fmt: skip
def test_what_cannot_be_cut_safely_stays_whole(start: bytes) -> None:
    data = start + b"<url><loc>a</loc></url>" * 20
    assert list(pieces(data, 10)) == [data]
