"""Feeds of every kind, and the ways in which they are broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parsers.errors import DriftError, FeedError
from parsers.feeds import Feed, parse_feed
from parsers.links import Link
from parsers.xml import MAX_FEED_BYTES

URL = "https://bao.example/rss/home.rss"
VIETNAM = timezone(timedelta(hours=7))


def rss(items: str, head: str = "<title>Báo Mẫu</title>") -> bytes:
    declaration = '<?xml version="1.0" encoding="utf-8"?>'
    return f'{declaration}<rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def item(number: int, extra: str = "") -> str:
    return (
        f"<item><title>Bài {number}</title><link>https://bao.example/bai-{number}.html</link>{extra}</item>"
    )


def urls(feed: Feed) -> list[str]:
    return [link.url for link in feed.links]


def reason_of(data: bytes, content_type: str | None = None) -> str:
    with pytest.raises(FeedError) as caught:
        parse_feed(data, URL, content_type)
    return caught.value.reason


def test_rss_2_gives_links_with_title_summary_and_date() -> None:
    feed = parse_feed(
        rss(
            item(
                1,
                '<description><![CDATA[<a href="/x"><img src="a.jpg"></a></br>Nước <b>sông</b>'
                " lên &amp; rút.]]>"
                "</description><pubDate>Mon, 02 Mar 26 07:15:00 +0700</pubDate><guid>1</guid>",
            ),
            head="<title>Báo Mẫu</title><link>https://bao.example</link><ttl>15</ttl>"
            "<image><title>Ảnh</title><link>https://bao.example</link></image>",
        ),
        URL,
    )
    assert feed == Feed(
        links=(
            Link(
                "https://bao.example/bai-1.html",
                "Bài 1",
                "Nước sông lên & rút.",
                datetime(2026, 3, 2, 7, 15, tzinfo=VIETNAM),
            ),
        ),
        kind="rss",
        title="Báo Mẫu",
        ttl_minutes=15,
        problems=(),
    )


def test_rss_1_has_its_items_beside_the_channel() -> None:
    feed = parse_feed(
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://bao.example/"><title>Kinh'
        b'</title></channel><item rdf:about="https://bao.example/1"><title>A</title>'
        b"<link>https://bao.example/1</link><dc:title>B</dc:title><dc:date>2026-03-02T01:00:00Z</dc:date></item>"
        b'<item rdf:about="https://bao.example/2"><title>C</title></item></rdf:RDF>',
        URL,
    )
    assert (feed.kind, feed.title) == ("rdf", "Kinh")
    assert [(link.url, link.title) for link in feed.links] == [
        ("https://bao.example/1", "A"),
        ("https://bao.example/2", "C"),
    ]
    assert feed.links[0].published_at == datetime(2026, 3, 2, 1, tzinfo=UTC)


def test_rss_0_91_with_its_document_type_is_read() -> None:
    feed = parse_feed(
        b'<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        b'"http://khac.example/rss-0.91.dtd"><rss version="0.91"><channel><title>C</title>'
        + item(1).encode()
        + b"</channel></rss>",
        URL,
    )
    assert urls(feed) == ["https://bao.example/bai-1.html"]
    assert feed.problems == ()


def test_rss_0_90_is_read() -> None:
    feed = parse_feed(
        b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
        <channel><title>t</title></channel><item><title>x</title><link>https://bao.example/1</link></item>
        </rdf:RDF>""",
        URL,
    )
    assert (feed.kind, [link.url for link in feed.links]) == ("rdf", ["https://bao.example/1"])


def test_atom_tells_published_and_updated_apart() -> None:
    feed = parse_feed(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="vi"><title type="html">B&amp;aacute;o</title>'
        '<link rel="self" href="/feed.atom"/><entry><title>Một</title>'
        '<link rel="enclosure" href="/a.mp3"/><link rel="alternate" href="/bai-1.html"/>'
        "<published>2026-03-02T07:00:00+07:00</published><updated>2026-03-03T07:00:00+07:00</updated>"
        '<summary type="html">&lt;p&gt;Tóm tắt&lt;/p&gt;</summary></entry>'
        '<entry><title>Hai</title><link href="bai-2.html"/></entry></feed>'.encode(),
        "https://bao.example/feed.atom",
    )
    assert (feed.kind, feed.title) == ("atom", "Báo")
    assert feed.links == (
        Link(
            "https://bao.example/bai-1.html",
            "Một",
            "Tóm tắt",
            datetime(2026, 3, 2, 7, tzinfo=VIETNAM),
            datetime(2026, 3, 3, 7, tzinfo=VIETNAM),
        ),
        Link("https://bao.example/bai-2.html", "Hai"),
    )


