"""Listing pages as sources of links."""

from __future__ import annotations

import pytest

from parsers.errors import MarkupError
from parsers.links import Link
from parsers.listings import parse_listing

URL = "https://bao.example/thoi-su.html"


def page(body: str, head: str = "") -> bytes:
    return f"<!doctype html><html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>".encode()


def test_links_come_in_document_order_and_once_each() -> None:
    listing = parse_listing(
        page(
            '<a href="/b.html">Hai</a><a href="a.html">Một</a><a href="/b.html#binh-luan">5</a>'
            '<a href="//khac.example/c.html">Ba</a>'
        ),
        URL,
    )
    assert listing.links == (
        Link("https://bao.example/b.html", "Hai"),
        Link("https://bao.example/a.html", "Một"),
        Link("https://khac.example/c.html", "Ba"),
    )
    assert listing.next_page is None


def test_the_title_is_that_of_the_heading_else_the_longest() -> None:
    listing = parse_listing(
        page(
            '<a href="/a"><img alt="x"></a><a href="/a">Xem</a><a href="/a" title="Cầu mới\n qua sông"></a>'
            '<h3><a href="/b">Tin &amp; ảnh <b>đẹp</b></a></h3>'
            '<p><a href="/b">Một đoạn tóm tắt dài hơn tiêu đề</a></p>'
            '<a href="/c"><img></a>'
        ),
        URL,
    )
    assert [link.title for link in listing.links] == ["Cầu mới qua sông", "Tin & ảnh đẹp", None]


def test_base_moves_relative_links() -> None:
    listing = parse_listing(page('<a href="a.html">A</a>', head='<base href="/muc/">'), URL)
    assert listing.links[0].url == "https://bao.example/muc/a.html"
    listing = parse_listing(page('<a href="a.html">A</a>', head='<base href="javascript:x">'), URL)
    assert listing.links[0].url == "https://bao.example/a.html"


def test_what_is_no_web_address_is_passed_over() -> None:
    hrefs = [
        "javascript:;",
        "mailto:a@bao.example",
        "tel:1",
        "",
        "  ",
        "http://127.1/",
        "http://[",
        "ftp://bao.example/",
    ]
    body = "".join(f'<a href="{href}">x</a>' for href in hrefs) + "<a>y</a><a href>z</a>"
    assert parse_listing(page(body), URL).links == ()


@pytest.mark.parametrize(
    ("own", "others", "following"),
    [
        ("/muc.htm", ["/muc/trang-3.htm", "/muc/trang-2.htm"], "/muc/trang-2.htm"),
        ("/muc/trang-2.htm", ["/muc.htm", "/muc/trang-2.htm", "/muc/trang-3.htm"], "/muc/trang-3.htm"),
        ("/muc", ["/muc-p2", "/khac-p2"], "/muc-p2"),
        ("/muc", ["/muc-page0", "/muc-page1", "/muc-page2"], "/muc-page1"),
        ("/muc?page=2", ["/muc?page=1", "/muc?page=3"], "/muc?page=3"),
        ("/muc/", ["/muc/page/2/"], "/muc/page/2/"),
        ("/", ["/trang-2.htm", "/muc/trang-2.htm"], "/trang-2.htm"),
        ("/muc/trang-9.htm", ["/muc/trang-8.htm"], None),
        ("/muc", ["/khac/trang-2.htm", "/bai-p2-cua-muc"], None),
    ],
)
def test_the_next_page_is_found_by_its_number(own: str, others: list[str], following: str | None) -> None:
    body = "".join(f'<a href="{path}">1</a>' for path in others)
    listing = parse_listing(page(body), f"https://bao.example{own}")
    assert listing.next_page == (f"https://bao.example{following}" if following else None)


@pytest.mark.parametrize(
    ("head", "body"),
    [('<link rel="next" href="?trang=b">', ""), ("", '<a rel="nofollow next" href="?trang=b">→</a>')],
)
def test_the_page_may_name_the_next_one_itself(head: str, body: str) -> None:
    listing = parse_listing(page(body + '<a href="/thoi-su/trang-2.html">2</a>', head), URL)
    assert listing.next_page == "https://bao.example/thoi-su.html?trang=b"


def test_the_declared_encoding_is_followed() -> None:
    body = page('<a href="/a">Đo</a>').replace(b"charset=utf-8", b"charset=windows-1258")
    legacy = body.decode().encode("cp1258")
    assert parse_listing(legacy, URL).links == (Link("https://bao.example/a", "Đo"),)


def test_markup_beyond_the_guards_is_refused() -> None:
    with pytest.raises(MarkupError):
        parse_listing(page("<div>" * 100_000), URL)


def test_a_page_of_endless_links_is_cut_at_the_limit() -> None:
    body = "".join(f'<a href="/{number}">x</a>' for number in range(10_005))
    assert len(parse_listing(page(body), URL).links) == 10_000
