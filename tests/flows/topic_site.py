"""A site whose articles are the sample texts for topics, with a feed that tells title and lead."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from flows.configured import SHIPPED_TOPICS
from flows.ingest import IngestReport, ingest
from flows.sources import Source
from flows.topics import load_topics
from parsers.article import Paragraph
from parsers.topics import Topic
from storage import Record, Store
from tests.conftest import ManualClock
from tests.flows.running import environment, scripted_source
from tests.scripted_site import Answer, ScriptedSite
from tests.storage.test_commit import commit, record
from tests.topic_texts import samples

HOST = "a.example"
KNOWN = {sample.name: sample for sample in samples("known")}
(TOPIC,) = load_topics(SHIPPED_TOPICS)
_XML = {"Content-Type": "application/rss+xml"}


def url(name: str) -> str:
    return f"http://{HOST}/bai-{list(KNOWN).index(name)}.html"


def page(name: str) -> bytes:
    text = KNOWN[name].text
    head = escape(text.title or "")
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in (text.lead or "", *text.body))
    return (
        f"<!doctype html><html lang=vi><head><meta charset=utf-8><title>{head}</title>"
        '<meta property="og:type" content="article"><meta property="article:published_time" '
        'content="2026-03-02T08:00:00+07:00"></head>'
        f"<body><article><h1>{head}</h1>{body}</article></body></html>"
    ).encode()


def serve(site: ScriptedSite, *names: str) -> None:
    """Put articles on the site, and a feed that tells their titles and leads."""
    items = "".join(
        f"<item><title>{escape(KNOWN[name].text.title or '')}</title><link>{url(name)}</link>"
        f"<description>{escape(KNOWN[name].text.lead or '')}</description>"
        "<pubDate>Mon, 02 Mar 2026 08:00:00 +0700</pubDate></item>"
        for name in names
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
    site.answers[HOST, "/feed.xml"] = Answer(feed.encode(), headers=_XML)
    for name in names:
        headers = {"Content-Type": "text/html; charset=utf-8", "ETag": f'"{name}"'}
        site.answers[HOST, url(name).removeprefix(f"http://{HOST}")] = Answer(page(name), headers=headers)


def pages_asked(site: ScriptedSite) -> list[str]:
    """The articles that were asked for since the last call, sorted by name."""
    asked = {f"http://{host}{path}" for host, path in site.asked}
    site.asked.clear()
    return sorted(name for name in KNOWN if url(name) in asked)


def picky(**changes: object) -> Source:
    """The source of the site, which keeps to topics."""
    values = {**scripted_source().model_dump(), "keep": "topic", **changes}
    return Source.model_validate(values)


async def run(
    store: Store,
    site: ScriptedSite,
    source: Source | None = None,
    *,
    topics: tuple[Topic, ...] = (TOPIC,),
    clock: ManualClock | None = None,
) -> IngestReport:
    """One ingest of the site."""
    world = environment(store, site.routes(HOST), clock or ManualClock())
    return await ingest([source or picky()], replace(world, topics=topics), force=True)


def article(name: str) -> Record:
    """A sample as an article of another site."""
    text = KNOWN[name].text
    paragraphs = tuple(Paragraph(told) for told in text.body)
    return record(f"http://other.example/{name}", title=text.title, lead=text.lead, paragraphs=paragraphs)


def seed(name: str) -> Record:
    return replace(article(name), url=f"seed:{name}", source="seed", record_kind="seed")


def grow(store: Store) -> None:
    """Five seeds, version 1, and all known articles that are off-topic, version 2."""
    about = [name for name, sample in KNOWN.items() if sample.label == "topic"]
    commit(store, "seeds", *map(seed, about[:5]))
    commit(store, "articles", *(article(name) for name in KNOWN if name not in about))