def test_xml_base_moves_relative_links() -> None:
    feed = parse_feed(
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://khac.example/tin/">'
        b'<entry><link href="1.html"/></entry></feed>',
        URL,
    )
    assert urls(feed) == ["https://khac.example/tin/1.html"]


def test_json_feed_is_read() -> None:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Báo",
        "items": [
            {
                "id": "1",
                "url": "/bai-1.html",
                "title": "Một &amp; hai",
                "date_published": "2026-03-02T00:00:00Z",
            },
            {"id": "https://bao.example/bai-2.html", "summary": "Tóm \ud800tắt", "date_modified": "không"},
            {"id": "3"},
            "rác",
        ],
    }
    feed = parse_feed(b"\xef\xbb\xbf" + json.dumps(document).encode(), URL)
    assert (feed.kind, feed.title) == ("json", "Báo")
    assert feed.links == (
        Link("https://bao.example/bai-1.html", "Một & hai", None, datetime(2026, 3, 2, tzinfo=UTC)),
        Link("https://bao.example/bai-2.html", None, "Tóm tắt"),
    )
    assert feed.problems == ("bad-dates: 1", "items-without-link: 2")


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + rss(item(1)),
        b" \r\n\t" + rss(item(1)),
        b"\xef\xbb\xbf\n" + rss(item(1)),
        rss(item(1)).decode().encode("utf-16"),
        rss(item(1)).decode().replace("utf-8", "utf-16").encode("utf-16-be"),
        rss(item(1)).decode().encode("utf-16-le"),
        rss(item(1)).replace(b"utf-8", b"windows-1258"),
        rss(item(1)).replace(b"utf-8", b"zlib"),
        rss(item(1)).replace(b'encoding="utf-8"?>', b'encoding="utf-8">'),
        b"<!-- d\xe1\xba\xa5u <rss> -->" + rss(item(1)),
        b"<?x a > b ?>" + rss(item(1)).split(b"?>", 1)[1],
        rss(item(1)).split(b"?>", 1)[1],
    ],
    ids=["bom", "blanks", "bom-blank", "utf16", "utf16be", "utf16le", "legacy-name", "odd-name",
         "lame-declaration", "comment", "instruction", "no-declaration"],
)  # fmt: skip
def test_every_wrapping_of_a_feed_is_read(data: bytes) -> None:
    feed = parse_feed(data, URL)
    assert feed.title == "Báo Mẫu"
    assert [(link.url, link.title) for link in feed.links] == [("https://bao.example/bai-1.html", "Bài 1")]
    assert feed.problems == ()


def test_a_declared_legacy_encoding_is_believed_where_the_bytes_are_no_utf_8() -> None:
    data = rss("<item><title>Đoàn</title><link>/1</link></item>", head="").decode()
    legacy = data.replace("utf-8", "windows-1258").encode("cp1258")
    assert parse_feed(legacy, URL).links[0].title == "Đoàn"
    undeclared = data.replace("utf-8", "x").encode("cp1258")
    assert parse_feed(undeclared, URL, "text/xml; charset=windows-1258").links[0].title == "Đoàn"


def test_bytes_of_no_encoding_are_told() -> None:
    feed = parse_feed(rss(item(1)).replace("Bài".encode(), b"B\xff\xfei"), URL)
    assert feed.links[0].title == "B\ufffd\ufffdi 1"
    assert feed.problems == ("bad-bytes",)


def test_loose_markup_is_repaired() -> None:
    feed = parse_feed(
        rss(
            "<item><title>Cơm & phở&nbsp;ngon &hellip; giá < 5 &khong; \x08\x00&#0;&#x1f;xong</title>"
            "<link>https://bao.example/a?x=1&y=2</link></item>"
        ),
        URL,
    )
    assert feed.links == (Link("https://bao.example/a?x=1&y=2", "Cơm & phở ngon … giá < 5 &khong; xong"),)


