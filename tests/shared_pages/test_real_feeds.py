"""Real feeds and listing pages, read from the folder beside the checkout."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.sources import Source, load_sources
from parsers.feeds import parse_feed
from parsers.listings import parse_listing
from parsers.urls import canonical_url

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared"
MANIFEST = SHARED / "pages" / "MANIFEST.json"

pytestmark = pytest.mark.skipif(
    not MANIFEST.is_file(), reason="the folder of real documents, ../shared, is not here"
)


@dataclass(frozen=True)
class Document:
    name: str
    kind: str
    url: str


def documents(kind: str) -> list[Document]:
    if not MANIFEST.is_file():
        return []
    entries = json.loads(MANIFEST.read_text("utf-8"))
    return [
        Document(entry["name"], kind, entry.get("url", ""))
        for entry in entries
        if entry["kind"].startswith(kind) and (entry.get("url") or kind == "rss")
    ]


SOURCES = load_sources(ROOT / "deployments" / "sources")


def source_of(url: str) -> Source:
    (source,) = [source for source in SOURCES if source.owns(url)]
    return source


@pytest.mark.parametrize("document", documents("article"), ids=lambda d: d.name)
def test_a_real_article_address_is_one(document: Document) -> None:
    assert source_of(document.url).is_article(canonical_url(document.url))


@pytest.mark.parametrize("document", documents("rss"), ids=lambda d: d.name)
def test_a_real_feed_is_read_whole(document: Document) -> None:
    data = (SHARED / "feeds" / f"{document.name}.rss").read_bytes()
    source = next(source for source in SOURCES if document.name.startswith(f"{source.name}_"))
    feed = parse_feed(data, source.feeds[0])
    assert feed.problems == ()
    assert feed.title
    assert len(feed.links) == data.count(b"<item>")
    for link in feed.links:
        assert link.title
        assert link.lead
        assert not {"<", ">"} & set(link.title + link.lead)
        assert link.published_at is not None
        assert link.published_at.year == int(document.name.split("_")[2][:4])
        if source.owns(link.url):
            assert source.is_article(canonical_url(link.url))


@pytest.mark.parametrize("document", documents("listing"), ids=lambda d: d.name)
def test_a_real_listing_page_gives_articles_with_titles(document: Document) -> None:
    data = gzip.decompress((SHARED / "pages" / f"{document.name}.html.gz").read_bytes())
    source = source_of(document.url)
    assert not source.is_article(canonical_url(document.url))
    listing = parse_listing(data, document.url)
    articles = [link for link in listing.links if source.is_article(canonical_url(link.url))]
    assert len(articles) >= 10
    assert all(link.title for link in articles)
    # Section pages have short names; what is long, on the site itself, and no article, is a topic or a video.
    left_out = [
        link.url
        for link in listing.links
        if source.owns(link.url)
        and not source.is_article(canonical_url(link.url))
        and link.url.count("-") > 9
        and not any(part in link.url for part in ("/video/", "/chu-de/", "/event/", "/collection/", "-tag"))
    ]
    assert len(left_out) <= 3, left_out
