"""Sitemaps, their indexes, and the choice of children."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.errors import FeedError
from parsers.links import Link
from parsers.sitemaps import SitemapChild, children_to_read, parse_sitemap
from tests.parsers.test_feeds import MARKUP

URL = "https://bao.example/sitemap.xml"
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
VIETNAM = timezone(timedelta(hours=7))


def urlset(entries: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {SPACE}>{entries}</urlset>'.encode()


def index(*addresses: str) -> bytes:
    children = "".join(f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses)
    return f"<sitemapindex {SPACE}>{children}</sitemapindex>".encode()


def reason_of(data: bytes) -> str:
    with pytest.raises(FeedError) as caught:
        parse_sitemap(data, URL)
    return caught.value.reason


def test_a_urlset_gives_links_with_the_time_of_change() -> None:
    sitemap = parse_sitemap(
        urlset(
            "<url><loc>\nhttps://bao.example/a?x=1&amp;y=2 </loc><lastmod>2026-03-02</lastmod></url>"
            "<url><loc>/b</loc><changefreq>daily</changefreq></url>"
        ),
        URL,
    )
    assert sitemap.children == ()
    assert sitemap.links == (
        Link("https://bao.example/a?x=1&y=2", modified_at=datetime(2026, 3, 2, tzinfo=VIETNAM)),
        Link("https://bao.example/b"),
    )
    assert sitemap.problems == ()


def test_a_news_sitemap_gives_title_and_date_and_images_are_passed_over() -> None:
    sitemap = parse_sitemap(
        f'<urlset {SPACE} xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
        ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url>'
        "<image:image><image:loc>https://anh.example/1.jpg</image:loc><image:title>Ảnh</image:title></image:image>"
        "<image:loc>https://anh.example/2.jpg</image:loc><loc>https://bao.example/a</loc>"
        "<news:news><news:publication><news:name>Báo</news:name></news:publication>"
        "<news:publication_date>2026-03-02T07:15:00+07:00</news:publication_date>"
        "<news:title>Cơm &amp;amp; phở</news:title></news:news></url></urlset>".encode(),
        URL,
    )
    published = datetime(2026, 3, 2, 7, 15, tzinfo=VIETNAM)
    assert sitemap.links == (Link("https://bao.example/a", "Cơm & phở", None, published),)


def test_an_index_gives_children() -> None:
    sitemap = parse_sitemap(
        f"<sitemapindex {SPACE}><sitemap><loc>https://bao.example/news-2026-3.xml</loc>"
        "<lastmod>2026-03-02T00:00:00Z</lastmod></sitemap>"
        "<sitemap><loc>https://www.bao.example/2.xml</loc></sitemap></sitemapindex>".encode(),
        URL,
    )
    assert sitemap.children == (
        SitemapChild("https://bao.example/news-2026-3.xml", datetime(2026, 3, 2, tzinfo=UTC)),
        SitemapChild("https://www.bao.example/2.xml"),
    )
    assert sitemap.links == ()


def test_an_index_that_names_itself_or_another_host_is_told() -> None:
    sitemap = parse_sitemap(
        index(
            URL,
            "https://BAO.example:443/sitemap.xml#x",
            "https://khac.example/1.xml",
            "https://bao.example.khac.example/1.xml",
            "https://bao.example/1.xml",
            "https://bao.example/1.xml",
            "javascript:alert(1)",
            "",
        ),
        URL,
    )
    assert sitemap.children == (SitemapChild("https://bao.example/1.xml"),)
    assert sitemap.problems == (
        "repeated-links: 1",
        "bad-links: 1",
        "items-without-link: 1",
        "self-references: 2",
        "children-of-other-hosts: 2",
    )


def test_a_gzip_file_is_inflated() -> None:
    whole = urlset("<url><loc>https://bao.example/a</loc></url>")
    assert parse_sitemap(gzip.compress(whole), URL).links == (Link("https://bao.example/a"),)
    in_members = gzip.compress(whole[:50]) + gzip.compress(whole[50:])
    assert parse_sitemap(in_members, URL).links == (Link("https://bao.example/a"),)


def test_of_a_truncated_sitemap_the_complete_entries_are_kept() -> None:
    whole = urlset("".join(f"<url><loc>https://bao.example/{n:05}</loc></url>" for n in range(5000)))
    sitemap = parse_sitemap(whole[: whole.index(b"/00002</loc>") + 8], URL)
    assert [link.url for link in sitemap.links] == ["https://bao.example/00000", "https://bao.example/00001"]
    assert sitemap.problems == ("truncated",)
    packed = gzip.compress(whole)
    sitemap = parse_sitemap(packed[: len(packed) // 2], URL)
    assert sitemap.truncated
    assert 1000 < len(sitemap.links) < 5000


def test_a_gzip_file_without_its_last_bytes_is_truncated_too() -> None:
    packed = gzip.compress(urlset("<url><loc>https://bao.example/a</loc></url>"))
    sitemap = parse_sitemap(packed[:-4], URL)
    assert sitemap.links == (Link("https://bao.example/a"),)
    assert sitemap.problems == ("truncated",)


def test_a_bomb_is_stopped_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parsers.sitemaps.MAX_SITEMAP_BYTES", 1_000_000)
    assert reason_of(gzip.compress(b" " * 1_000_001)) == "too-large"
    assert reason_of(gzip.compress(b" " * 600_000) * 2) == "too-large"
    assert reason_of(gzip.compress(b"") * 200_000) == "bad-gzip"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty-body"),
        (gzip.compress(b"", mtime=0), "empty-body"),
        (gzip.compress(gzip.compress(urlset(""), mtime=0), mtime=0), "bad-gzip"),
        (b"\x1f\x8b\x08\x00rubbish rubbish", "bad-gzip"),
        (b"khong phai so do trang", "not-a-sitemap"),
        (b"<opml/>", "not-a-sitemap"),
        (b"<!doctype html><title>404</title>", "html-instead-of-feed"),
        (b"<!DOCTYPE urlset [<!ENTITY a 'b'>]><urlset/>", "xml-entities"),
    ],
)
def test_what_is_no_sitemap_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


def test_a_list_of_addresses_is_a_sitemap() -> None:
    sitemap = parse_sitemap(
        "\ufeffhttps://bao.example/a\r\n\r\nhttps://bao.example/b\nhết".encode(), URL, "text/plain"
    )
    assert sitemap.links == (Link("https://bao.example/a"), Link("https://bao.example/b"))
    assert sitemap.problems == ("bad-lines: 1",)


def test_a_feed_is_a_sitemap() -> None:
    sitemap = parse_sitemap(
        b"<rss><channel><item><title>A</title><link>https://bao.example/a</link></item></channel></rss>", URL
    )
    assert sitemap.links == (Link("https://bao.example/a", "A"),)


def test_entries_beyond_fifty_thousand_are_counted() -> None:
    entries = "".join(f"<url><loc>https://bao.example/{n}</loc></url>" for n in range(50_002))
    sitemap = parse_sitemap(urlset(entries), URL)
    assert len(sitemap.links) == 50_000
    assert sitemap.problems == ("urls-over-limit: 2",)


def test_an_empty_sitemap_says_so() -> None:
    assert parse_sitemap(urlset(""), URL).problems == ("no-items",)


@given(st.binary() | st.lists(MARKUP | st.binary(max_size=3), max_size=20).map(b"".join))
def test_any_bytes_are_a_sitemap_or_a_feed_error(data: bytes) -> None:
    for body in (data, gzip.compress(data), gzip.compress(data)[:-3]):
        try:
            sitemap = parse_sitemap(body, URL)
        except FeedError:
            continue
        assert all(link.url.startswith(("http://", "https://")) for link in sitemap.links)


NOW = datetime(2026, 3, 7, 2, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=3)


def chosen(*children: SitemapChild | str, limit: int = 100, trust_lastmod: bool = True) -> list[str]:
    full = tuple(child if isinstance(child, SitemapChild) else SitemapChild(child) for child in children)
    read = children_to_read(full, since=SINCE, now=NOW, limit=limit, trust_lastmod=trust_lastmod)
    return [child.url.removeprefix("https://bao.example") for child in read]


def child(path: str, modified: datetime | None) -> SitemapChild:
    return SitemapChild(f"https://bao.example{path}", modified)


@pytest.mark.parametrize(
    ("recent", "old"),
    [
        ("/news-2026-3.xml", "/news-2026-2.xml"),
        ("/sitemap-2026-03.xml.gz", "/sitemap-2025-12.xml.gz"),
        ("/sitemaps/2026/3/article.xml", "/sitemaps/2026/2/article.xml"),
        ("/sitemap_2026_03.xml", "/sitemap_2025_03.xml"),
        ("/20260304.xml", "/20260303.xml"),
        ("/articles-202603.xml", "/articles-202602.xml"),
        ("/2026-03-04.xml", "/2026-03-03.xml"),
        ("/sitemap-2026.xml", "/sitemap-2025.xml"),
        ("/sitemap.xml?date=2026-03-06", "/sitemap.xml?date=2026-02-06"),
        ("/news-2026-3-1.xml", "/news-2026-2-28.xml"),
    ],
)
def test_a_period_in_the_name_decides(recent: str, old: str) -> None:
    assert chosen(f"https://bao.example{old}", f"https://bao.example{recent}") == [recent]


def test_the_month_that_the_window_begins_in_is_read_too() -> None:
    children = tuple(SitemapChild(f"https://bao.example/news-2026-{month}.xml") for month in (1, 2, 3))
    read = children_to_read(
        children,
        since=datetime(2026, 2, 28, 12, tzinfo=VIETNAM),
        now=datetime(2026, 3, 2, tzinfo=VIETNAM),
        limit=10,
    )
    assert [entry.url[-5] for entry in read] == ["3", "2"]


def test_months_end_in_vietnamese_time() -> None:
    children = (SitemapChild("https://bao.example/news-2026-2.xml"),)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    last_second, first_second = (
        datetime(2026, 2, 28, 16, 59, 59, tzinfo=UTC),
        datetime(2026, 2, 28, 17, tzinfo=UTC),
    )
    assert children_to_read(children, since=last_second, now=now, limit=9) == children
    assert children_to_read(children, since=first_second, now=now, limit=9) == ()


def test_the_time_of_change_decides_where_the_name_says_nothing() -> None:
    assert chosen(
        child("/a.xml", SINCE - timedelta(seconds=1)), child("/b.xml", SINCE), child("/c.xml", NOW)
    ) == ["/c.xml", "/b.xml"]


def test_a_recent_change_keeps_an_old_month_unless_it_is_not_trusted() -> None:
    old = child("/news-2010-1.xml", NOW)
    current = child("/news-2026-3.xml", NOW)
    assert chosen(old, current) == ["/news-2026-3.xml", "/news-2010-1.xml"]
    assert chosen(old, current, trust_lastmod=False) == ["/news-2026-3.xml"]


def test_children_without_a_date_are_kept_the_highest_number_first() -> None:
    paths = ["/sitemap-1.xml", "/sitemap-10.xml", "/sitemap-9.xml", "/google-news.xml"]
    addresses = [f"https://bao.example{path}" for path in paths]
    assert chosen(*addresses) == ["/google-news.xml", "/sitemap-10.xml", "/sitemap-9.xml", "/sitemap-1.xml"]
    assert chosen(*addresses, limit=2) == ["/google-news.xml", "/sitemap-10.xml"]
    assert chosen(*addresses, limit=0) == []


def test_a_date_in_the_future_is_not_believed() -> None:
    future = child("/a.xml", NOW + timedelta(days=400))
    assert chosen(future, child("/b.xml", NOW)) == ["/b.xml", "/a.xml"]
    assert chosen("https://bao.example/sitemap-2099.xml") == ["/sitemap-2099.xml"]


def test_a_number_that_is_no_date_is_none() -> None:
    assert chosen("https://bao.example/top300article.xml", "https://bao.example/20269999.xml") == [
        "/20269999.xml",
        "/top300article.xml",
    ]


def test_a_child_named_twice_is_read_once() -> None:
    assert chosen("https://bao.example/a.xml", "https://bao.example/a.xml") == ["/a.xml"]