def test_cdata_is_left_alone() -> None:
    feed = parse_feed(
        rss("<item><title><![CDATA[A & B <!ENTITY x> <!-- c]]></title><link>/1</link></item>"), URL
    )
    assert feed.links[0].title == "A & B <!ENTITY x> <!-- c"


@pytest.mark.parametrize(
    "title", ["Đ&agrave; N&#7861;ng", "Đ&amp;agrave; N&amp;#7861;ng", "Đ&amp;amp;agrave; Nẵng"]
)
def test_titles_are_unescaped_until_nothing_changes(title: str) -> None:
    assert (
        parse_feed(rss(f"<item><title>{title}</title><link>/1</link></item>"), URL).links[0].title
        == "Đà Nẵng"
    )


def test_titles_are_one_line_of_nfc_text() -> None:
    data = rss("<item><title>\n Ha\u0300  Nội\u200b\u00a0mới\n </title><link>/1</link></item>")
    assert parse_feed(data, URL).links[0].title == "Hà Nội mới"


@pytest.mark.parametrize(
    ("inner", "url"),
    [
        ("<link>/bai.html</link>", "https://bao.example/bai.html"),
        ("<link>//khac.example/bai.html</link>", "https://khac.example/bai.html"),
        ("<link>\n https://bao.example/bai.html \n</link>", "https://bao.example/bai.html"),
        ("<link></link><guid>https://bao.example/bai.html</guid>", "https://bao.example/bai.html"),
        ('<guid isPermaLink="true">https://bao.example/b</guid>', "https://bao.example/b"),
        ('<a:link xmlns:a="http://www.w3.org/2005/Atom" href="/bai.html"/>', "https://bao.example/bai.html"),
    ],
)
def test_an_items_link_is_found(inner: str, url: str) -> None:
    feed = parse_feed(rss(f"<item><title>A</title>{inner}</item>"), URL)
    assert urls(feed) == [url]
    assert feed.problems == ()


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        ("", "items-without-link: 1"),
        ("<guid></guid>", "items-without-link: 1"),
        ('<guid isPermaLink="false">https://bao.example/b</guid>', "items-without-link: 1"),
        ("<guid>bai-1</guid>", "items-without-link: 1"),
        ("<link>javascript:alert(1)</link>", "bad-links: 1"),
        ("<link>http://127.1/</link>", "bad-links: 1"),
        ("<link>https://bao.example/bai-1.html#x</link>", "repeated-links: 1"),
        ("<link>/2</link><pubDate>hôm qua</pubDate>", "bad-dates: 1"),
    ],
)
def test_a_broken_item_is_counted_and_the_others_are_kept(inner: str, problem: str) -> None:
    feed = parse_feed(rss(item(1) + f"<item><title>Hỏng</title>{inner}</item>" + item(9)), URL)
    assert {"https://bao.example/bai-1.html", "https://bao.example/bai-9.html"} <= set(urls(feed))
    assert feed.problems == (problem,)


def test_elements_of_other_namespaces_are_not_taken_for_the_items_own() -> None:
    feed = parse_feed(
        rss(
            "<item><media:title>Ảnh</media:title><media:link>/anh</media:link><title>Bài</title><link>/1</link></item>"
        ),
        URL,
    )
    assert feed.links == (Link("https://bao.example/1", "Bài"),)
    assert feed.problems == ("repaired-markup",)


def test_unclosed_markup_in_one_item_spoils_no_other() -> None:
    feed = parse_feed(
        rss(f"<item><title>A</title><link>/1</link><description>a<br>b</description></item>{item(2)}"), URL
    )
    assert urls(feed) == ["https://bao.example/1", "https://bao.example/bai-2.html"]
    assert feed.links[1].title == "Bài 2"


@pytest.mark.parametrize("length", [1, 5, 20, 60, 70])
def test_of_a_truncated_feed_the_complete_items_are_kept(length: int) -> None:
    whole = rss(item(1) + item(2) + item(3))
    cut = whole[: whole.index(b"<item><title>B\xc3\xa0i 3") + length]
    feed = parse_feed(cut, URL)
    assert urls(feed) == ["https://bao.example/bai-1.html", "https://bao.example/bai-2.html"]
    assert feed.problems == ("truncated",)
    assert feed.truncated


