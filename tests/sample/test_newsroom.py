"""The sample newsroom over real sockets: protocol, feeds, sitemaps, and the mark-up of each kind of page."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import tomllib
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from deployments.sample.body import Paragraph
from deployments.sample.pages import SITES, Kind
from deployments.sample.papers import article_url, serve
from deployments.sample.press import LAST_EDITION, Press, load_press
from deployments.sample.server import Request, SampleNewsroom
from tests.sample import tiny

SOURCES = Path(__file__).resolve().parents[2] / "deployments" / "sample" / "sources"
EDITIONS = range(1, LAST_EDITION + 1)
KINDS: tuple[Kind, ...] = ("article", "video", "paywall", "soft-404", "english")
FEEDS = {
    "songthuong": "/rss/home.rss",
    "binhminh": "/rss/home.rss",
    "dongque": "/feed.atom",
}


@pytest.fixture(scope="module")
def shipped() -> Press:
    return load_press()


@asynccontextmanager
async def client_of(newsroom: SampleNewsroom) -> AsyncIterator[httpx.AsyncClient]:
    """A client that asks this server, whatever the host of the URL is."""

    async def to_loopback(request: httpx.Request) -> None:
        address, port = newsroom.routes.get(request.url.host, ("127.0.0.1", newsroom.port))
        request.url = request.url.copy_with(host=address, port=port)

    async with httpx.AsyncClient(event_hooks={"request": [to_loopback]}, trust_env=False) as client:
        yield client


@pytest.fixture
async def newsroom(shipped: Press) -> AsyncIterator[SampleNewsroom]:
    async with SampleNewsroom(2, shipped) as running:
        yield running


@pytest.fixture
async def client(newsroom: SampleNewsroom) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(newsroom) as opened:
        yield opened


async def addresses(client: httpx.AsyncClient, url: str) -> set[str]:
    """Every `loc`, `link` or `href` of a feed or sitemap, with the sitemaps of an index followed."""
    response = await client.get(url)
    assert response.status_code == 200, url
    data = gzip.decompress(response.content) if url.endswith(".gz") else response.content
    root = etree.fromstring(data)
    found: set[str] = set()
    for element in root.iter("{*}loc", "{*}link"):
        target = element.get("href") or (element.text or "")
        found.add(str(httpx.URL(url).join(target.strip())))
    if etree.QName(root).localname == "sitemapindex":
        children = sorted(found)
        return set().union(*[await addresses(client, child) for child in children])
    return found


@pytest.mark.parametrize("edition", EDITIONS)
async def test_every_page_is_served_and_stands_in_a_feed_or_sitemap(shipped: Press, edition: int) -> None:
    async with SampleNewsroom(edition, shipped) as newsroom, client_of(newsroom) as client:
        linked: set[str] = set()
        for key, site in SITES.items():
            linked |= await addresses(client, f"http://{site.host}{FEEDS[key]}")
            linked |= await addresses(client, f"http://{site.host}/sitemap.xml")
        for page in shipped.at(edition):
            assert article_url(page) in linked
            response = await client.get(article_url(page))
            assert response.status_code == 200, page.key
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            if page.kind == "article":
                # As much around the text as real pages have, within reason.
                assert 6_000 <= len(response.content) <= 24_000, page.key


@pytest.mark.parametrize("edition", EDITIONS)
async def test_listings_lead_to_every_page_by_their_next_links(shipped: Press, edition: int) -> None:
    async with SampleNewsroom(edition, shipped) as newsroom, client_of(newsroom) as client:
        found: set[str] = set()
        for site in SITES.values():
            url: str | None = f"http://{site.host}/"
            while url is not None:
                tree = LexborHTMLParser((await client.get(url)).content)
                here = httpx.URL(url)
                links = [
                    str(here.join(a.attributes.get("href") or ""))
                    for a in tree.css("a[href^='/'],a[href^='http']")
                ]
                found.update(links)
                follow = tree.css_first("a[rel=next]")
                url = str(here.join(follow.attributes["href"] or "")) if follow is not None else None
        assert {article_url(page) for page in shipped.at(edition)} <= found


async def test_a_section_listing_holds_that_section_only(shipped: Press, client: httpx.AsyncClient) -> None:
    text = (await client.get("http://songthuong.example/van-hoa.html")).text
    for page in shipped.at(2):
        if page.site == "songthuong":
            assert (article_url(page) in text) == (page.section == "van-hoa"), page.key


@pytest.mark.parametrize("edition", EDITIONS[1:])
async def test_a_feed_without_news_keeps_its_etag_in_the_next_edition(shipped: Press, edition: int) -> None:
    feeds = [
        url for source in sorted(SOURCES.glob("*.toml")) for url in tomllib.loads(source.read_text())["feeds"]
    ]
    async with SampleNewsroom(edition - 1, shipped) as before, client_of(before) as client:
        tags = {url: (await client.get(url)).headers["etag"] for url in feeds}
    async with SampleNewsroom(edition, shipped) as after, client_of(after) as client:
        statuses = [
            (await client.get(url, headers={"if-none-match": tag})).status_code for url, tag in tags.items()
        ]
    assert 304 in statuses
    assert 200 in statuses


async def test_both_validators_give_304_with_the_same_tag_and_no_body(client: httpx.AsyncClient) -> None:
    url = "http://dongque.example/feed.atom"
    first = await client.get(url)
    assert re.fullmatch(r'"[0-9a-f]{16}-gzip"', first.headers["etag"])
    assert "max-age" in first.headers["cache-control"]
    for headers in (
        {"if-none-match": first.headers["etag"]},
        {"if-none-match": f'"other", W/{first.headers["etag"]}'},
        {"if-none-match": "*"},
        {"if-modified-since": first.headers["last-modified"]},
    ):
        again = await client.get(url, headers=headers)
        assert again.status_code == 304, headers
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]


async def test_validators_of_another_state_give_the_whole_answer(client: httpx.AsyncClient) -> None:
    url = "http://dongque.example/feed.atom"
    first = await client.get(url)
    for headers in (
        {"if-none-match": '"0000000000000000"'},
        # The tag overrules the date.
        {"if-none-match": '"0000000000000000"', "if-modified-since": first.headers["last-modified"]},
        {"if-modified-since": "Sun, 01 Mar 2026 00:00:00 GMT"},
        {"if-modified-since": "yesterday"},
    ):
        assert (await client.get(url, headers=headers)).status_code == 200, headers


async def test_gzip_is_used_only_where_the_client_accepts_it(client: httpx.AsyncClient) -> None:
    url = "http://songthuong.example/sitemap.xml"
    coded = await client.get(url, headers={"accept-encoding": "gzip"})
    plain = await client.get(url, headers={"accept-encoding": "br, gzip;q=0"})
    assert coded.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert coded.content == plain.content
    assert coded.headers["etag"] != plain.headers["etag"]
    assert int(coded.headers["content-length"]) < int(plain.headers["content-length"]) == len(plain.content)


async def test_a_gzip_file_is_not_coded_once_more(client: httpx.AsyncClient) -> None:
    response = await client.get("http://binhminh.example/sitemaps/sitemap-2026-03.xml.gz")
    assert response.headers["content-type"] == "application/x-gzip"
    assert "content-encoding" not in response.headers
    assert gzip.decompress(response.content).startswith(b"<?xml")


async def test_head_sends_the_headers_of_get_without_a_body(client: httpx.AsyncClient) -> None:
    url = "http://songthuong.example/"
    got, head = await client.get(url), await client.head(url)
    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(got.headers)


async def test_what_is_not_there_is_refused(newsroom: SampleNewsroom, client: httpx.AsyncClient) -> None:
    missing = await client.get("http://songthuong.example/khong-co-post1.html")
    assert missing.status_code == 404
    assert "etag" not in missing.headers
    assert "Không có trang này" in missing.text
    # A path of one paper does not exist on the other.
    assert (await client.get("http://songthuong.example/feed.atom")).status_code == 404
    assert (await client.get("http://other.example/")).status_code == 421
    posted = await client.post("http://songthuong.example/", content=b"x")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")


async def test_requests_are_recorded_with_host_path_and_status(
    newsroom: SampleNewsroom, client: httpx.AsyncClient
) -> None:
    await client.get("http://songthuong.example/?utm_source=rss", headers={"user-agent": "khotin-test"})
    await client.get("http://dongque.example/mat", headers={"user-agent": "khotin-test"})
    assert newsroom.requests == [
        Request("songthuong.example", "/?utm_source=rss", 200, "GET", "khotin-test"),
        Request("dongque.example", "/mat", 404, "GET", "khotin-test"),
    ]


async def test_robots_forbids_the_search_page_and_names_the_sitemap(client: httpx.AsyncClient) -> None:
    for site in SITES.values():
        robots = (await client.get(f"http://{site.host}/robots.txt")).text
        assert "Disallow: /tim-kiem" in robots
        assert f"Sitemap: http://{site.host}/sitemap.xml" in robots
        assert ("Crawl-delay: 0.01" in robots) == (site.key == "dongque")


async def test_dates_of_feeds_have_the_form_of_their_family(client: httpx.AsyncClient) -> None:
    epi = etree.fromstring((await client.get("http://songthuong.example/rss/home.rss")).content)
    for date in epi.iterfind(".//item/pubDate"):
        assert re.fullmatch(r"\w{3}, \d\d Mar 2026 \d\d:\d\d:\d\d \+0700", date.text or "")
    vccorp = etree.fromstring((await client.get("http://binhminh.example/rss/home.rss")).content)
    for item in vccorp.iterfind(".//item"):
        assert re.fullmatch(r"3/\d/2026 \d{1,2}:\d\d:\d\d [AP]M", item.findtext("pubDate") or "")
        assert (item.findtext("title") or "").isascii()
    atom = etree.fromstring((await client.get("http://dongque.example/feed.atom")).content)
    assert len(atom.findall("{*}entry/{*}published")) == len(atom.findall("{*}entry")) > 0


async def test_feeds_hold_the_newest_fifteen_and_the_sitemap_the_rest(shipped: Press) -> None:
    async with SampleNewsroom(LAST_EDITION, shipped) as newsroom, client_of(newsroom) as client:
        root = etree.fromstring((await client.get("http://songthuong.example/rss/home.rss")).content)
        in_feed = [link.text for link in root.iterfind(".//item/link")]
        own = [article_url(page) for page in shipped.at(LAST_EDITION) if page.site == "songthuong"]
        assert in_feed == own[:15]
        assert set(own) - set(in_feed)
        assert set(own) <= await addresses(client, "http://songthuong.example/sitemap.xml")


async def test_lastmod_tells_of_an_update(shipped: Press, client: httpx.AsyncClient) -> None:
    updated = [page for page in shipped.at(2) if page.modified is not None]
    assert updated
    for page in updated:
        path = {
            "songthuong": "/sitemaps/news-2026-3.xml",
            "binhminh": "/sitemaps/sitemap-2026-03.xml.gz",
            "dongque": "/sitemap-news.xml",
        }[page.site]
        content = (await client.get(f"http://{SITES[page.site].host}{path}")).content
        root = etree.fromstring(gzip.decompress(content) if path.endswith(".gz") else content)
        times = {url.findtext("{*}loc"): url.findtext("{*}lastmod") for url in root.iterfind("{*}url")}
        assert page.modified is not None
        assert times[article_url(page)] == page.modified.isoformat()


@pytest.mark.parametrize("source", ["songthuong", "binhminh", "dongque"])
def test_the_article_pattern_of_a_source_fits_articles_and_nothing_else(shipped: Press, source: str) -> None:
    settings = tomllib.loads((SOURCES / f"{source}.toml").read_text(encoding="utf-8"))
    pattern = re.compile(settings["article_pattern"])
    base = f"http://{SITES[source].host}"
    articles = {article_url(page) for page in shipped.at(LAST_EDITION) if page.site == source}
    served = {base + path for path in serve(shipped, LAST_EDITION)[SITES[source].host]}
    assert {url for url in served if pattern.search(url)} == articles
    assert {*settings["feeds"], *settings["sitemaps"], *settings["listings"], settings["home"]} <= served


def rendered(tmp_path: Path, site: str, kind: Kind) -> LexborHTMLParser:
    """The tiny press with the kind of one article changed, as its site shows it."""
    name, text = {
        "songthuong": ("press/songthuong/7-pha-ben-cu.md", tiny.FERRY),
        "binhminh": ("press/binhminh/301-cum-thi-dua.md", tiny.SEED_REPRINT),
        "dongque": ("press/dongque/22-tin-vui.md", tiny.BRIEF),
    }[site]
    press = load_press(*tiny.write(tmp_path, {name: text.replace("title =", f'kind = "{kind}"\ntitle =', 1)}))
    (page,) = (page for page in press.at(1) if page.site == site)
    path = article_url(page).removeprefix(f"http://{SITES[site].host}")
    return LexborHTMLParser(serve(press, 1)[SITES[site].host][path].body)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("site", ["songthuong", "binhminh", "dongque"])
def test_each_kind_of_page_shows_its_marks_and_no_others(tmp_path: Path, site: str, kind: Kind) -> None:
    tree = rendered(tmp_path, site, kind)
    html = tree.html or ""
    root = tree.css_first("html")
    assert root is not None
    assert root.attributes["lang"] == ("en" if kind == "english" else "vi")
    assert bool(tree.css("video")) == (kind == "video")
    assert bool(tree.css(".article__paywall, .box-paywall, .paywall")) == (kind == "paywall")
    assert bool(tree.css("meta[property='article:published_time']")) == (kind != "soft-404")
    article_type = re.search(r"'articleType': '([^']+)'", html)
    if article_type:
        assert (article_type[1].lower() == "video") == (kind == "video")


def test_epi_mark_up_holds_title_lead_body_and_author_where_the_family_has_them(tmp_path: Path) -> None:
    tree = rendered(tmp_path, "songthuong", "article")

    def text(selector: str) -> str:
        (node,) = tree.css(selector)
        return node.text().strip()

    assert text("h1.article__title.cms-title") == "Phà Bến Cũ & 2 < 3 chuyến"
    assert text(".article__sapo.cms-desc") == "ST - Bến phà tăng chuyến."
    assert text(".article__author .name") == "Lê Thu Hà"
    assert text(".article__body figcaption") == "Phà cập bến. Ảnh: Trần Bình"
    assert text(".article__tag a") == "Bến Cũ"
    assert text("time.time") == "Thứ Hai, ngày 02/03/2026 - 07:15"
    paragraphs = [node.text() for node in tree.css(".article__body > p")]
    assert paragraphs == ["Người dân Bến Cũ đi phà mỗi ngày."]
    assert [node.text() for node in tree.css(".article__body td")] == ["Loại", "Giá", "Xe máy", "8.000"]
    assert len(tree.css(".article__body a.cms-relate")) == 1
    assert tree.css("[href='#tts']")


def test_vccorp_mark_up_holds_roles_an_empty_second_body_and_double_escapes(tmp_path: Path) -> None:
    tree = rendered(tmp_path, "binhminh", "article")
    (title,) = tree.css("h1[data-role=title]")
    (sapo,) = tree.css("[data-role=sapo]")
    (date,) = tree.css("[data-role=publishdate]")
    assert title.text() == "Cụm thi đua họp"
    assert sapo.text().strip() == "(Bình Minh) - Hội nghị sơ kết."
    assert date.text().strip() == "02/03/2026 21:25 GMT+7"
    body, popup = tree.css(".detail-content.afcbc-body")
    assert [node.text() for node in body.css("p")] == [
        "Sáng 13/7, cụm họp.",
        "Đơn vị A dẫn đầu “năm thứ hai.”",
    ]
    assert popup.text().strip() == ""
    (script,) = tree.css("script[type='application/ld+json']")
    assert json.loads(script.text())["headline"] == "C&amp;#7909;m thi đua h&amp;#7885;p"


def test_every_paragraph_of_the_press_is_on_its_page_and_free_of_broken_escapes(shipped: Press) -> None:
    sites = serve(shipped, LAST_EDITION)
    for page in shipped.at(LAST_EDITION):
        host = SITES[page.site].host
        tree = LexborHTMLParser(sites[host][article_url(page).removeprefix(f"http://{host}")].body)
        assert tree.body is not None
        text = " ".join(unicodedata.normalize("NFC", tree.body.text()).split())
        assert " ".join(page.title.split()) in text, page.key
        for block in page.blocks:
            if isinstance(block, Paragraph):
                assert " ".join(block.text.split()) in text, page.key
        for script in tree.css("script[type='application/ld+json']"):
            json.loads(script.text())


async def test_the_port_is_free_again_after_the_end_and_editions_run_side_by_side(shipped: Press) -> None:
    async with SampleNewsroom(1, shipped) as first, SampleNewsroom(2, shipped) as second:
        ports = {first.port, second.port}
        assert len(ports) == 2
        reader, writer = await asyncio.open_connection("127.0.0.1", first.port)
        # A connection that says nothing must not keep the newsroom from ending.
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    for port in ports:
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", port))
    with pytest.raises(RuntimeError, match="not running"):
        first.port  # noqa: B018
