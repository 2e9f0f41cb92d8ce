"""The whole way on real pages and feeds: served under their own addresses, fetched, parsed, stored."""

from __future__ import annotations

import gzip
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from flows.configured import SHIPPED_SOURCES
from flows.ingest import ingest
from flows.seed import import_seeds
from flows.sources import Limits, Source, load_sources
from parsers.links import Link
from parsers.listings import parse_listing
from storage import Store, open_store
from storage.documents import Document
from tests.conftest import ManualClock
from tests.fetching.certificates import server_context, trust_in, write_certificate
from tests.flows.running import environment
from tests.scripted_site import Answer, ScriptedSite

# The one page whose address its record does not tell.
SAIGONTIMES = "https://www.thesaigontimes.vn/274180/bao-giay-van-thu-vi-.html"
FEEDS = {
    "https://cafef.vn/thi-truong-chung-khoan.rss": "cafef_thi-truong-chung-khoan_2026.rss",
    "https://vietnamnet.vn/thoi-su.rss": "vietnamnet_thoi-su_2026_transcribed.rss",
    "https://vnexpress.net/rss/tin-moi-nhat.rss": "vnexpress_tin-moi-nhat_2019b.rss",
}
NOW = datetime(2026, 8, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RealPage:
    name: str
    url: str
    kind: str
    body: bytes


def real_pages(shared: Path) -> list[RealPage]:
    folder = shared / "pages"
    pages = []
    for entry in json.loads((folder / "MANIFEST.json").read_text("utf-8")):
        path = folder / f"{entry['name']}.html.gz"
        if path.is_file():
            kind = "listing" if entry["kind"] == "listing" else "article"
            url = entry.get("url", SAIGONTIMES)
            pages.append(RealPage(entry["name"], url, kind, gzip.decompress(path.read_bytes())))
    return pages


def sources_for(pages: list[RealPage]) -> list[Source]:
    """The shipped source of each page's host, pointed at what the loopback server has of it."""
    shipped = load_sources(SHIPPED_SOURCES)
    hosts = sorted({urlsplit(page.url).netloc for page in pages})
    made = []
    for host in hosts:
        url = f"https://{host}/"
        known = next((source for source in shipped if source.owns(url)), None)
        base = known or Source(
            name="thesaigontimes",
            title="The Saigon Times",
            home=url,
            sitemaps=(f"{url}sitemap.xml",),
            article_pattern=r"^https://www\.thesaigontimes\.vn/\d+/[a-z0-9-]+\.html$",
        )
        update = {
            "feeds": tuple(feed for feed in FEEDS if urlsplit(feed).netloc == host),
            "sitemaps": (f"{url}articles-of-the-test.xml",),
            "listings": tuple(p.url for p in pages if p.kind == "listing" and urlsplit(p.url).netloc == host),
            "allow_loopback": True,
            "window_days": 36500,
            "limits": Limits(min_delay_seconds=0.0, concurrency=4),
            "enabled": True,
        }
        made.append(base.model_copy(update=update))
    return made


def publish(site: ScriptedSite, shared: Path, pages: list[RealPage]) -> None:
    articles: dict[str, list[str]] = {}
    for page in pages:
        parts = urlsplit(page.url)
        site.answers[parts.netloc, parts.path] = Answer(page.body)
        if page.kind == "article":
            articles.setdefault(parts.netloc, []).append(page.url)
    for host, urls in articles.items():
        body = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
        site.answers[host, "/articles-of-the-test.xml"] = Answer(
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</urlset>'.encode(),
            headers={"Content-Type": "application/xml"},
        )
    for url, name in FEEDS.items():
        parts = urlsplit(url)
        site.answers[parts.netloc, parts.path] = Answer(
            (shared / "feeds" / name).read_bytes(), headers={"Content-Type": "text/xml"}
        )


def words(text: str | None) -> str:
    # The truth keeps a byte-order mark that one page holds within its text.
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text or "").replace("\ufeff", "")).strip()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}") as opened:
        yield opened


async def test_real_pages_come_through_with_title_date_and_most_paragraphs(
    store: Store, shared: Path, tmp_path: Path, told: Callable[[str], None]
) -> None:
    clock = ManualClock(NOW)
    seeds = import_seeds(store, shared / "seed_corpus", clock=clock, rng=random.Random(1))
    assert seeds.problems == ()
    assert store.version().added == 5

    pages = real_pages(shared)
    sources = sources_for(pages)
    hosts = sorted({urlsplit(page.url).netloc for page in pages})
    certificate = write_certificate(tmp_path, *hosts)
    async with ScriptedSite(tls=server_context(certificate)) as site:
        publish(site, shared, pages)
        env = replace(environment(store, site.routes(*hosts), clock), ssl_context=trust_in(certificate))
        report = await ingest(sources, env)
    assert report.result is not None
    assert report.failed_sources == ()

    truth = json.loads((shared / "pages" / "truth.json").read_text("utf-8"))
    rows, wrong = [], []
    for page in (page for page in pages if page.kind == "article"):
        document = document_of(store, page.url)
        expected = truth[page.name]
        row, faults = judge(page.name, document, expected)
        rows.append(row)
        wrong += faults
    told("\n".join(["real pages, as they stand in the store:", *rows]))
    assert wrong == []
    assert len(rows) == 9

    for page in (page for page in pages if page.kind == "listing"):
        links = parse_listing(page.body, page.url).links
        source = next(source for source in sources if source.owns(page.url))
        assert sum(is_article(source, link) for link in links) >= 10, page.name


def is_article(source: Source, link: Link) -> bool:
    from parsers.urls import canonical_url

    return source.is_article(canonical_url(link.url))


def document_of(store: Store, url: str) -> Document:
    story = store.story(url)
    stored = [row for row in story.outcomes if row["outcome"] == "stored"]
    assert stored, f"{url}: {[(row['outcome'], row['reason'], row['detail']) for row in story.outcomes]}"
    (page,) = story.pages
    (document,) = store.history(page["record_url"])
    return document


def judge(name: str, document: Document, expected: dict[str, Any]) -> tuple[str, list[str]]:
    """A line that tells what is right and what is not, and the faults that must not be."""
    record = document.record
    body = [words(p.text) for p in record.paragraphs]
    wanted = [words(text) for text in expected["paragraphs"]]
    found = sum(text in body for text in wanted)
    extra = sum(text not in wanted for text in body)
    published = record.published_at.isoformat(timespec="minutes") if record.published_at else None
    due = datetime.fromisoformat(expected["published_at"]).astimezone(UTC).isoformat(timespec="minutes")
    right = {
        "title": words(record.title) == words(expected["title"]),
        "date": published == due,
        "lead": words(record.lead) == words(expected["lead"]),
        "authors": expected["authors"] is None or list(record.authors) == expected["authors"],
        "agency": record.agency == expected["agency"],
    }
    told = "  ".join(f"{field} {'ok' if ok else 'NO'}" for field, ok in right.items())
    line = f"{name:36} {told}  paragraphs {found}/{len(wanted)}, {extra} more  ({record.parser})"
    faults = [f"{name}: {field}" for field in ("title", "date") if not right[field]]
    if found * 2 <= len(wanted):
        faults.append(f"{name}: only {found} of {len(wanted)} paragraphs")
    return line, faults