@pytest.mark.parametrize("end", [b"<![CDATA[dang", b"<!-- dang", "Đ".encode()[:1], b"&am", b"<li"])
def test_a_feed_cut_inside_a_token_is_truncated(end: bytes) -> None:
    whole = rss(item(1))
    feed = parse_feed(whole[: whole.index(b"</channel>")] + b"<item><title>" + end, URL)
    assert urls(feed) == ["https://bao.example/bai-1.html"]
    assert feed.problems == ("truncated",)


def test_a_feed_cut_in_its_first_item_has_none() -> None:
    whole = rss(item(1))
    feed = parse_feed(whole[: whole.index(b"</link>")], URL)
    assert feed.links == ()
    assert feed.title == "Báo Mẫu"
    assert feed.truncated


def test_page_or_data_of_another_kind_is_drift() -> None:
    for data in (b"<html><body>x</body></html>", b"<opml/>", b"{}"):
        with pytest.raises(DriftError):
            parse_feed(data, URL)


def test_a_feed_without_items_says_so() -> None:
    assert parse_feed(rss(""), URL).problems == ("no-items",)


def test_a_time_to_live_of_nonsense_is_ignored() -> None:
    for ttl in ("-5", "abc", "99999", "٣"):
        assert parse_feed(rss(item(1), head=f"<ttl>{ttl}</ttl>"), URL).ttl_minutes is None


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<rss><channel><title>&b;</title></channel></rss>"
)
OUTSIDE = (
    '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><title>&a;</title></channel></rss>'
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "xml-entities"),
        (OUTSIDE, "xml-entities"),
        (LAUGHS.replace("!ENTITY", "!entity"), "xml-entities"),
        (f"<?x <!-- ?>{OUTSIDE} -->", "xml-entities"),
        (OUTSIDE.replace("rss [", 'rss SYSTEM "<!--" ['), "xml-entities"),
        (OUTSIDE.replace("<!ENTITY", "<!ENT<!-- -->ITY"), "xml-dtd"),
        ('<!DOCTYPE rss [<!ATTLIST item a CDATA "x">]><rss><channel/></rss>', "xml-dtd"),
    ],
)
def test_a_feed_with_a_document_type_of_its_own_is_refused(text: str, reason: str) -> None:
    assert reason_of(text.encode()) == reason
    assert reason_of(text.encode("utf-16")) == reason


def test_deep_nesting_is_refused() -> None:
    assert reason_of(b"<rss>" + b"<a>" * 300_000) == "xml-limits"
    assert reason_of(b"<rss>" + b"<a>" * 300_000 + b"</a>" * 300_000 + b"</rss>") == "xml-limits"


def test_more_than_ten_megabytes_are_refused() -> None:
    assert reason_of(rss("x" * MAX_FEED_BYTES)) == "too-large"


def test_items_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parsers.feeds.MAX_ITEMS", 3)
    feed = parse_feed(rss("".join(item(n) for n in range(5))), URL)
    assert len(feed.links) == 3
    assert feed.problems == ("items-over-limit: 2",)
    feed = parse_feed(rss("<item/>" * 3 + item(1)), URL)
    assert feed.links == ()
    assert feed.problems == ("items-without-link: 3", "items-over-limit: 1")


