"""How the tests of the flows run an ingest: on the sample newsroom, or on a scripted site."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from deployments.sample import SOURCES
from deployments.sample.server import SampleNewsroom
from flows.clock import Clock, SystemClock
from flows.fetching import FetchConfig
from flows.ingest import Environment, IngestReport, ingest
from flows.sources import Limits, Source, load_sources
from flows.stages import Stages
from storage import End, Store

_RNG = random.Random(7)


def environment(
    store: Store, routes: Mapping[str, tuple[str, int]], clock: Clock | None = None
) -> Environment:
    return Environment(
        store=store,
        fetch_config=FetchConfig(user_agent="khotin-test/1"),
        clock=clock or SystemClock(),
        rng=_RNG,
        routes=routes,
    )


async def run_edition(
    store: Store, edition: int, *, stages: Stages | None = None, sources: Path = SOURCES
) -> tuple[IngestReport, SampleNewsroom]:
    """One ingest of an edition of the sample newsroom."""
    async with SampleNewsroom(edition=edition) as newsroom:
        report = await ingest(
            load_sources(sources),
            environment(store, newsroom.routes),
            label=f"sample edition {edition}",
            stages=stages,
        )
    return report, newsroom


def scripted_source(name: str = "a", **changes: object) -> Source:
    """A source for the scripted site `<name>.example`, with a feed and everything always due."""
    values: dict[str, object] = {
        "name": name,
        "title": name,
        "home": f"http://{name}.example/",
        "feeds": (f"http://{name}.example/feed.xml",),
        "article_pattern": rf"^http://{name}\.example/bai-\d+\.html$",
        "parser": "generic",
        "poll_minutes": 0,
        "sitemap_minutes": 0,
        "listing_minutes": 0,
        "window_days": 36500,
        "allow_loopback": True,
        "limits": Limits(min_delay_seconds=0.0, concurrency=4),
        **changes,
    }
    return Source.model_validate(values)


def ends_by_url(report: IngestReport) -> dict[str, End]:
    assert report.result is not None
    return {end.met.url: end for _, end in report.result.ends}


SENTENCE = "người dân trong xã cho biết con đường mới giúp việc đi lại thuận tiện hơn trước rất nhiều"
SYLLABLES = SENTENCE.split()


def article_html(number: int, *, title: str = "", extra: str = "") -> bytes:
    """A plain article page, with a text that no other number has."""

    def words(start: int) -> str:
        return " ".join(SYLLABLES[(start + k) % len(SYLLABLES)] for k in range(40))

    paragraphs = "".join(f"<p>{words(number + n)} lần {number}.{n}.</p>" for n in range(5))
    head = title or f"Con đường mới số {number} đã được đưa vào sử dụng"
    return (
        f"<!doctype html><html lang=vi><head><meta charset=utf-8><title>{head}</title>"
        f'<meta property="og:type" content="article"><meta property="article:published_time" '
        f'content="2026-03-02T0{number % 10}:00:00+07:00"></head><body><article><h1>{head}</h1>'
        f"{paragraphs}{extra}</article></body></html>"
    ).encode()


def feed_xml(host: str, numbers: Sequence[int], *, hour: int = 8) -> bytes:
    """An RSS feed that names the articles with these numbers."""
    items = "".join(
        f"<item><title>Bài {n}</title><link>http://{host}/bai-{n}.html</link>"
        f"<pubDate>Mon, 02 Mar 2026 {hour:02d}:00:00 +0700</pubDate></item>"
        for n in numbers
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()
    )