def test_a_hundred_thousand_items_are_read_up_to_the_limit() -> None:
    feed = parse_feed(rss("".join(f"<item><link>/{n}</link></item>" for n in range(100_000))), URL)
    assert len(feed.links) == 50_000
    assert feed.problems == ("items-over-limit: 50000",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty-body"),
        (b" \n\xef\xbb\xbf", "empty-body"),
        (b"\x00\x00", "empty-body"),
        (b"khong phai XML", "malformed"),
        (b"%PDF-1.7 \x00\xff", "malformed"),
        (b"\x89PNG\r\n\x1a\n\x00", "malformed"),
        (b"{", "malformed"),
        (b"{" * 100_000, "malformed"),
        (b'{"items": []}', "not-a-feed"),
        (b'{"version": 1, "items": []}', "not-a-feed"),
        (b"<opml><body/></opml>", "not-a-feed"),
        (b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "not-a-feed"),
        (b"<!doctype html><title>Trang</title>", "html-instead-of-feed"),
        (
            b"<?xml version='1.0'?><!-- x --><html xmlns='http://www.w3.org/1999/xhtml'/>",
            "html-instead-of-feed",
        ),
        (b"\xef\xbb\xbf\n<HTML><body>404</body></HTML>", "html-instead-of-feed"),
        (b"<div>Bao tri</div>", "html-instead-of-feed"),
        (
            b"<!doctype html><title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x'>",
            "challenge-page",
        ),
        (
            b"<html><script>document.cookie='D1N=abc';window.location.reload(true);</script></html>",
            "challenge-page",
        ),
        (b"<script>document.cookie = 'a=1'; location = '/rss'</script>", "challenge-page"),
        (b"<html><script>document.cookie='a=1'</script></html>", "html-instead-of-feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert reason_of(data, "application/rss+xml; charset=utf-8") == reason


MARKUP = st.sampled_from(
    [b"<rss>", b"<channel>", b"<item>", b"</item>", b"<link>", b"</link>", b"/a", b"<feed>", b"<entry>",
     b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?xml ?>", b"<?", b"&", b"&amp;", b"&#x0;", b"<!DOCTYPE rss>",
     b"\xff", b"\x00", b"<a:b>", b'<link href="/b"/>', b"<link href=", b"{", b'"', b">", b"<",
     b"\xef\xbb\xbf", b"\xff\xfe", b"<urlset>", b"<url>", b"<loc>http://a.vn/", b"<html>", b"http://a.vn/1\n",
     b"\x1f\x8b\x08\x00"]
)  # fmt: skip


@given(
    st.binary() | st.lists(MARKUP | st.binary(max_size=3), max_size=20).map(b"".join), st.none() | st.text()
)
def test_any_bytes_are_a_feed_or_a_feed_error(data: bytes, content_type: str | None) -> None:
    try:
        feed = parse_feed(data, URL, content_type)
    except FeedError:
        return
    assert all(link.url.startswith(("http://", "https://")) for link in feed.links)


@given(st.integers(0, 600))
@example(len(rss(item(1) + item(2) + item(3))) - 1)
def test_every_cut_of_a_feed_keeps_only_complete_items(length: int) -> None:
    whole = rss(item(1) + item(2) + item(3))
    try:
        feed = parse_feed(whole[:length], URL)
    except FeedError:
        assert length < whole.index(b"<item>")
        return
    complete = whole[:length].count(b"</item>")
    assert urls(feed) == [f"https://bao.example/bai-{number}.html" for number in range(1, complete + 1)]
    assert feed.truncated == (b"</rss>" not in whole[:length])


SYNDICATION = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'


@pytest.mark.parametrize(
    ("head", "minutes", "hours", "days"),
    [
        ("", None, (), ()),
        ("<ttl>90</ttl>", 90, (), ()),
        ("<ttl>x</ttl><skipHours><hour>x</hour><hour>99</hour></skipHours>", None, (), ()),
        ("<skipHours><hour>0</hour><hour> 5 </hour><hour>24</hour></skipHours>", None, (0, 5), ()),
        ("<skipDays><day>Sunday</day><day>Freitag</day><day>monday</day></skipDays>", None, (),
         ("monday", "sunday")),
        ("<sy:updatePeriod> hourly </sy:updatePeriod>", 60, (), ()),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 360, (), ()),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 1440, (), ()),
        ("<sy:updatePeriod>yearly</sy:updatePeriod>", None, (), ()),
        ("<ttl>15</ttl><sy:updatePeriod>daily</sy:updatePeriod>", 15, (), ()),
    ],
)  # fmt: skip
def test_what_a_feed_asks_of_its_readers(
    head: str, minutes: int | None, hours: tuple[int, ...], days: tuple[str, ...]
) -> None:
    body = f'<rss version="2.0" {SYNDICATION}><channel><title>t</title>{head}</channel></rss>'
    feed = parse_feed(body.encode(), "https://bao.example/rss")
    assert (feed.ttl_minutes, feed.skip_hours, feed.skip_days) == (minutes, hours, days)
